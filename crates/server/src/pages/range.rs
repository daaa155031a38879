//! Ranges of days (UTC) that pages show.

use strongroom_model::{Millis, month};

const DAY_MS: i64 = 86_400_000;

/// The days that begin within `[from, to)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Days {
    pub(super) from: Millis,
    pub(super) to: Millis,
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
}
