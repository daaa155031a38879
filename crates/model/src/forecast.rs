//! Forecasts: what a month is going to cost, and when a limit is going to be used up, at the rate of the last days.

use crate::Millis;

const HOUR_MS: i64 = 3_600_000;
const DAY_HOURS: usize = 24;
const WEEK_HOURS: usize = 7 * DAY_HOURS;
/// Hours that a forecast looks back at.
pub const LOOKBACK_HOURS: usize = 14 * DAY_HOURS;

/// What is going to be spent until an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forecast {
    /// At the end.
    pub expected: i64,
    /// When days to come are like the cheaper ones of the last two weeks.
    pub low: i64,
    /// When they are like the dearer ones.
    pub high: i64,
}

/// Amounts of the last hours, the last one unfinished: `hours[LOOKBACK_HOURS - 1]` holds now.
#[derive(Debug, Clone)]
pub struct LastHours {
    /// The amount of each hour.
    pub amounts: [i64; LOOKBACK_HOURS],
    /// How many of them, from the back, are known: since the first call there was.
    pub known: usize,
}

impl LastHours {
    /// The last hours of some that are told by their first instants.
    #[must_use]
    pub fn of(amounts: impl IntoIterator<Item = (Millis, i64)>, now: Millis) -> Self {
        let this_hour = now.0.div_euclid(HOUR_MS);
        let mut last = Self { amounts: [0; LOOKBACK_HOURS], known: 0 };
        for (start, amount) in amounts {
            let Ok(ago) = usize::try_from(this_hour - start.0.div_euclid(HOUR_MS)) else { continue };
            if let Some(place) = (LOOKBACK_HOURS - 1).checked_sub(ago) {
                last.amounts[place] = last.amounts[place].saturating_add(amount);
                last.known = last.known.max(ago + 1);
            }
        }
        last
    }

    /// Complete hours, the newest first.
    fn complete(&self) -> impl Iterator<Item = i64> {
        self.amounts.iter().rev().skip(1).take(self.known.saturating_sub(1)).copied()
    }

    fn mean(&self, hours: usize) -> f64 {
        let amounts: Vec<i64> = self.complete().take(hours).collect();
        if amounts.is_empty() { 0.0 } else { sum(&amounts) / count(amounts.len()) }
    }

    /// How an hour of the week compares with the mean of all, once there are two weeks: hour 0 is the one that holds now.
    fn shape(&self) -> Option<[f64; WEEK_HOURS]> {
        if self.known < LOOKBACK_HOURS {
            return None;
        }
        let mean = self.mean(LOOKBACK_HOURS);
        if mean <= 0.0 {
            return None;
        }
        let mut shape = [0.0; WEEK_HOURS];
        // `ago` hours back lies the hour of the week that comes `WEEK_HOURS - ago` hours from now.
        for (ago, amount) in (1..).zip(self.complete()) {
            shape[(WEEK_HOURS - ago % WEEK_HOURS) % WEEK_HOURS] += sum(&[amount]) / 2.0 / mean;
        }
        // Of the hour that holds now there is one complete one.
        shape[0] *= 2.0;
        Some(shape)
    }
}

fn sum(amounts: &[i64]) -> f64 {
    amounts.iter().map(|amount| *amount as f64).sum()
}

fn count(hours: usize) -> f64 {
    hours as f64
}

fn hours_between(from: Millis, to: Millis) -> f64 {
    (to.0 - from.0).max(0) as f64 / HOUR_MS as f64
}

#[expect(clippy::cast_possible_truncation, reason = "what is too large becomes the largest there is")]
fn amount(value: f64) -> i64 {
    value.round() as i64
}

/// What is going to be spent by `end`, when so much is spent by now: the hours that are left at 0.6 of the mean hour of the last day
/// and 0.4 of that of the last week, shaped by the hour of the week once there are two weeks. The band is what the days that are left
/// come to when they are like the fifth and the fourth fifth of the days of the last two weeks. `None` with less than 24 hours.
#[must_use]
pub fn until(end: Millis, spent: i64, last: &LastHours, now: Millis) -> Option<Forecast> {
    if last.known <= DAY_HOURS {
        return None;
    }
    let rate = 0.6 * last.mean(DAY_HOURS) + 0.4 * last.mean(WEEK_HOURS);
    let left = hours_between(now, end);
    let shape = last.shape();
    // The rest of this hour, then whole ones.
    let into_hour = hours_between(Millis(now.0 - now.0.rem_euclid(HOUR_MS)), now);
    let (mut hours, mut place, mut passed) = (0.0, 0, 0.0);
    while passed < left {
        let length = if place == 0 { 1.0 - into_hour } else { 1.0 };
        let length = f64::min(length, left - passed);
        hours += length * shape.map_or(1.0, |shape| shape[place % WEEK_HOURS]);
        passed += length;
        place += 1;
    }
    let expected = spent.saturating_add(amount(rate * hours));
    let mut days: Vec<f64> = last.complete().collect::<Vec<_>>().chunks_exact(DAY_HOURS).map(sum).collect();
    days.sort_by(f64::total_cmp);
    let at = |share: usize| days[(days.len() - 1) * share / 100];
    let by_days = |day: f64| spent.saturating_add(amount(day * left / count(DAY_HOURS)));
    let (low, high) = (by_days(at(20)), by_days(at(80)));
    Some(Forecast { expected, low: low.min(expected), high: high.max(expected) })
}

/// When an amount is used up, when so much of it was used at an earlier instant and so much is now. `None` when nothing was used in
/// between.
#[must_use]
pub fn used_up(amount_in_all: i64, before: (Millis, i64), now: (Millis, i64)) -> Option<Millis> {
    let left = amount_in_all.saturating_sub(now.1);
    if left <= 0 {
        return Some(now.0);
    }
    let (span, used) = (now.0.0 - before.0.0, now.1.saturating_sub(before.1));
    if span <= 0 || used <= 0 {
        return None;
    }
    let more = i128::from(left) * i128::from(span) / i128::from(used);
    i64::try_from(i128::from(now.0.0) + more).ok().map(Millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Thursday, 2026-01-15T00:00:00Z.
    const NOW: Millis = Millis(1_768_435_200_000);

    fn last(hours: i64, amount: impl Fn(i64) -> i64) -> LastHours {
        LastHours::of((0..hours).map(|ago| (Millis(NOW.0 - ago * HOUR_MS), amount(ago))), NOW)
    }

    #[test]
    fn less_than_a_day_tells_nothing() {
        let end = Millis(NOW.0 + 24 * HOUR_MS);
        assert_eq!(until(end, 7, &last(24, |_| 10), NOW), None);
        assert_eq!(until(end, 7, &last(0, |_| 10), NOW), None);
        assert!(until(end, 7, &last(25, |_| 10), NOW).is_some());
    }

    #[test]
    fn an_even_rate_goes_on() {
        let end = Millis(NOW.0 + 48 * HOUR_MS);
        let forecast = until(end, 1000, &last(1000, |_| 10), NOW).unwrap();
        assert_eq!(forecast, Forecast { expected: 1480, low: 1480, high: 1480 });
        assert_eq!(until(NOW, 1000, &last(1000, |_| 10), NOW).unwrap().expected, 1000, "nothing is left");
    }

    #[test]
    fn the_last_day_weighs_most() {
        let end = Millis(NOW.0 + 10 * HOUR_MS);
        // 20 an hour on the last day, 10 on the six days before it.
        let forecast = until(end, 0, &last(169, |ago| if ago <= 24 { 20 } else { 10 }), NOW).unwrap();
        let week = (24.0 * 20.0 + 144.0 * 10.0) / 168.0;
        assert_eq!(forecast.expected, amount(10.0 * (0.6 * 20.0 + 0.4 * week)));
    }

    #[test]
    fn after_two_weeks_quiet_hours_are_quiet_again() {
        // Only the first twelve hours of each day are busy: of the day before, these are 24 to 13 hours ago.
        let busy = |ago: i64| if (ago - 1).rem_euclid(24) >= 12 { 20 } else { 0 };
        let hours = last(14 * 24, busy);
        let at =
            |hours_ahead: i64| until(Millis(NOW.0 + hours_ahead * HOUR_MS), 0, &hours, NOW).unwrap().expected;
        assert_eq!(at(24) - at(13), 0, "the second half of the day is quiet");
        assert!(at(12) > 150, "{}", at(12));
    }

    #[test]
    fn a_limit_is_used_up_at_its_rate() {
        let hour = |hours: i64| Millis(NOW.0 + hours * HOUR_MS);
        assert_eq!(used_up(100, (hour(0), 20), (hour(2), 40)), Some(hour(8)));
        assert_eq!(used_up(100, (hour(0), 20), (hour(2), 120)), Some(hour(2)), "it is");
        assert_eq!(used_up(100, (hour(0), 20), (hour(2), 20)), None, "nothing is used");
        assert_eq!(used_up(i64::MAX, (hour(0), 0), (hour(2), 1)), None, "in no time that there is");
    }
}
