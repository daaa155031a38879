//! What a limit is to be expected to come to: the rate of the last day and of the last week, carried on to the end of its window.

use strongroom_model::Millis;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Use that is to be expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Forecast {
    /// At the end of the window.
    pub(crate) at_end: i64,
    /// The same with days as quiet as every fifth of the last two weeks.
    pub(crate) low: i64,
    /// The same with days as busy as every fifth.
    pub(crate) high: i64,
    /// When the amount is used up, if that is before the end of the window.
    pub(crate) runs_out: Option<Millis>,
}

/// Carries on. `days` are the sums of the last days, the newest first: that of today, as far as it is over, before that of
/// yesterday. `None` when less than a day is known.
pub(crate) fn forecast(amount: i64, used: i64, days: &[i64], now: Millis, end: Millis) -> Option<Forecast> {
    let known = days.len() - days.iter().rev().take_while(|sum| **sum == 0).count();
    let today_ms = now.0.rem_euclid(DAY_MS);
    if known < 2 {
        return None;
    }
    let hours_today = today_ms as f64 / HOUR_MS as f64;
    let sum = |count: usize| days.iter().take(count).map(|day| *day as f64).sum::<f64>();
    let yesterday = days.get(1).copied().unwrap_or(0) as f64;
    let last_day = days[0] as f64 + yesterday * (1.0 - hours_today / 24.0);
    let week = known.min(8);
    let last_week = sum(week) / ((week - 1) as f64 * 24.0 + hours_today);
    let hourly = 0.6 * last_day / 24.0 + 0.4 * last_week;
    let mut whole: Vec<f64> =
        days.iter().skip(1).take(14.min(known - 1)).map(|day| *day as f64 / 24.0).collect();
    whole.sort_by(f64::total_cmp);
    let at = |share: f64| whole[((whole.len() - 1) as f64 * share).round() as usize];
    let hours = (end.0 - now.0).max(0) as f64 / HOUR_MS as f64;
    let carried = |rate: f64| used.saturating_add((rate * hours) as i64);
    let left = (amount - used).max(0) as f64;
    let until = (hourly > 0.0).then(|| left / hourly).filter(|until| *until < hours);
    Some(Forecast {
        at_end: carried(hourly),
        low: carried(at(0.2).min(hourly)),
        high: carried(at(0.8).max(hourly)),
        runs_out: until.map(|until| Millis(now.0 + (until * HOUR_MS as f64) as i64)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_even_pace_is_carried_on() {
        let now = Millis(10 * DAY_MS + 12 * HOUR_MS);
        let days = [120, 240, 240, 240, 240, 240, 240, 240, 240, 240];
        let found = forecast(10_000, 2280, &days, now, Millis(20 * DAY_MS)).unwrap();
        assert_eq!(found.at_end, 2280 + 228 * 10, "ten an hour for nine and a half days");
        assert_eq!((found.low, found.high, found.runs_out), (found.at_end, found.at_end, None));
        let short = forecast(2380, 2280, &days, now, Millis(20 * DAY_MS)).unwrap();
        assert_eq!(short.runs_out, Some(Millis(now.0 + 10 * HOUR_MS)));
    }

    #[test]
    fn a_day_that_is_not_over_says_nothing_yet() {
        let now = Millis(10 * DAY_MS + HOUR_MS);
        assert_eq!(forecast(100, 5, &[5], now, Millis(20 * DAY_MS)), None);
        assert_eq!(forecast(100, 5, &[5, 0, 0], now, Millis(20 * DAY_MS)), None);
        assert_eq!(forecast(100, 0, &[], now, Millis(20 * DAY_MS)), None);
        let quiet = forecast(100, 5, &[0, 5], now, Millis(20 * DAY_MS)).unwrap();
        assert!(quiet.low <= quiet.at_end && quiet.at_end <= quiet.high);
    }

    #[test]
    fn what_is_used_up_runs_out_now() {
        let now = Millis(10 * DAY_MS + 12 * HOUR_MS);
        let found = forecast(100, 400, &[200, 200], now, Millis(11 * DAY_MS)).unwrap();
        assert_eq!(found.runs_out, Some(now));
    }
}
