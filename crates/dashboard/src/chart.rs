//! Charts as SVG that scales without its text: the outer drawing has no view box, so that labels are 11 px at every width, and
//! bars are placed in per cent.

pub(crate) mod burn;
pub(crate) mod lines;

use maud::{Markup, html};

use crate::{figure, text};

const HEIGHT: f64 = 180.0;
const TOP: f64 = 8.0;
/// The room of the labels on the left, in per cent of the width.
const LEFT: f64 = 7.0;

/// A bar for each slot, made of a part for each series.
pub(crate) struct StackedBars<'a> {
    /// The title, which says what is drawn.
    pub(crate) title: &'a str,
    /// The names of the series, those of the lowest parts first, and the class of each.
    pub(crate) series: Vec<(String, &'static str)>,
    /// The slots, each with a value for each series.
    pub(crate) slots: Vec<Slot>,
    /// What a slot is called.
    pub(crate) slot: &'static str,
    /// How many slots lie between two that have their names below them.
    pub(crate) every: usize,
    /// A value as people read it.
    pub(crate) shown: fn(i64) -> String,
    /// A value on the axis, where there is little room.
    pub(crate) on_axis: fn(i64) -> String,
    /// The address of the same figures as CSV.
    pub(crate) csv: Option<String>,
}

/// A slot of time of a chart.
pub(crate) struct Slot {
    pub(crate) name: String,
    pub(crate) short: String,
    pub(crate) values: Vec<i64>,
    /// Set on the one that is not over yet.
    pub(crate) is_open: bool,
    /// The address of what is summed up in it.
    pub(crate) records: Option<String>,
}

impl Slot {
    fn total(&self) -> i64 {
        self.values.iter().fold(0, |sum, value| sum.saturating_add(*value))
    }
}

/// The distance between two grid lines: one, two or five times a power of ten, so that at most four lines are drawn.
fn grid_step(most: i64) -> i64 {
    let mut step: i64 = 1;
    for factor in [2, 5, 10].into_iter().cycle() {
        if most / step < 4 || step > i64::MAX / 20 {
            break;
        }
        let power = if factor == 10 {
            step / 5
        } else if factor == 5 {
            step / 2
        } else {
            step
        };
        step = power * factor;
    }
    step
}

fn at(percent: f64) -> String {
    format!("{percent:.3}%")
}

fn pixels(length: f64) -> String {
    format!("{length:.1}")
}

/// Draws it, with its legend and the table of its numbers.
pub(crate) fn stacked_bars(chart: &StackedBars<'_>) -> Markup {
    let most = chart.slots.iter().map(Slot::total).max().unwrap_or(0).max(1);
    let step = grid_step(most);
    let scale = most as f64 * 1.02;
    let y = |value: i64| TOP + HEIGHT - value as f64 / scale * HEIGHT;
    let slot = (100.0 - LEFT) / chart.slots.len().max(1) as f64;
    let sum: i64 = chart.slots.iter().map(Slot::total).fold(0, i64::saturating_add);
    let label = format!("{}: {} in all", chart.title, (chart.shown)(sum));
    html! {
        svg.chart data-points=(chart.slots.len()) height=(pixels(TOP + HEIGHT + 24.0)) role="img" aria-label=(label) {
            @for line in (0..=4).map(|n| step.saturating_mul(n)).take_while(|value| *value <= most) {
                line.grid x1=(at(LEFT)) x2="100%" y1=(pixels(y(line))) y2=(pixels(y(line))) {}
                text x=(at(LEFT - 1.0)) y=(pixels(y(line) + 4.0)) text-anchor="end" { ((chart.on_axis)(line)) }
            }
            @for (number, day) in chart.slots.iter().enumerate() {
                (bar(chart, day, LEFT + slot * (number as f64 + 0.08), slot * 0.84, &y))
                @if let Some(class) = labelled(number, chart.slots.len(), chart.every) {
                    text class=(class) x=(at(LEFT + slot * (number as f64 + 0.5))) y=(pixels(TOP + HEIGHT + 18.0)) text-anchor="middle" { (day.short) }
                }
            }
        }
        (legend(&chart.series))
        (table(chart))
    }
}

/// Names of the series with their colours.
fn legend(series: &[(String, &'static str)]) -> Markup {
    html! {
        ul.legend {
            @for (name, class) in series {
                li { svg viewBox="0 0 10 10" aria-hidden="true" { rect class=(class) width="10" height="10" rx="2" {} } (text::visible(name)) }
            }
        }
    }
}

/// Every so many slots one has its name below it; on a narrow screen the first, one in the middle, and the last of these.
fn labelled(number: usize, slots: usize, every: usize) -> Option<&'static str> {
    let every = every.max(1);
    if !number.is_multiple_of(every) {
        return None;
    }
    let (nth, last) = (number / every, (slots.max(1) - 1) / every);
    Some(if nth == 0 || nth == last || nth == last / 2 { "" } else { "wide" })
}

fn bar(chart: &StackedBars<'_>, day: &Slot, x: f64, width: f64, y: &impl Fn(i64) -> f64) -> Markup {
    let mut below = 0_i64;
    let parts: Vec<_> = day
        .values
        .iter()
        .zip(&chart.series)
        .filter_map(|(value, (_, class))| {
            let bottom = y(below);
            below = below.saturating_add(*value);
            // One pixel between two parts, as long as there is one to give.
            let height = bottom - y(below) - 1.0;
            (height > 0.2).then(|| (*class, y(below), height))
        })
        .collect();
    let named = day.values.iter().zip(&chart.series).filter(|(value, _)| **value > 0);
    let named: Vec<_> = named.map(|(value, (name, _))| format!("{name} {}", (chart.shown)(*value))).collect();
    let so_far = if day.is_open { " so far" } else { "" };
    html! {
        g.bar.slot .open[day.is_open] {
            title { (format!("{}: {}{so_far}", day.name, (chart.shown)(day.total()))) @if !named.is_empty() { " – " (named.join(", ")) } }
            // So that the pointer finds a day that has nothing to show.
            rect.day x=(at(x)) y=(pixels(TOP)) width=(at(width)) height=(pixels(HEIGHT)) {}
            @for (class, top, height) in &parts {
                rect class=(class) x=(at(x)) y=(pixels(*top)) width=(at(width)) height=(pixels(*height)) {}
            }
        }
    }
}

fn table(chart: &StackedBars<'_>) -> Markup {
    html! {
        details.numbers {
            summary { "Show the numbers" }
            div.scroll tabindex="0" role="region" aria-label=(format!("Numbers of: {}", chart.title)) {
                table {
                    thead { tr {
                        th scope="col" { (head_of(chart.slot)) }
                        @for (name, _) in &chart.series { th.n scope="col" { (text::visible(name)) } }
                        th.n scope="col" { "Sum" }
                    } }
                    tbody {
                        @for day in &chart.slots {
                            tr {
                                th scope="row" { (slot_name(&day.name, day.records.as_deref())) @if day.is_open { " so far" } }
                                @for value in &day.values { td.n { ((chart.shown)(*value)) } }
                                td.n { ((chart.shown)(day.total())) }
                            }
                        }
                    }
                }
            }
            (download(chart.csv.as_deref()))
        }
    }
}

/// The head of the column of slots.
fn head_of(slot: &str) -> &'static str {
    match slot {
        "hour" => "Hour (UTC)",
        "week" => "Days (UTC)",
        _ => "Day (UTC)",
    }
}

/// The name of a slot, which leads to what is summed up in it.
fn slot_name(name: &str, records: Option<&str>) -> Markup {
    html! { @match records { Some(records) => a href=(records) title="Single uses" { (name) }, None => (name) } }
}

/// The way to the same figures as a file.
fn download(csv: Option<&str>) -> Markup {
    html! { @if let Some(csv) = csv { p.sub { a href=(csv) download { "Download as CSV" } } } }
}

/// A line of what happened, without axes: beside its figure in a row.
pub(crate) fn sparkline(values: &[i64]) -> Markup {
    let most = values.iter().copied().max().unwrap_or(0).max(1) as f64;
    let step = 96.0 / values.len().max(2).saturating_sub(1) as f64;
    let mut path = String::new();
    for (number, value) in values.iter().enumerate() {
        let command = if number == 0 { 'M' } else { 'L' };
        let y = 20.0 - *value as f64 / most * 18.0;
        path.push_str(&format!("{command}{:.1} {y:.1}", number as f64 * step));
    }
    html! { svg.spark viewBox="0 0 96 22" aria-hidden="true" { path class="line l1" d=(path) {} } }
}

/// How much of a whole is used: a bar, and the same in words.
pub(crate) fn meter(used: i64, whole: i64, what: &str) -> Markup {
    let share = figure::share(used, whole);
    let class = match share {
        95.. => "bad",
        80.. => "warn",
        _ => "good",
    };
    html! {
        span.meter {
            svg role="img" aria-label=(format!("{share} % of {what}")) {
                rect.track width="100%" height="100%" rx="4" {}
                rect class=(class) width=(format!("{share}%")) height="100%" rx="4" {}
            }
            span aria-hidden="true" { (share) " %" }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_four_steps_fit_and_at_least_one() {
        for most in [1, 2, 3, 4, 7, 10, 39, 40, 99, 1000, 160_000_000_000, i64::MAX / 2, i64::MAX] {
            let step = grid_step(most);
            assert!(step >= 1 && most / step >= 1, "{most}: {step}");
            assert!(most / step < 5 || step > i64::MAX / 20, "{most}: {step}");
        }
        assert_eq!((grid_step(160), grid_step(39), grid_step(40)), (50, 10, 20));
    }

    #[test]
    fn a_chart_has_its_figures_in_a_table_and_no_style_of_its_own() {
        let slot = |name: &str, values: Vec<i64>| Slot {
            name: name.into(),
            short: name.into(),
            values,
            is_open: false,
            records: Some("/records?a=1&b=2".into()),
        };
        let chart = StackedBars {
            title: "Spend per day",
            series: vec![("<openai>".into(), "s1"), ("groq".into(), "s2")],
            slots: vec![
                slot("one", vec![0, 0]),
                slot("two", vec![3, 4]),
                slot("three", vec![i64::MAX, i64::MAX]),
            ],
            slot: "day",
            every: 1,
            shown: figure::count,
            on_axis: figure::count,
            csv: Some("/x.csv".into()),
        };
        let drawn = stacked_bars(&chart).into_string();
        assert!(!drawn.contains("style=") && !drawn.contains("<openai>"), "{drawn}");
        assert!(drawn.contains("&lt;openai&gt;") && drawn.contains("two: 7"), "{drawn}");
        assert_eq!(drawn.matches("<tr>").count(), 4);
        assert_eq!(drawn.matches("href=\"/records?a=1&amp;b=2\"").count(), 3);
        let empty = StackedBars { slots: Vec::new(), ..chart };
        assert!(stacked_bars(&empty).into_string().contains("0 in all"));
    }
}
