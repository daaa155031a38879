//! Instants on the command line, as people write them: a date, a date and a time, a distance from now, or words.
//!
//! All is UTC unless an offset is written: answers and the windows of limits are in UTC as well.

use strongroom_model::{Clock, Millis};
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Date, Duration, Month, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

/// Forms that are accepted, for the refusal of all others. The reference of the command line explains each.
const FORMS: &str = "expected a time such as 30d, 2026-12-31, 2026-12-31T10:00 (UTC, or with an offset such as +02:00), \
                     tomorrow or end-of-month";

/// The longest distance from now: far from where milliseconds overflow, and longer than any token should live.
const MAX_DISTANCE_DAYS: i64 = 100 * 366;

const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");
const MINUTES: &[BorrowedFormatItem<'_>] = format_description!("[hour]:[minute]");
const SECONDS: &[BorrowedFormatItem<'_>] = format_description!("[hour]:[minute]:[second]");
const OFFSETS: [&[BorrowedFormatItem<'_>]; 3] = [
    format_description!("[offset_hour sign:mandatory]:[offset_minute]"),
    format_description!("[offset_hour sign:mandatory][offset_minute]"),
    format_description!("[offset_hour sign:mandatory]"),
];

/// The side of now that a distance such as `30d` lies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Future,
    Past,
}

/// Reads an instant of which a bare distance lies ahead, as an expiry does.
pub(super) fn ahead(text: &str) -> Result<Millis, String> {
    parse(text, Side::Future, Clock::default().local_now())
}

/// Reads an instant of which a bare distance lies back, as the beginning of a report does.
pub(super) fn back(text: &str) -> Result<Millis, String> {
    parse(text, Side::Past, Clock::default().local_now())
}

/// Reads the first day of a report, as the API takes it.
pub(super) fn first_day(text: &str) -> Result<String, String> {
    back(text).map(day)
}

/// Reads the last day of a report, as the API takes it: an end such as `end-of-month` is the last moment before it.
pub(super) fn last_day(text: &str) -> Result<String, String> {
    last_day_at(text, Clock::default().local_now())
}

fn last_day_at(text: &str, now: Millis) -> Result<String, String> {
    let at = parse(text, Side::Past, now)?;
    let is_end = words(text).starts_with("end of ");
    Ok(day(if is_end { Millis(at.0 - 1) } else { at }))
}

fn day(at: Millis) -> String {
    at.to_string().chars().take(10).collect()
}

fn parse(text: &str, side: Side, now: Millis) -> Result<Millis, String> {
    let now = now.to_date_time();
    let said = words(text);
    if let Some(at) = named(&said, now) {
        return Ok(Millis::from_date_time(at));
    }
    if let Some(distance) = Distance::read(&said, side) {
        return distance.from(now).map(Millis::from_date_time).ok_or_else(|| {
            format!("{} is not a time within a hundred years from now, and not now itself", text.trim())
        });
    }
    written(text.trim()).map(Millis::from_date_time).ok_or_else(|| FORMS.to_owned())
}

/// The text in lower case, with one blank between words: `End-of-Month` needs no quotes in a shell.
fn words(text: &str) -> String {
    let separated = text.to_lowercase().replace('_', " ");
    // In a date the hyphen is part of it, and before a number a sign.
    let separated = if separated.trim_start().starts_with(char::is_alphabetic) {
        separated.replace('-', " ")
    } else {
        separated
    };
    separated.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// An instant that has a name. A day, week or month begins at 00:00 UTC, a week on Monday.
fn named(said: &str, now: OffsetDateTime) -> Option<OffsetDateTime> {
    let today = now.date();
    let date = match said {
        "now" => return Some(now),
        "today" => today,
        "tomorrow" => today.next_day()?,
        "yesterday" => today.previous_day()?,
        said => {
            let (which, period) = said.rsplit_once(' ')?;
            let start = start_of(period, today)?;
            match which {
                "start of" | "beginning of" | "this" => start,
                "end of" | "end of this" | "next" => after(period, start)?,
                "last" => start_of(period, start.previous_day()?)?,
                _ => return None,
            }
        }
    };
    Some(midnight(date))
}

fn midnight(date: Date) -> OffsetDateTime {
    date.midnight().assume_utc()
}

fn start_of(period: &str, date: Date) -> Option<Date> {
    match period {
        "day" => Some(date),
        "week" => date.checked_sub(Duration::days(date.weekday().number_days_from_monday().into())),
        "month" => date.replace_day(1).ok(),
        "quarter" => {
            let month = (u8::from(date.month()) - 1) / 3 * 3 + 1;
            Date::from_calendar_date(date.year(), Month::try_from(month).ok()?, 1).ok()
        }
        "year" => Date::from_calendar_date(date.year(), Month::January, 1).ok(),
        _ => None,
    }
}

/// The first day after a period that starts on this one.
fn after(period: &str, start: Date) -> Option<Date> {
    match period {
        "day" => start.next_day(),
        "week" => start.checked_add(Duration::weeks(1)),
        "month" => in_months(start, 1),
        "quarter" => in_months(start, 3),
        "year" => in_months(start, 12),
        _ => None,
    }
}

/// The same day of another month, or the last one where that month is shorter.
fn in_months(date: Date, months: i32) -> Option<Date> {
    let index = date.year().checked_mul(12)?.checked_add(i32::from(u8::from(date.month())) - 1)?;
    let index = index.checked_add(months)?;
    let month = Month::try_from(u8::try_from(index.rem_euclid(12)).ok()? + 1).ok()?;
    let year = index.div_euclid(12);
    Date::from_calendar_date(year, month, date.day().min(month.length(year))).ok()
}

/// Distance of an instant from now.
#[derive(Debug, Default)]
struct Distance {
    months: i64,
    seconds: i64,
    is_back: bool,
}

impl Distance {
    /// Reads `30d`, `1d12h`, `3 months`, `in 2 weeks` or `10 minutes ago`; `None` for anything else.
    fn read(said: &str, side: Side) -> Option<Self> {
        let (amounts, is_back) = match (said.strip_prefix("in "), said.strip_suffix(" ago")) {
            (Some(_), Some(_)) => return None,
            (Some(amounts), None) => (amounts, false),
            (None, Some(amounts)) => (amounts, true),
            (None, None) => (said, side == Side::Past),
        };
        let mut distance = Self { is_back, ..Self::default() };
        let mut rest = amounts;
        while !rest.is_empty() {
            let digits = rest.find(|it: char| !it.is_ascii_digit())?;
            let number: i64 = rest[..digits].parse().ok()?;
            let unit = rest[digits..].trim_start();
            let end = unit.find(|it: char| !it.is_ascii_alphabetic()).unwrap_or(unit.len());
            let (months, seconds) = unit_of(&unit[..end])?;
            distance.months = distance.months.checked_add(number.checked_mul(months)?)?;
            distance.seconds = distance.seconds.checked_add(number.checked_mul(seconds)?)?;
            rest = unit[end..].trim_start();
        }
        (!amounts.is_empty()).then_some(distance)
    }

    /// The instant so far from this one; `None` where that is too far, or no distance at all.
    fn from(&self, now: OffsetDateTime) -> Option<OffsetDateTime> {
        let sign = if self.is_back { -1 } else { 1 };
        let months = i32::try_from(self.months).ok()?;
        let date = in_months(now.date(), months.checked_mul(sign)?)?;
        let seconds = Duration::seconds(self.seconds.checked_mul(i64::from(sign))?);
        let at = now.replace_date(date).checked_add(seconds)?;
        let distance = at - now;
        (!distance.is_zero() && distance.abs() <= Duration::days(MAX_DISTANCE_DAYS)).then_some(at)
    }
}

/// Months and seconds of a unit. A single `m` is a minute, as in all durations here.
fn unit_of(name: &str) -> Option<(i64, i64)> {
    Some(match name {
        "s" | "sec" | "secs" | "second" | "seconds" => (0, 1),
        "m" | "min" | "mins" | "minute" | "minutes" => (0, 60),
        "h" | "hr" | "hrs" | "hour" | "hours" => (0, 3600),
        "d" | "day" | "days" => (0, 86_400),
        "w" | "week" | "weeks" => (0, 7 * 86_400),
        "mo" | "month" | "months" => (1, 0),
        "y" | "year" | "years" => (12, 0),
        _ => return None,
    })
}

/// A date, or a date and a time, in the order of ISO 8601.
fn written(text: &str) -> Option<OffsetDateTime> {
    if let Ok(at) = Millis::parse(text) {
        return Some(at.to_date_time());
    }
    let date = Date::parse(text.get(..10)?, DATE).ok()?;
    let rest = text.get(10..)?;
    if rest.is_empty() {
        return Some(midnight(date));
    }
    let clock = rest.strip_prefix(['T', 't', ' '])?;
    let (clock, offset) = offset(clock)?;
    let time = Time::parse(clock, MINUTES).or_else(|_| Time::parse(clock, SECONDS)).ok()?;
    Some(PrimitiveDateTime::new(date, time).assume_offset(offset))
}

/// Splits the offset off a time of the day; without one it is UTC.
fn offset(clock: &str) -> Option<(&str, UtcOffset)> {
    if let Some(clock) = clock.strip_suffix(['Z', 'z']).or_else(|| clock.strip_suffix(" UTC")) {
        return Some((clock, UtcOffset::UTC));
    }
    match clock.find(['+', '-']) {
        None => Some((clock, UtcOffset::UTC)),
        Some(at) => {
            let (clock, offset) = clock.split_at(at);
            let parsed = OFFSETS.iter().find_map(|form| UtcOffset::parse(offset, form).ok())?;
            Some((clock.trim_end(), parsed))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Millis {
        Millis::parse(text).unwrap()
    }

    #[test]
    fn instants_are_read_as_people_write_them() {
        // A Saturday, and the last day of a month that is longer than the next one.
        let now = at("2026-01-31T15:30:00Z");
        for (text, ahead, back) in [
            ("now", "2026-01-31T15:30:00Z", "2026-01-31T15:30:00Z"),
            ("today", "2026-01-31T00:00:00Z", "2026-01-31T00:00:00Z"),
            ("Tomorrow", "2026-02-01T00:00:00Z", "2026-02-01T00:00:00Z"),
            ("yesterday", "2026-01-30T00:00:00Z", "2026-01-30T00:00:00Z"),
            ("end of day", "2026-02-01T00:00:00Z", "2026-02-01T00:00:00Z"),
            ("end of week", "2026-02-02T00:00:00Z", "2026-02-02T00:00:00Z"),
            ("end of month", "2026-02-01T00:00:00Z", "2026-02-01T00:00:00Z"),
            ("end-of-month", "2026-02-01T00:00:00Z", "2026-02-01T00:00:00Z"),
            ("End_of  Quarter", "2026-04-01T00:00:00Z", "2026-04-01T00:00:00Z"),
            ("end of this year", "2027-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            ("start of month", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
            ("this week", "2026-01-26T00:00:00Z", "2026-01-26T00:00:00Z"),
            ("next month", "2026-02-01T00:00:00Z", "2026-02-01T00:00:00Z"),
            ("last month", "2025-12-01T00:00:00Z", "2025-12-01T00:00:00Z"),
            ("last quarter", "2025-10-01T00:00:00Z", "2025-10-01T00:00:00Z"),
            ("30d", "2026-03-02T15:30:00Z", "2026-01-01T15:30:00Z"),
            ("12h", "2026-02-01T03:30:00Z", "2026-01-31T03:30:00Z"),
            ("90 m", "2026-01-31T17:00:00Z", "2026-01-31T14:00:00Z"),
            ("1d12h", "2026-02-02T03:30:00Z", "2026-01-30T03:30:00Z"),
            ("2 weeks", "2026-02-14T15:30:00Z", "2026-01-17T15:30:00Z"),
            ("1 month", "2026-02-28T15:30:00Z", "2025-12-31T15:30:00Z"),
            ("1y", "2027-01-31T15:30:00Z", "2025-01-31T15:30:00Z"),
            ("in 3 days", "2026-02-03T15:30:00Z", "2026-02-03T15:30:00Z"),
            ("45s ago", "2026-01-31T15:29:15Z", "2026-01-31T15:29:15Z"),
            ("2026-12-31", "2026-12-31T00:00:00Z", "2026-12-31T00:00:00Z"),
            ("2026-12-31T10:00", "2026-12-31T10:00:00Z", "2026-12-31T10:00:00Z"),
            (" 2026-12-31 10:00:30 ", "2026-12-31T10:00:30Z", "2026-12-31T10:00:30Z"),
            ("2026-12-31T10:00Z", "2026-12-31T10:00:00Z", "2026-12-31T10:00:00Z"),
            ("2026-12-31 10:00 UTC", "2026-12-31T10:00:00Z", "2026-12-31T10:00:00Z"),
            ("2026-12-31T10:00+02:00", "2026-12-31T08:00:00Z", "2026-12-31T08:00:00Z"),
            ("2026-12-31 10:00 -0530", "2026-12-31T15:30:00Z", "2026-12-31T15:30:00Z"),
            ("2026-12-31T10:00+02", "2026-12-31T08:00:00Z", "2026-12-31T08:00:00Z"),
            ("2027-01-31T00:00:00Z", "2027-01-31T00:00:00Z", "2027-01-31T00:00:00Z"),
            ("2026-12-31T10:00:00.250+02:00", "2026-12-31T08:00:00.250Z", "2026-12-31T08:00:00.250Z"),
        ] {
            assert_eq!(parse(text, Side::Future, now), Ok(at(ahead)), "{text} ahead");
            assert_eq!(parse(text, Side::Past, now), Ok(at(back)), "{text} back");
        }
    }

    #[test]
    fn what_is_no_instant_is_refused_with_the_forms_that_are() {
        let now = at("2026-01-31T15:30:00Z");
        for text in [
            "",
            "90",
            "d",
            "-1d",
            "1.5h",
            "soon",
            "12-31-2026",
            "31.12.2026",
            "2026-02-30",
            "2026-12-31T",
            "2026-12-31T25:00",
            "2026-12-31T10",
            "2026-12-31T10:00+2",
            "2026-12-31T10:00 CET",
            "end of",
            "end of term",
            "next",
            "in",
            "ago",
            "in 3 days ago",
            "30d x",
            "éééé-éé-éé",
        ] {
            for side in [Side::Future, Side::Past] {
                let refused = parse(text, side, now).unwrap_err();
                for form in ["30d", "2026-12-31", "2026-12-31T10:00", "UTC", "tomorrow", "end-of-month"] {
                    assert!(refused.contains(form), "{text}: {refused}");
                }
            }
        }
        for text in ["0d", "101y", "36601d", "99999999999d"] {
            let refused = parse(text, Side::Future, now).unwrap_err();
            assert!(refused.contains("a hundred years"), "{text}: {refused}");
        }
        assert_eq!(parse("99999999999999999999d", Side::Past, now), Err(FORMS.to_owned()));
    }

    #[test]
    fn the_last_day_of_a_report_is_within_the_period_that_it_ends() {
        let now = at("2026-02-10T12:00:00Z");
        for (text, last) in [
            ("end of month", "2026-02-28"),
            ("end-of-year", "2026-12-31"),
            ("today", "2026-02-10"),
            ("yesterday", "2026-02-09"),
            ("2026-01-31", "2026-01-31"),
            ("7d", "2026-02-03"),
        ] {
            assert_eq!(last_day_at(text, now).as_deref(), Ok(last), "{text}");
        }
    }
}
