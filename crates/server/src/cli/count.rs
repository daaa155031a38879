//! Counts on the command line.

/// Reads a whole number, with `_` between its digits, or with a power of ten behind an `e`.
pub(super) fn parse_count(text: &str) -> Result<i64, String> {
    let wrong = || "expected a whole number, such as 1000000, 1_000_000 or 1e6".to_owned();
    let (digits, power) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let power: usize = power.parse().map_err(|_| wrong())?;
    let is_plain = |text: &str| {
        let starts_well = text.as_bytes().first().is_some_and(u8::is_ascii_digit);
        starts_well
            && !text.ends_with('_')
            && !text.contains("__")
            && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_')
    };
    // 10^18 is the last power that fits.
    if !is_plain(whole) || power > 18 || part.len() > power || !(part.is_empty() || is_plain(part)) {
        return Err(wrong());
    }
    if (digits.contains('.') && part.is_empty()) || part.contains('_') {
        return Err(wrong());
    }
    let zeros = power - part.len();
    let all = format!("{}{part}{}", whole.replace('_', ""), "0".repeat(zeros));
    all.parse().map_err(|_| format!("expected a count of at most {}", i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_as_people_write_them() {
        for (text, count) in [
            ("0", 0),
            ("42", 42),
            ("1_000_000", 1_000_000),
            ("1e6", 1_000_000),
            ("1E6", 1_000_000),
            ("1.5e6", 1_500_000),
            ("2_0e3", 20_000),
            ("9e18", 9_000_000_000_000_000_000),
            ("9223372036854775807", i64::MAX),
        ] {
            assert_eq!(parse_count(text), Ok(count), "{text}");
        }
        for bad in [
            "",
            "-1",
            "+1",
            "1.5",
            "1e",
            "e6",
            "1e-6",
            "1_",
            "1__0",
            "1__000e3",
            "_1",
            "1.e6",
            ".5e6",
            "1.55e1",
            "1e19",
            "1,000",
            "10k",
            "9223372036854775808",
            "10e18",
            "0x10",
            " 1",
        ] {
            assert!(parse_count(bad).is_err(), "{bad}");
        }
    }
}
