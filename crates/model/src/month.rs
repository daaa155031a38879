//! Calendar months in UTC: the window of monthly limits.

use time::{Date, Month, OffsetDateTime, Time};

use crate::clock::Millis;

/// The first instant of the month that holds `at`.
#[must_use]
pub fn start(at: Millis) -> Millis {
    let at = at.to_date_time();
    first_of(at.year(), at.month())
}

/// The first instant of the month after the one that holds `at`.
#[must_use]
pub fn next(at: Millis) -> Millis {
    let at = at.to_date_time();
    let year = if at.month() == Month::December { at.year() + 1 } else { at.year() };
    first_of(year, at.month().next())
}

fn first_of(year: i32, month: Month) -> Millis {
    Date::from_calendar_date(year, month, 1)
        .map_or(Millis(0), |day| Millis::from_date_time(OffsetDateTime::new_utc(day, Time::MIDNIGHT)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_starts_at_midnight_of_its_first_day_and_ends_where_the_next_starts() {
        let cases = [
            ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"),
            ("2024-02-29T23:59:59.999Z", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"),
            ("2025-12-31T23:59:59Z", "2025-12-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ];
        for (at, from, to) in cases {
            let at = Millis::parse(at).unwrap();
            assert_eq!((start(at).to_string().as_str(), next(at).to_string().as_str()), (from, to));
        }
    }
}
