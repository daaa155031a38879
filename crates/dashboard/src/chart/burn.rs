//! The burn-down of a limit: what was used since its window began, beside an even pace, with what is to be expected.

use maud::{Markup, html};
use strongroom_model::forecast::Forecast;
use strongroom_model::limit::Unit;

use super::{HEIGHT, TOP, at, download, pixels};
use crate::figure;

/// The room of the labels on the left, in per cent of the width.
const LEFT: f64 = 12.0;

/// A limit over its window.
pub(crate) struct BurnDown<'a> {
    /// The limit, in words.
    pub(crate) title: &'a str,
    /// Its unit.
    pub(crate) unit: Unit,
    /// Its amount.
    pub(crate) amount: i64,
    /// The first instant of the window, and the first behind it, in milliseconds.
    pub(crate) window: (i64, i64),
    /// Instants with what was used by then, the oldest first; the last one is now.
    pub(crate) points: Vec<(i64, i64)>,
    /// Use to be expected at the end of the window, when enough is known.
    pub(crate) forecast: Option<Forecast>,
    /// Instants at which calls were refused, and how many.
    pub(crate) refused: Vec<(i64, i64)>,
    /// The address of the same figures as CSV.
    pub(crate) csv: String,
}

/// Draws it, with the table of its numbers.
pub(crate) fn burn_down(chart: &BurnDown<'_>) -> Markup {
    let (start, end) = chart.window;
    let used = chart.points.last().map_or(0, |(_, used)| *used);
    let expected = chart.forecast.map_or(0, |forecast| forecast.high.max(forecast.expected));
    // Far beyond the limit nothing is to be seen any more: it is cut off at twice its amount.
    let top = used.max(expected.min(chart.amount.saturating_mul(2))).max(chart.amount).max(1) as f64 * 1.06;
    let x =
        |instant: i64| ((instant - start) as f64 / (end - start).max(1) as f64 * 1000.0).clamp(0.0, 1000.0);
    let y = |value: i64| (1000.0 - value as f64 / top * 1000.0).max(0.0);
    let down = |value: i64| TOP + y(value) / 1000.0 * HEIGHT;
    let now = chart.points.last().map_or(start, |(instant, _)| *instant);
    let mut line = String::from("M0.0,1000.0");
    for (instant, value) in &chart.points {
        line.push_str(&format!("L{:.1},{:.1}", x(*instant), y(*value)));
    }
    let amount = figure::amount(chart.unit, chart.amount);
    let left = |share: f64| at(LEFT + share / 1000.0 * (100.0 - LEFT));
    html! {
        svg.chart data-points=(chart.points.len()) height=(pixels(TOP + HEIGHT + 24.0)) role="img" aria-label=(format!("{}: {} of {amount} used", chart.title, figure::amount(chart.unit, used))) {
            line.grid x1=(at(LEFT)) x2="100%" y1=(pixels(down(0))) y2=(pixels(down(0))) {}
            text x=(at(LEFT - 1.0)) y=(pixels(down(0) + 4.0)) text-anchor="end" { "0" }
            line.limit x1=(at(LEFT)) x2="100%" y1=(pixels(down(chart.amount))) y2=(pixels(down(chart.amount))) {}
            text x=(at(LEFT - 1.0)) y=(pixels(down(chart.amount) + 4.0)) text-anchor="end" { (amount) }
            @for (from, to) in between(&chart.points, &x) {
                g.slot { rect.day x=(left(from)) y=(pixels(TOP)) width=(at((to - from) / 1000.0 * (100.0 - LEFT))) height=(pixels(HEIGHT)) {} }
            }
            svg x=(at(LEFT)) y=(pixels(TOP)) width=(at(100.0 - LEFT)) height=(pixels(HEIGHT)) viewBox="0 0 1000 1000" preserveAspectRatio="none" {
                @if let Some(forecast) = chart.forecast {
                    path.band d=(format!("M{0:.1},{1:.1}L1000.0,{2:.1}L1000.0,{3:.1}Z", x(now), y(used), y(forecast.low), y(forecast.high))) {}
                    path.expected d=(format!("M{:.1},{:.1}L1000.0,{:.1}", x(now), y(used), y(forecast.expected))) {}
                }
                path.ideal d=(format!("M0.0,1000.0L1000.0,{:.1}", y(chart.amount))) {}
                path class="line l1" d=(line) {}
            }
            @for (instant, count) in &chart.refused {
                line.refused x1=(left(x(*instant))) x2=(left(x(*instant))) y1=(pixels(TOP + HEIGHT - 10.0)) y2=(pixels(TOP + HEIGHT)) { title { (calls_refused(*count)) } }
            }
            line.now x1=(left(x(now))) x2=(left(x(now))) y1=(pixels(TOP)) y2=(pixels(TOP + HEIGHT)) {}
            text x=(at(LEFT)) y=(pixels(TOP + HEIGHT + 18.0)) { (figure::short_instant(start, end - start)) }
            text x="100%" y=(pixels(TOP + HEIGHT + 18.0)) text-anchor="end" { (figure::short_instant(end, end - start)) }
        }
        ul.legend {
            li { svg viewBox="0 0 10 10" aria-hidden="true" { rect.s1 width="10" height="10" rx="2" {} } "used" }
            li { svg viewBox="0 0 10 10" aria-hidden="true" { rect.s0 width="10" height="10" rx="2" {} } "an even pace" }
            @if chart.forecast.is_some() { li { svg viewBox="0 0 10 10" aria-hidden="true" { rect.band width="10" height="10" rx="2" {} } "to be expected" } }
            @if !chart.refused.is_empty() { li { svg viewBox="0 0 10 10" aria-hidden="true" { rect.failed x="4" width="2" height="10" {} } (calls_refused(chart.refused.iter().fold(0, |sum, (_, count)| sum + count))) } }
        }
        details.numbers {
            summary { "Show the numbers" }
            div.scroll tabindex="0" role="region" aria-label=(format!("Numbers of: {}", chart.title)) {
                table {
                    thead { tr { th scope="col" { "By (UTC)" } th.n scope="col" { "Used" } } }
                    tbody { @for (instant, value) in &chart.points { tr {
                        th scope="row" { (figure::instant(strongroom_model::Millis(*instant))) }
                        td.n { (figure::amount(chart.unit, *value)) }
                    } } }
                }
            }
            (download(Some(&chart.csv)))
        }
    }
}

fn calls_refused(count: i64) -> String {
    format!("{} {} refused", figure::count(count), if count == 1 { "call" } else { "calls" })
}

/// Where the part of each point begins and ends, in thousandths: from half the way to the one before to half the way to the next.
fn between(points: &[(i64, i64)], x: &impl Fn(i64) -> f64) -> Vec<(f64, f64)> {
    let at = |number: usize| points.get(number).map(|(instant, _)| x(*instant));
    let part = |number: usize| {
        let here = at(number).unwrap_or(0.0);
        let before = number.checked_sub(1).and_then(at).map_or(here, |before| f64::midpoint(before, here));
        let next = at(number + 1).map_or(here, |next| f64::midpoint(here, next));
        // One that is alone, or the last, has to be found as well.
        (before, next.max(before + 4.0).min(1000.0).max(before))
    };
    (0..points.len()).map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_far_beyond_the_limit_is_cut_off_and_nothing_is_not_a_number() {
        let forecast = Forecast { expected: i64::MAX, low: 0, high: i64::MAX };
        for (amount, points, window) in [
            (0, vec![], (0, 0)),
            (100, vec![(10, 50), (20, 400)], (0, 100)),
            (i64::MAX, vec![(10, i64::MAX)], (0, 100)),
        ] {
            let title = "x";
            let unit = Unit::NanoUsd;
            let slots = points.len();
            let (forecast, refused, csv) = (Some(forecast), vec![(15, 3)], "/x.csv".to_owned());
            let chart = BurnDown { title, unit, amount, window, points, forecast, refused, csv };
            let drawn = burn_down(&chart).into_string();
            assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
            assert_eq!(drawn.matches("class=\"slot\"").count(), slots, "{drawn}");
            assert!(drawn.contains("3 calls refused") && drawn.contains("href=\"/x.csv\""), "{drawn}");
        }
    }
}
