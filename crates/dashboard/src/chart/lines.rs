//! Lines of rates: one for each series, a gap where there is no figure.

use maud::{Markup, html};

use super::{HEIGHT, LEFT, TOP, at, download, grid_step, head_of, labelled, legend, pixels, slot_name};
use crate::text;

/// A line for each series.
pub(crate) struct Lines<'a> {
    /// The title, which says what is drawn.
    pub(crate) title: &'a str,
    /// The names of the series, and the class of each.
    pub(crate) series: Vec<(String, &'static str)>,
    /// The slots, each with a value for each series where there is one.
    pub(crate) slots: Vec<LineSlot>,
    /// What a slot is called.
    pub(crate) slot: &'static str,
    /// How many slots lie between two that have their names below them.
    pub(crate) every: usize,
    /// A value as people read it.
    pub(crate) shown: fn(i64) -> String,
    /// The address of the same figures as CSV.
    pub(crate) csv: Option<String>,
}

/// A slot of time of a chart.
pub(crate) struct LineSlot {
    pub(crate) name: String,
    pub(crate) short: String,
    pub(crate) values: Vec<Option<i64>>,
    /// The address of what it is a figure of.
    pub(crate) records: Option<String>,
}

/// The stroke that goes with a fill.
fn stroke(class: &str) -> &'static str {
    match class {
        "s1" => "line l1",
        "s2" => "line l2",
        "s3" => "line l3",
        "s4" => "line l4",
        "s5" => "line l5",
        "s6" => "line l6",
        _ => "line l0",
    }
}

/// Draws it, with its legend and the table of its numbers.
pub(crate) fn lines(chart: &Lines<'_>) -> Markup {
    let values = || chart.slots.iter().flat_map(|day| day.values.iter().flatten().copied());
    let most = values().max().unwrap_or(0).max(1);
    let step = grid_step(most);
    let scale = most as f64 * 1.02;
    let slot = (100.0 - LEFT) / chart.slots.len().max(1) as f64;
    let y = |value: i64| TOP + HEIGHT - value as f64 / scale * HEIGHT;
    let none = if values().next().is_none() { ": no figures" } else { "" };
    html! {
        svg.chart data-points=(chart.slots.len()) height=(pixels(TOP + HEIGHT + 24.0)) role="img" aria-label=(format!("{}{none}", chart.title)) {
            @for line in (0..=4).map(|n| step.saturating_mul(n)).take_while(|value| *value <= most) {
                line.grid x1=(at(LEFT)) x2="100%" y1=(pixels(y(line))) y2=(pixels(y(line))) {}
                text x=(at(LEFT - 1.0)) y=(pixels(y(line) + 4.0)) text-anchor="end" { ((chart.shown)(line)) }
            }
            @for (number, day) in chart.slots.iter().enumerate() {
                g.slot { rect.day x=(at(LEFT + slot * number as f64)) y=(pixels(TOP)) width=(at(slot)) height=(pixels(HEIGHT)) {} }
                @if let Some(class) = labelled(number, chart.slots.len(), chart.every) {
                    text class=(class) x=(at(LEFT + slot * (number as f64 + 0.5))) y=(pixels(TOP + HEIGHT + 18.0)) text-anchor="middle" { (day.short) }
                }
            }
            // Its own coordinates, so that a line bends nowhere but at its points, whatever the width.
            svg x=(at(LEFT)) y=(pixels(TOP)) width=(at(100.0 - LEFT)) height=(pixels(HEIGHT)) viewBox="0 0 1000 1000" preserveAspectRatio="none" {
                @for (number, (_, class)) in chart.series.iter().enumerate() {
                    path class=(stroke(class)) d=(path(&chart.slots, number, scale)) {}
                }
            }
        }
        (legend(&chart.series))
        (table(chart))
    }
}

fn path(days: &[LineSlot], series: usize, scale: f64) -> String {
    let slot = 1000.0 / days.len().max(1) as f64;
    let mut path = String::new();
    let mut is_down = false;
    for (number, day) in days.iter().enumerate() {
        let Some(value) = day.values.get(series).copied().flatten() else {
            is_down = false;
            continue;
        };
        let x = slot * (number as f64 + 0.5);
        let y = 1000.0 - value as f64 / scale * 1000.0;
        if is_down {
            path.push_str(&format!("L{x:.1},{y:.1}"));
        } else {
            // A point alone is a short line, or it would not be seen.
            path.push_str(&format!("M{:.1},{y:.1}L{x:.1},{y:.1}", (x - slot / 4.0).max(0.0)));
        }
        is_down = true;
    }
    path
}

fn table(chart: &Lines<'_>) -> Markup {
    html! {
        details.numbers {
            summary { "Show the numbers" }
            div.scroll tabindex="0" role="region" aria-label=(format!("Numbers of: {}", chart.title)) {
                table {
                    thead { tr { th scope="col" { (head_of(chart.slot)) } @for (name, _) in &chart.series { th.n scope="col" { (text::visible(name)) } } } }
                    tbody {
                        @for day in &chart.slots {
                            tr {
                                th scope="row" { (slot_name(&day.name, day.records.as_deref())) }
                                @for value in &day.values { td.n { @match value { Some(value) => ((chart.shown)(*value)), None => "–" } } }
                            }
                        }
                    }
                }
            }
            (download(chart.csv.as_deref()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure;

    #[test]
    fn a_gap_stays_a_gap_and_a_point_alone_is_seen() {
        let slot = |values: Vec<Option<i64>>| LineSlot {
            name: "d".into(),
            short: "d".into(),
            values,
            records: None,
        };
        let days = [slot(vec![Some(5)]), slot(vec![None]), slot(vec![Some(10)]), slot(vec![Some(0)])];
        let path = path(&days, 0, 10.0);
        assert_eq!(path, "M62.5,500.0L125.0,500.0M562.5,0.0L625.0,0.0L875.0,1000.0");
        let series = vec![("<b>".to_owned(), "s1")];
        let (shown, slots) = (figure::count, days.into());
        let chart = Lines { title: "Rates", series, slots, slot: "day", every: 1, shown, csv: None };
        let drawn = lines(&chart).into_string();
        assert!(!drawn.contains("<b>") && !drawn.contains("style="), "{drawn}");
        assert!(drawn.contains("–") && drawn.matches("class=\"slot\"").count() == 4, "{drawn}");
    }
}
