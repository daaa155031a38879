//! Durations on the command line.

/// Reads a number with a unit: `s`, `m`, `h`, `d` or `w`.
pub(super) fn parse_seconds(text: &str) -> Result<i64, String> {
    let wrong = || "expected a number with a unit, such as 90d, 12h, 30m or 45s".to_owned();
    let at = text.find(|character: char| !character.is_ascii_digit()).ok_or_else(wrong)?;
    let unit = match &text[at..] {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        _ => return Err(wrong()),
    };
    let number: i64 = text[..at].parse().map_err(|_| wrong())?;
    // A hundred years: far from where milliseconds overflow, and longer than any token should live.
    number
        .checked_mul(unit)
        .filter(|seconds| (1..=100 * 366 * 86_400).contains(seconds))
        .ok_or_else(|| "must be more than nothing and at most a hundred years".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_numbers_with_a_unit() {
        for (text, seconds) in
            [("45s", 45), ("30m", 1800), ("12h", 43_200), ("90d", 7_776_000), ("2w", 1_209_600)]
        {
            assert_eq!(parse_seconds(text), Ok(seconds));
        }
        for bad in ["", "90", "d", "-1d", "1.5h", "0d", "1y", "90 d", "99999999999999999999d", "9999999999d"]
        {
            assert!(parse_seconds(bad).is_err(), "{bad}");
        }
    }
}
