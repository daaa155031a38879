//! Values as the original's databases hold them, each read from its text form.

use strongroom_model::Millis;

/// Whole numbers from here on are milliseconds: as seconds they would lie after the year 5138, and the first
/// milliseconds from here on lie in March 1973, before any of these databases.
const FIRST_MILLISECONDS: f64 = 1e11;

/// Reads an instant: Unix seconds or milliseconds, or ISO 8601 with or without a zone (none is UTC), `T` or a space
/// between date and time, and anything from a mere date to nanoseconds.
pub(super) fn time(text: &str) -> Option<Millis> {
    let text = text.trim();
    if text.contains('-') && !text.starts_with('-') { iso_time(text) } else { unix_time(text) }
}

#[expect(clippy::cast_possible_truncation, reason = "years 1 to 9999 in milliseconds fit an i64")]
fn unix_time(text: &str) -> Option<Millis> {
    let number = decimal(text)?;
    let millis = if number.abs() >= FIRST_MILLISECONDS { number } else { number * 1000.0 };
    // Years 1 to 9999, which is what can be written down again.
    (-62_135_596_800_000.0..253_402_300_800_000.0).contains(&millis).then_some(Millis(millis.round() as i64))
}

fn iso_time(text: &str) -> Option<Millis> {
    let (date, rest) = text.split_at_checked("yyyy-mm-dd".len())?;
    if rest.is_empty() {
        return Millis::parse(&format!("{date}T00:00:00Z")).ok();
    }
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let zone_at = rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len());
    let (clock, zone) = (rest[..zone_at].trim_end(), &rest[zone_at..]);
    let seconds = if clock.len() == "hh:mm".len() { ":00" } else { "" };
    let zone = match (zone.len(), zone) {
        (0, _) => "Z".to_owned(),
        // PostgreSQL writes +00, others +0530.
        (3, _) => format!("{zone}:00"),
        (5, _) if zone.is_ascii() => format!("{}:{}", &zone[..3], &zone[3..]),
        _ => zone.to_ascii_uppercase(),
    };
    Millis::parse(&format!("{date}T{clock}{seconds}{zone}")).ok()
}

/// Reads a truth value as SQLite, PostgreSQL and JavaScript write it.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "1.0" | "true" | "t" => Some(true),
        "0" | "0.0" | "false" | "f" => Some(false),
        _ => None,
    }
}

/// Reads a whole number; SQLite writes `10000.0` where a column has the affinity REAL.
#[expect(clippy::cast_possible_truncation, reason = "it is whole, and no more than 2^53")]
pub(super) fn integer(text: &str) -> Option<i64> {
    let text = text.trim();
    text.parse().ok().or_else(|| {
        let number = decimal(text)?;
        // Beyond 2^53 a REAL no longer says which number was meant.
        (number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0).then_some(number as i64)
    })
}

/// Digits, a point, an exponent: not the words (`inf`, `nan`) that `f64` also reads.
fn decimal(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    if plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_time_is_read() {
        let at = "2024-01-15T10:30:00Z";
        let cases = [
            ("1705314600", at),
            (" 1705314600 ", at),
            ("1705314600.0", at),
            ("1705314600000", at),
            ("1.7053146e9", at),
            ("1705314600123", "2024-01-15T10:30:00.123Z"),
            ("1705314600.123", "2024-01-15T10:30:00.123Z"),
            ("0", "1970-01-01T00:00:00Z"),
            ("-1", "1969-12-31T23:59:59Z"),
            ("99999999999", "5138-11-16T09:46:39Z"),
            ("100000000000", "1973-03-03T09:46:40Z"),
            (at, at),
            ("2024-01-15T10:30:00.000Z", at),
            ("2024-01-15T10:30:00.123456Z", "2024-01-15T10:30:00.123Z"),
            ("2024-01-15t10:30:00z", at),
            ("2024-01-15T10:30:00", at),
            ("2024-01-15 10:30:00", at),
            ("2024-01-15 10:30", at),
            ("2024-01-15 10:30:00.5", "2024-01-15T10:30:00.500Z"),
            ("2024-01-15 10:30:00+00", at),
            ("2024-01-15 11:30:00.123456+01", "2024-01-15T10:30:00.123Z"),
            ("2024-01-15 16:00:00 +05:30", at),
            ("2024-01-15T05:00:00-0530", at),
            ("2024-01-15", "2024-01-15T00:00:00Z"),
        ];
        for (text, expected) in cases {
            assert_eq!(time(text).map(|at| at.to_string()).as_deref(), Some(expected), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_time_is_not_taken_for_one() {
        let wrong = [
            "",
            " ",
            "now",
            "inf",
            "nan",
            "2024",
            "2024-13-01",
            "2024-02-30 00:00:00",
            "2024-01-15X10:30:00",
            "2024-01-15 25:00:00",
            "2024-01-15T10:30:00+1",
            "2024-01-15T10:30:00+é1",
            "2024-01-1é 10:30",
            "1e300",
            "Mon Jan 15 2024",
            "--",
        ];
        for text in wrong {
            // "2024" is a number of seconds.
            assert_eq!(time(text), (text == "2024").then_some(Millis(2_024_000)), "{text:?}");
        }
    }

    #[test]
    fn truth_values_of_every_database_are_read() {
        for text in ["1", "true", "t", "TRUE", " True ", "1.0"] {
            assert_eq!(boolean(text), Some(true), "{text:?}");
        }
        for text in ["0", "false", "f", "FALSE", "0.0"] {
            assert_eq!(boolean(text), Some(false), "{text:?}");
        }
        for text in ["", "2", "yes", "-1", "null"] {
            assert_eq!(boolean(text), None, "{text:?}");
        }
    }

    #[test]
    fn only_whole_numbers_are_whole_numbers() {
        let cases = [
            ("10000", Some(10_000)),
            (" -5 ", Some(-5)),
            ("10000.0", Some(10_000)),
            ("1e3", Some(1000)),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("1.5", None),
            ("", None),
            ("ten", None),
            ("inf", None),
            ("NaN", None),
        ];
        for (text, expected) in cases {
            assert_eq!(integer(text), expected, "{text:?}");
        }
    }
}
