//! Charts of a series: bars of sums, lines of shares and times.

use maud::{Markup, html};
use strongroom::usage::{Dim, Series, SeriesReport, Used};
use strongroom_model::Millis;

use super::Asked;
use crate::chart::lines::{LineSlot, Lines, lines};
use crate::chart::{Slot, StackedBars, stacked_bars};
use crate::measure::Measure;
use crate::page::overview::COLOURED;
use crate::range::Slots;

const CLASSES: [&str; 6] = ["s1", "s2", "s3", "s4", "s5", "s6"];

/// The series that are drawn, with a class each, and whether the rest is one.
fn drawn(report: &SeriesReport, by: &Dim, measure: Measure) -> (Vec<(String, &'static str)>, bool) {
    // Providers keep their colours wherever they are drawn; whatever else has none of its own.
    let own = |one: &Series| COLOURED.iter().position(|name| *by == Dim::Provider && *name == one.key);
    let taken: Vec<_> = report.drawn().iter().filter_map(own).collect();
    let mut free = (0..CLASSES.len()).filter(|place| !taken.contains(place));
    let mut series = Vec::with_capacity(CLASSES.len() + 1);
    for one in report.drawn() {
        let place = own(one).or_else(|| free.next()).unwrap_or(0);
        series.push((one.name.clone(), CLASSES[place]));
    }
    let is_something = |used: &Used| measure.value(used).is_some_and(|value| value > 0 || !measure.is_sum());
    let has_rest = report.slots.iter().any(|slot| slot.series.is_none() && is_something(&slot.used));
    if has_rest {
        series.push(("other".to_owned(), "s0"));
    }
    (series, has_rest)
}

/// What was used of a series in a slot; `None` of the rest.
#[must_use]
pub fn used_in<'a>(report: &'a SeriesReport, start: Millis, series: Option<&Series>) -> Option<&'a Used> {
    let key = series.map(|series| series.key.as_str());
    report
        .slots
        .iter()
        .find(|one| one.start_ms == start.0 && one.series.as_deref() == key)
        .map(|one| &one.used)
}

/// What was used in a slot of all series together, the rest among them.
pub(crate) fn all_in(report: &SeriesReport, start: Millis) -> Used {
    let mut all = strongroom::usage::Figures::default();
    for slot in report.slots.iter().filter(|slot| slot.start_ms == start.0) {
        all.add(&slot.used);
    }
    all.into()
}

fn figures(report: &SeriesReport, start: Millis, measure: Measure, has_rest: bool) -> Vec<Option<i64>> {
    let named = report.drawn().iter().map(Some);
    let rest = has_rest.then_some(None);
    named
        .chain(rest)
        .map(|series| used_in(report, start, series).and_then(|used| measure.value(used)))
        .collect()
}

/// The chart of a question.
pub(crate) fn chart(asked: &Asked, title: &str, report: &SeriesReport, slots: Slots) -> Markup {
    let measure = asked.measure;
    let (series, has_rest) = drawn(report, &asked.by, measure);
    let values = |start| figures(report, start, measure, has_rest);
    if measure.is_sum() {
        bars(asked, title, series, report, slots, values)
    } else {
        rates(asked, title, series, slots, values)
    }
}

fn bars(
    asked: &Asked,
    title: &str,
    series: Vec<(String, &'static str)>,
    report: &SeriesReport,
    slots: Slots,
    values: impl Fn(Millis) -> Vec<Option<i64>>,
) -> Markup {
    let bar = |start| Slot {
        name: slots.name_of(start),
        short: slots.short_name_of(start),
        values: values(start).into_iter().map(|it| it.unwrap_or(0).max(0)).collect(),
        is_open: slots.is_open(start, report.as_of),
        records: asked.records(start, slots.end_of(start)),
    };
    let bars: Vec<_> = slots.starts().map(bar).collect();
    let every = slots.labelled_every(bars.len());
    let (shown, on_axis, csv) = (asked.measure.shown(), asked.measure.on_axis(), Some(asked.csv()));
    stacked_bars(&StackedBars { title, series, slots: bars, slot: slots.word(), every, shown, on_axis, csv })
}

fn rates(
    asked: &Asked,
    title: &str,
    series: Vec<(String, &'static str)>,
    slots: Slots,
    values: impl Fn(Millis) -> Vec<Option<i64>>,
) -> Markup {
    let point = |start| LineSlot {
        name: slots.name_of(start),
        short: slots.short_name_of(start),
        values: values(start),
        records: asked.records(start, slots.end_of(start)),
    };
    let points: Vec<_> = slots.starts().map(point).collect();
    let every = slots.labelled_every(points.len());
    let (shown, csv) = (asked.measure.shown(), Some(asked.csv()));
    lines(&Lines { title, series, slots: points, slot: slots.word(), every, shown, csv })
}

/// The shares of uses that providers refused and at which they failed, as lines.
pub(crate) fn error_shares(asked: &Asked, title: &str, report: &SeriesReport, slots: Slots) -> Markup {
    let asked = Asked { measure: Measure::ErrorShare, by: Dim::Nothing, ..asked.clone() };
    let share = |part: i64, whole: i64| (whole > 0).then(|| i128::from(part) * 1000 / i128::from(whole));
    let values = |start| {
        let used = all_in(report, start);
        [used.errors_client, used.errors_provider]
            .map(|part| share(part, used.requests).and_then(|share| i64::try_from(share).ok()))
            .to_vec()
    };
    let series = vec![
        ("refused by providers (4xx)".to_owned(), "s2"),
        ("failed at providers (5xx, or no answer)".to_owned(), "s4"),
    ];
    rates(&asked, title, series, slots, values)
}

/// Uses by what became of them, as bars.
pub(crate) fn answers(asked: &Asked, title: &str, report: &SeriesReport, slots: Slots) -> Markup {
    let asked = Asked { measure: Measure::Errors, by: Dim::Nothing, ..asked.clone() };
    let values = |start| {
        let used = all_in(report, start);
        let answered = used.requests.saturating_sub(used.errors_client).saturating_sub(used.errors_provider);
        vec![Some(answered), Some(used.errors_client), Some(used.errors_provider)]
    };
    let series = vec![
        ("answered".to_owned(), "s1"),
        ("refused by the provider (4xx)".to_owned(), "s2"),
        ("failed at the provider (5xx, or no answer)".to_owned(), "failed"),
    ];
    bars(&asked, title, series, report, slots, values)
}

/// A chart with its title, or in its place why there is none.
pub(crate) fn card(
    class: &str,
    id: &str,
    title: &str,
    empty: Option<&str>,
    chart: impl FnOnce() -> Markup,
) -> Markup {
    html! {
        figure class={ "card " (class) } id=(id) {
            figcaption { h2 { (title) } }
            @match empty { Some(why) => p.empty { (why) }, None => (chart()) }
        }
    }
}

#[cfg(test)]
mod tests {
    use strongroom::usage::{Figures, Grain, UsedInSlot};

    use super::*;

    fn report(series: &[&str], slots: Vec<UsedInSlot>) -> SeriesReport {
        let series = series.iter().map(|name| Series {
            key: (*name).into(),
            name: (*name).into(),
            used: Used::default(),
            before: None,
        });
        SeriesReport {
            total: Used::default(),
            before: Used::default(),
            series: series.collect(),
            has_more: false,
            slots,
            as_of: Millis(0),
        }
    }

    #[test]
    fn a_provider_has_its_own_colour_whatever_its_rank() {
        let report = report(&["zebra", "groq", "alpha", "openai"], Vec::new());
        let classes = |by| {
            drawn(&report, &by, Measure::Spend).0.into_iter().map(|(_, class)| class).collect::<Vec<_>>()
        };
        assert_eq!(classes(Dim::Provider), ["s2", "s5", "s3", "s1"]);
        assert_eq!(classes(Dim::Model), ["s1", "s2", "s3", "s4"]);
    }

    #[test]
    fn errors_of_all_series_are_told_by_their_class() {
        let used = |requests, errors_client, errors_provider| {
            Used::from(Figures { requests, errors_client, errors_provider, ..Figures::default() })
        };
        let slot =
            |series: Option<&str>, used| UsedInSlot { start_ms: 0, series: series.map(str::to_owned), used };
        let report = report(&["a"], vec![slot(Some("a"), used(6, 1, 0)), slot(None, used(2, 0, 1))]);
        assert_eq!((all_in(&report, Millis(0)).requests, all_in(&report, Millis(1)).requests), (8, 0));
        let slots = Slots { from: Millis(0), to: Millis(86_400_000), grain: Grain::Day };
        let asked = Asked::new(Measure::Calls, Dim::Model);
        let bars = answers(&asked, "Answers", &report, slots).into_string();
        assert!(
            bars.contains(
                "answered 6, refused by the provider (4xx) 1, failed at the provider (5xx, or no answer) 1"
            ),
            "{bars}"
        );
        let lines = error_shares(&asked, "Errors", &report, slots).into_string();
        assert_eq!(lines.matches("12.5 %").count(), 2, "{lines}");
    }
}
