//! Reasons that people give for what is told to others: for a key that they look at, for a limit that they raise.

use crate::problem::Problem;

/// Characters that a reason has at the least.
const MIN_CHARACTERS: usize = 10;
/// Characters that a reason may have.
const MAX_CHARACTERS: usize = 500;

/// Checks a reason; returns it without outer spaces.
///
/// # Errors
/// [`Problem`] on the field `reason`.
pub fn check(reason: &str) -> Result<String, Problem> {
    let reason = reason.trim();
    let is_long_enough = (MIN_CHARACTERS..=MAX_CHARACTERS).contains(&reason.chars().count());
    if !is_long_enough || reason.chars().any(char::is_control) {
        let message =
            format!("reason must be {MIN_CHARACTERS} to {MAX_CHARACTERS} characters without line breaks");
        return Err(Problem::invalid("reason", message));
    }
    Ok(reason.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_a_line_of_words() {
        assert_eq!(check("  for the audit ").unwrap(), "for the audit");
        for bad in ["", "short", "two\nlines of it", &"x".repeat(501)] {
            assert_eq!(check(bad).unwrap_err().field.as_deref(), Some("reason"), "{bad:?}");
        }
        assert!(check(&"é".repeat(500)).is_ok());
    }
}
