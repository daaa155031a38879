//! Money on the command line: dollars for people, billionths of them inside.

use strongroom_model::limit::Unit;

/// Nine decimals.
const NANO: i64 = 1_000_000_000;

/// Reads dollars with up to nine decimals, such as `25` or `0.005`.
pub(super) fn parse_usd(text: &str) -> Result<i64, String> {
    let wrong = || "expected US dollars with at most nine decimals, such as 25 or 0.5".to_owned();
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > 9 || !is_number(whole) || !is_number(part) {
        return Err(wrong());
    }
    let dollars: i64 = whole.parse().map_err(|_| wrong())?;
    let nano: i64 = format!("{part:0<9}").parse().map_err(|_| wrong())?;
    dollars.checked_mul(NANO).and_then(|dollars| dollars.checked_add(nano)).ok_or_else(wrong)
}

/// Dollars as people write them: two decimals, more where there is more.
pub(super) fn usd(nano: i64) -> String {
    Unit::NanoUsd.shown(nano)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_read_and_write_exactly() {
        for (text, nano, shown) in [
            ("25", 25_000_000_000, "$25.00"),
            ("0.5", 500_000_000, "$0.50"),
            ("0.000000001", 1, "$0.000000001"),
            ("1.234", 1_234_000_000, "$1.234"),
            ("9223372036.854775807", i64::MAX, "$9223372036.854775807"),
        ] {
            assert_eq!(parse_usd(text), Ok(nano), "{text}");
            assert_eq!(usd(nano), shown);
        }
        assert_eq!(usd(-1_500_000_000), "-$1.50");
        for bad in ["", ".5", "-1", "1e3", "$1", "0.0000000001", "9223372037", "1,5"] {
            assert!(parse_usd(bad).is_err(), "{bad}");
        }
    }
}
