//! Ranges of time (UTC) that pages show: what an address says, as slots.

use serde::Deserialize;
use strongroom::usage::Grain;
use strongroom_dashboard::range::{MAX_DAYS, Range, Slots};
use strongroom_model::{Millis, Problem, month};

use super::typed;

const DAY_MS: i64 = Grain::Day.ms();
const HOUR_MS: i64 = Grain::Hour.ms();
/// A range of more days than these is told by the week.
const MAX_BY_DAY: i64 = 92;

/// The days that begin within `[from, to)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Days {
    pub(super) from: Millis,
    pub(super) to: Millis,
}

/// The part of an address that names a range.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RangeQuery {
    range: String,
    from: String,
    to: String,
}

impl RangeQuery {
    /// The part of an address that these are.
    pub(super) fn of(range: &str, from: &str, to: &str) -> Self {
        Self { range: range.to_owned(), from: from.to_owned(), to: to.to_owned() }
    }

    /// The range and its slots; with the reason, the usual one where there is none such.
    pub(super) fn slots(self, now: Millis) -> (Range, Slots, Option<Problem>) {
        let range = Range::of(self.range, self.from, self.to);
        match slots(&range, now) {
            Ok(slots) => (range, slots, None),
            Err(problem) => (range, usual(now), Some(problem)),
        }
    }
}

/// The slots of the usual range.
fn usual(now: Millis) -> Slots {
    let Days { from, to } = last(30, now);
    Slots { from, to, grain: Grain::Day }
}

/// The slots of a range.
///
/// # Errors
/// [`Problem`] when its days are none, too many, or the wrong way round.
pub(super) fn slots(range: &Range, now: Millis) -> Result<Slots, Problem> {
    let tomorrow = now.0 - now.0.rem_euclid(DAY_MS) + DAY_MS;
    let Days { from, to } = match range.name.as_str() {
        "24h" => {
            let to = now.0 - now.0.rem_euclid(HOUR_MS) + HOUR_MS;
            return Ok(Slots { from: Millis(to - 24 * HOUR_MS), to: Millis(to), grain: Grain::Hour });
        }
        "7d" => last(7, now),
        "30d" => last(30, now),
        "90d" => last(90, now),
        "month" => Days { from: month::start(now), to: Millis(tomorrow) },
        _ => from_day_to_day(range, tomorrow)?,
    };
    let grain = if to.0 - from.0 > MAX_BY_DAY * DAY_MS { Grain::Week } else { Grain::Day };
    Ok(Slots { from, to, grain })
}

fn from_day_to_day(range: &Range, tomorrow: i64) -> Result<Days, Problem> {
    let to = match range.to.as_str() {
        "" => tomorrow,
        to => typed::day_of(to, "to")?.0.saturating_add(DAY_MS),
    };
    let from = match range.from.as_str() {
        "" => to - 30 * DAY_MS,
        from => typed::day_of(from, "from")?.0,
    };
    if from >= to {
        return Err(Problem::invalid("from", "the first day is behind the last one"));
    }
    if to - from > MAX_DAYS * DAY_MS {
        return Err(Problem::invalid("from", format!("at most {MAX_DAYS} days are shown at once")));
    }
    Ok(Days { from: Millis(from), to: Millis(to) })
}

/// The last so many days, today among them.
pub(super) const fn last(days: i64, now: Millis) -> Days {
    let today = now.0 - now.0.rem_euclid(DAY_MS);
    Days { from: Millis(today - (days - 1) * DAY_MS), to: Millis(today + DAY_MS) }
}

/// This month until today, and as many days of the month before, as far as that has them.
pub(super) fn this_month_and_before(now: Millis) -> (Days, Days) {
    let from = month::start(now);
    let to = Millis(now.0 - now.0.rem_euclid(DAY_MS) + DAY_MS);
    let before = month::start(Millis(from.0 - 1));
    let as_many = Millis(before.0 + (to.0 - from.0));
    (Days { from, to }, Days { from: before, to: as_many.min(from) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Millis {
        Millis::parse(text).unwrap()
    }

    #[test]
    fn a_range_ends_with_today() {
        let days = last(30, at("2026-03-31T10:00:00Z"));
        assert_eq!((days.from, days.to), (at("2026-03-02T00:00:00Z"), at("2026-04-01T00:00:00Z")));
    }

    #[test]
    fn months_are_compared_by_as_many_days() {
        let (this, before) = this_month_and_before(at("2026-03-03T10:00:00Z"));
        assert_eq!((this.from, this.to), (at("2026-03-01T00:00:00Z"), at("2026-03-04T00:00:00Z")));
        assert_eq!((before.from, before.to), (at("2026-02-01T00:00:00Z"), at("2026-02-04T00:00:00Z")));
        let (_, before) = this_month_and_before(at("2026-03-31T10:00:00Z"));
        assert_eq!((before.from, before.to), (at("2026-02-01T00:00:00Z"), at("2026-03-01T00:00:00Z")));
    }

    #[test]
    fn impossible_ranges_are_named_and_possible_ones_are_whole_slots() {
        let now = at("2026-03-10T12:34:00Z");
        let of =
            |name: &str, from: &str, to: &str| slots(&Range::of(name.into(), from.into(), to.into()), now);
        let two = of("", "2026-03-01", "2026-03-02").unwrap();
        let from_to = (at("2026-03-01T00:00:00Z"), at("2026-03-03T00:00:00Z"));
        assert_eq!(((two.from, two.to), two.grain), (from_to, Grain::Day));
        assert_eq!(of("", "", "").unwrap().to, at("2026-03-11T00:00:00Z"));
        let day = of("24h", "", "").unwrap();
        let from_to = (at("2026-03-09T13:00:00Z"), at("2026-03-10T13:00:00Z"));
        assert_eq!(((day.from, day.to), day.grain), (from_to, Grain::Hour));
        assert_eq!(of("", "2025-03-01", "2026-03-01").unwrap().grain, Grain::Week);
        for (from, to) in
            [("2026-03-02", "2026-03-01"), ("2020-01-01", "2026-01-01"), ("x", ""), ("", "2026-02-31")]
        {
            assert!(of("24h", from, to).is_err(), "{from} {to}");
            let query = RangeQuery { range: String::new(), from: from.into(), to: to.into() };
            let (range, shown, problem) = query.slots(now);
            assert_eq!((range.from.as_str(), shown), (from, usual(now)), "what was typed stays");
            assert!(problem.is_some());
        }
    }
}
