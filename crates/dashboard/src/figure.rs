//! Figures as people read them: whole numbers with commas, dollars that never pretend to be nothing, dates in UTC.

use maud::{Markup, html};
use strongroom_model::Millis;
use strongroom_model::limit::Unit;

const NANO_PER_CENT: i64 = 10_000_000;

/// A whole number with commas.
pub(crate) fn count(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if number < 0 {
        shown.push('-');
    }
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// Dollars to the cent; what is less than half a cent says so, for it is not nothing.
pub(crate) fn dollars(nano: i64) -> String {
    if nano > 0 && nano < NANO_PER_CENT / 2 {
        return "< $0.01".to_owned();
    }
    let sign = if nano < 0 { "-" } else { "" };
    let cents = (nano.unsigned_abs() + NANO_PER_CENT as u64 / 2) / NANO_PER_CENT as u64;
    format!("{sign}${}.{:02}", count((cents / 100).cast_signed()), cents % 100)
}

/// Dollars on an axis: whole ones without cents.
pub(crate) fn axis_dollars(nano: i64) -> String {
    if nano % (100 * NANO_PER_CENT) == 0 {
        return format!("${}", count(nano / (100 * NANO_PER_CENT)));
    }
    Unit::NanoUsd.shown(nano)
}

/// The same as [`dollars`], with the exact amount where the pointer rests.
pub(crate) fn exact_dollars(nano: i64) -> Markup {
    html! { span title=(Unit::NanoUsd.shown(nano)) { (dollars(nano)) } }
}

/// An amount of a unit, as short as it is exact enough to compare.
pub(crate) fn amount(unit: Unit, amount: i64) -> String {
    match unit {
        Unit::NanoUsd => dollars(amount),
        Unit::Requests | Unit::Tokens => count(amount),
    }
}

/// Tokens or calls on an axis, where there is little room: `1.2 M`.
pub(crate) fn short_count(number: i64) -> String {
    for (one, sign) in [(1_000_000_000_i64, " G"), (1_000_000, " M"), (10_000, " k")] {
        if number.unsigned_abs() >= one.unsigned_abs() {
            let unit = if one == 10_000 { 1000 } else { one };
            let tenths = number / (unit / 10);
            let part = if tenths % 10 == 0 { String::new() } else { format!(".{}", (tenths % 10).abs()) };
            return format!("{}{part}{sign}", tenths / 10);
        }
    }
    count(number)
}

/// Milliseconds as people read them.
pub(crate) fn milliseconds(number: i64) -> String {
    if number < 10_000 {
        format!("{} ms", count(number))
    } else {
        format!("{}.{} s", number / 1000, number % 1000 / 100)
    }
}

/// Thousandths as percent, to a tenth.
pub(crate) fn permille(number: i64) -> String {
    format!("{}.{} %", number / 10, (number % 10).abs())
}

/// A part of a whole in percent, to a tenth; all and nothing are said only when they are so.
pub(crate) fn percent(part: i64, whole: i64) -> String {
    if whole <= 0 {
        return "–".to_owned();
    }
    let tenths = (i128::from(part) * 1000 / i128::from(whole)).clamp(i128::from(part > 0), 99_999);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

/// A part of a whole in whole percent, 0 to 100, for lengths.
pub(crate) fn share(part: i64, whole: i64) -> i64 {
    if whole <= 0 {
        return if part > 0 { 100 } else { 0 };
    }
    (i128::from(part.max(0)) * 100 / i128::from(whole)).min(100) as i64
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A day as `Nov 3`.
pub(crate) fn short_day(at: Millis) -> String {
    let date = at.to_date_time();
    format!("{} {}", MONTHS[usize::from(u8::from(date.month())) - 1], date.day())
}

/// A day as `2026-11-03`.
pub(crate) fn day(at: Millis) -> String {
    let date = at.to_date_time();
    format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day())
}

/// The time of day as `14:05`.
pub(crate) fn clock(at: Millis) -> String {
    let date = at.to_date_time();
    format!("{:02}:{:02}", date.hour(), date.minute())
}

/// A length of time in its two largest units: `3 d 4 h`.
pub(crate) fn span(ms: i64) -> String {
    let seconds = ms.max(0) / 1000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{} s", seconds % 60),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// The end of an axis: a day, or within a day or two the hour as well.
pub(crate) fn short_instant(at: i64, span_ms: i64) -> String {
    let at = Millis(at);
    if span_ms > 2 * 86_400_000 {
        return short_day(at);
    }
    format!("{} {}", short_day(at), clock(at))
}

/// An instant to the minute, exact where the pointer rests.
pub(crate) fn instant(at: Millis) -> Markup {
    html! { time datetime=(at) title=(at) { (day(at)) " " (clock(at)) } }
}

/// An instant to the second, exact where the pointer rests.
pub(crate) fn exact_instant(at: Millis) -> Markup {
    let seconds = at.to_date_time().second();
    html! { time datetime=(at) title=(at) { (day(at)) " " (clock(at)) (format!(":{seconds:02}")) } }
}

/// An instant in a few letters, exact where the pointer rests: of today its time, of this year its day and month, else its day.
pub(crate) fn short_when(at: Millis, now: Millis) -> Markup {
    let (then, today) = (day(at), day(now));
    html! {
        time datetime=(at) title=(at) {
            @if then == today { (clock(at)) } @else if then.get(..5) == today.get(..5) { (short_day(at)) } @else { (then) }
        }
    }
}

/// The same, or a dash.
pub(crate) fn short_when_or_dash(at: Option<Millis>, now: Millis) -> Markup {
    html! { @match at { Some(at) => (short_when(at, now)), None => "–" } }
}

/// An instant, or a dash.
pub(crate) fn instant_or_dash(at: Option<Millis>) -> Markup {
    html! { @match at { Some(at) => (instant(at)), None => "–" } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_have_commas() {
        let shown =
            [(0, "0"), (999, "999"), (1000, "1,000"), (-1_234_567, "-1,234,567"), (100_000, "100,000")];
        for (number, text) in shown {
            assert_eq!(count(number), text);
        }
        assert_eq!(count(i64::MIN), "-9,223,372,036,854,775,808");
    }

    #[test]
    fn little_money_is_never_shown_as_none() {
        for (nano, text) in [
            (0, "$0.00"),
            (1, "< $0.01"),
            (4_999_999, "< $0.01"),
            (5_000_000, "$0.01"),
            (786_230_000_000, "$786.23"),
            (1_234_567_890_000_000, "$1,234,567.89"),
            (-1_500_000_000, "-$1.50"),
        ] {
            assert_eq!(dollars(nano), text, "{nano}");
        }
        assert!(exact_dollars(1).into_string().contains("$0.000000001"));
        assert_eq!((axis_dollars(50_000_000_000), axis_dollars(20_000_000)), ("$50".into(), "$0.02".into()));
        assert!(dollars(i64::MAX).starts_with("$9,223,372,036.85"));
    }

    #[test]
    fn what_has_little_room_is_short() {
        for (number, text) in [
            (0, "0"),
            (9_999, "9,999"),
            (10_000, "10 k"),
            (12_340, "12.3 k"),
            (2_500_000, "2.5 M"),
            (-20_000, "-20 k"),
        ] {
            assert_eq!(short_count(number), text);
        }
        assert_eq!((milliseconds(950), milliseconds(12_345)), ("950 ms".into(), "12.3 s".into()));
        assert_eq!((permille(5), permille(1000)), ("0.5 %".into(), "100.0 %".into()));
    }

    #[test]
    fn shares_are_whole_only_when_they_are_so() {
        for (part, whole, text) in [
            (0, 0, "–"),
            (0, 9, "0.0 %"),
            (1, 100_000, "0.1 %"),
            (99_999, 100_000, "99.9 %"),
            (5, 5, "100.0 %"),
        ] {
            assert_eq!(percent(part, whole), text, "{part} of {whole}");
        }
        assert_eq!((share(1, 3), share(7, 3), share(-1, 3), share(1, 0), share(0, 0)), (33, 100, 0, 100, 0));
    }

    #[test]
    fn lengths_have_their_two_largest_units() {
        for (seconds, text) in
            [(-1, "0 s"), (59, "59 s"), (60, "1 min"), (3_600, "1 h 0 min"), (90_061, "1 d 1 h")]
        {
            assert_eq!(span(seconds * 1000), text);
        }
    }

    #[test]
    fn days_and_instants_are_utc() {
        let at = Millis::parse("2026-11-03T04:05:06.789Z").unwrap();
        assert_eq!((short_day(at), day(at)), ("Nov 3".to_owned(), "2026-11-03".to_owned()));
        let (later, next_day) = (Millis(at.0 + 3_600_000), Millis(at.0 + 86_400_000));
        assert!(short_when(at, later).into_string().ends_with(">04:05</time>"));
        assert!(short_when(at, next_day).into_string().ends_with(">Nov 3</time>"));
        assert!(short_when(at, Millis(0)).into_string().ends_with(">2026-11-03</time>"));
        assert!(exact_instant(at).into_string().contains("2026-11-03 04:05:06<"));
        let shown = instant(at).into_string();
        assert!(shown.contains("2026-11-03 04:05") && shown.contains("04:05:06.789Z"), "{shown}");
    }
}
