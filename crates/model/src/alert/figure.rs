//! Figures against their lines: whether a rule fires by them, stays as it is, or is over.

use super::Reading;

/// The reading of what a limit refused in five minutes, and in those before, against a line.
#[must_use]
pub const fn denials(now: i64, before: i64, line: i64) -> Reading {
    let most = if now > before { now } else { before };
    Reading::of(most, line, 1)
}

/// The reading of so many failures of a provider among so many calls, and the share in thousandths. It fires from a share on, of so many
/// calls at least, and is over under half of it.
#[must_use]
pub fn error_share(errors: i64, calls: i64, line_percent: i64, least_calls: i64) -> (Reading, i64) {
    if calls <= 0 {
        return (Reading::Below, 0);
    }
    let share = i64::try_from(i128::from(errors) * 1000 / i128::from(calls)).unwrap_or(i64::MAX);
    let reading = Reading::of(share, line_percent.saturating_mul(10), line_percent.saturating_mul(5));
    // Few calls say that it is over, and never that it has begun.
    let reading = if calls < least_calls && reading == Reading::Above { Reading::Between } else { reading };
    (reading, share)
}

/// How fast a limit is used, in tenths: ten is the rate at which it lasts exactly for its window.
#[must_use]
pub fn burn(used: i64, over_ms: i64, amount: i64, window_ms: i64) -> i64 {
    let planned = i128::from(amount.max(0)) * i128::from(over_ms.max(0));
    if planned == 0 {
        return 0;
    }
    let tenths =
        i128::from(used.max(0)).saturating_mul(i128::from(window_ms.max(0))).saturating_mul(10) / planned;
    i64::try_from(tenths).unwrap_or(i64::MAX)
}

/// The reading of a rate over a long and a short time, against a line: both are over it, or the short one is under half of it.
#[must_use]
pub const fn burning(long: i64, short: i64, line: i64) -> Reading {
    if long >= line && short >= line {
        Reading::Above
    } else if short < line / 2 {
        Reading::Below
    } else {
        Reading::Between
    }
}

/// The reading of what an hour cost against the same hours of weeks before, and what is usual. It is a spike from so much on, and over so
/// many times what is usual.
#[must_use]
pub fn spike(spent: i64, weeks_before: &[i64], least: i64, times: i64) -> (Reading, i64) {
    let usual = median(weeks_before);
    let away: Vec<i64> =
        weeks_before.iter().map(|week| week.saturating_sub(usual).saturating_abs()).collect();
    // Six times 1.48 of the median deviation: six standard deviations, of what is spread evenly.
    let spread = median(&away).saturating_mul(888) / 100;
    let is_spike = spent >= least
        && spent > usual.saturating_mul(times)
        && spent > usual.saturating_add(spread)
        && !weeks_before.is_empty();
    (if is_spike { Reading::Above } else { Reading::Below }, usual)
}

fn median(values: &[i64]) -> i64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    match sorted.len() {
        0 => 0,
        count if count % 2 == 1 => sorted[count / 2],
        count => sorted[count / 2 - 1].midpoint(sorted[count / 2]),
    }
}

/// The reading of what is to be expected at the least against an amount.
#[must_use]
pub fn forecast(least: i64, amount: i64) -> Reading {
    let over = i128::from(amount) * 95 / 100;
    Reading::of(least, amount, i64::try_from(over).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_of_either_five_minutes_count_and_none_ends_it() {
        for (now, before, reading) in [
            (20, 0, Reading::Above),
            (0, 20, Reading::Above),
            (19, 19, Reading::Between),
            (1, 0, Reading::Between),
            (0, 0, Reading::Below),
        ] {
            assert_eq!(denials(now, before, 20), reading, "{now} {before}");
        }
    }

    #[test]
    fn a_share_of_few_calls_begins_nothing() {
        for (errors, calls, reading) in [
            (10, 50, Reading::Above),
            (10, 49, Reading::Between),
            (9, 50, Reading::Between),
            (5, 50, Reading::Between),
            (4, 50, Reading::Below),
            (0, 3, Reading::Below),
            (0, 0, Reading::Below),
            (i64::MAX, i64::MAX, Reading::Above),
        ] {
            assert_eq!(error_share(errors, calls, 20, 50).0, reading, "{errors} of {calls}");
        }
    }

    #[test]
    fn the_planned_rate_is_ten_tenths() {
        const HOUR: i64 = 3_600_000;
        assert_eq!(burn(1, HOUR, 720, 720 * HOUR), 10);
        assert_eq!(burn(2, 100 * HOUR, 100, 720 * HOUR), 1);
        // Two percent of a month in an hour.
        assert_eq!(burn(20, HOUR, 1000, 720 * HOUR), 144);
        assert_eq!((burn(5, 0, 10, HOUR), burn(5, HOUR, 0, HOUR)), (0, 0));
        assert_eq!(burn(i64::MAX, 1, 1, i64::MAX), i64::MAX);
        assert_eq!(burning(144, 144, 144), Reading::Above);
        assert_eq!(burning(144, 143, 144), Reading::Between);
        assert_eq!(burning(500, 71, 144), Reading::Below);
        assert_eq!(burning(0, 72, 144), Reading::Between);
    }

    #[test]
    fn a_spike_is_far_from_what_is_usual_and_worth_telling() {
        const DOLLAR: i64 = 1_000_000_000;
        let dollars = |weeks: &[i64]| weeks.iter().map(|week| week * DOLLAR).collect::<Vec<_>>();
        for (spent, weeks, reading, usual) in [
            (31, &[10, 10, 10, 10][..], Reading::Above, 10),
            (30, &[10, 10, 10, 10], Reading::Below, 10),
            (5, &[0], Reading::Above, 0),
            (4, &[0], Reading::Below, 0),
            (50, &[], Reading::Below, 0),
            // What goes up and down every week is far from nothing.
            (40, &[1, 9, 2, 20], Reading::Below, 5),
            (60, &[1, 9, 2, 20], Reading::Above, 5),
        ] {
            let (found, of) = spike(spent * DOLLAR, &dollars(weeks), 5 * DOLLAR, 3);
            assert_eq!((found, of / DOLLAR), (reading, usual), "{spent} {weeks:?}");
        }
        assert_eq!(spike(i64::MAX, &[i64::MAX, 0], 5 * DOLLAR, 3).0, Reading::Below);
    }

    #[test]
    fn a_forecast_is_over_when_five_percent_are_left() {
        for (least, reading) in
            [(100, Reading::Above), (99, Reading::Between), (95, Reading::Between), (94, Reading::Below)]
        {
            assert_eq!(forecast(least, 100), reading, "{least}");
        }
    }
}
