//! The closing table: what ran, what did not and why, and the sums.

use std::fmt::Write;
use std::time::Duration;

use super::cargo_test::{Counts, Timing};

/// Number of the slowest tests that are printed.
const SLOWEST_TOLD: usize = 10;

/// Result of a group.
#[derive(Debug)]
pub(super) enum Outcome {
    /// All is well.
    Passed(Counts),
    /// A test or a check failed, and why.
    Failed(Counts, String),
    /// Not run: a program is missing and could not be installed. An error unless it was allowed.
    Missing(String),
    /// Not run, and nothing that this machine could mend.
    Skipped(String),
}

impl Outcome {
    /// Of a group in two parts; it has passed only when both have.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Passed(one), Self::Passed(other)) => Self::Passed(one.and(other)),
            (Self::Passed(one), Self::Failed(other, why)) | (Self::Failed(one, why), Self::Passed(other)) => {
                Self::Failed(one.and(other), why)
            }
            (Self::Failed(one, why), Self::Failed(other, too)) => {
                Self::Failed(one.and(other), format!("{why}; {too}"))
            }
            (worse @ (Self::Missing(_) | Self::Skipped(_)), _)
            | (_, worse @ (Self::Missing(_) | Self::Skipped(_))) => worse,
        }
    }
}

/// One group's line.
#[derive(Debug)]
pub(super) struct Row {
    /// The group.
    pub name: String,
    /// Its result.
    pub outcome: Outcome,
    /// Its duration.
    pub took: Duration,
}

/// The table and, as the last line, `N passed, N failed`. A group that failed without a failing test (a lint, a
/// compile error) counts as one failure.
pub(super) fn text(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    let (mut passed, mut failed) = (0, 0);
    for Row { name, outcome, took } in rows {
        let (word, said) = match outcome {
            Outcome::Passed(counts) => ("ok", tests(*counts)),
            Outcome::Failed(counts, why) => ("FAILED", format!("{}{}", prefixed(*counts), first_line(why))),
            Outcome::Missing(why) => ("MISSING", first_line(why).to_owned()),
            Outcome::Skipped(why) => ("skipped", first_line(why).to_owned()),
        };
        if let Outcome::Passed(counts) | Outcome::Failed(counts, _) = outcome {
            passed += counts.passed;
            failed += counts.failed;
        }
        if matches!(outcome, Outcome::Failed(Counts { failed: 0, .. }, _)) {
            failed += 1;
        }
        let line = format!("{name:width$}  {word:7}  {:>6.1} s  {said}", took.as_secs_f64());
        text.push_str(line.trim_end());
        text.push('\n');
    }
    // Writing to a string cannot fail.
    let _ = write!(text, "\n{passed} passed, {failed} failed\n");
    text
}

/// The slowest tests, the slowest first; empty when no times are known.
pub(super) fn slowest(timings: &mut [Timing]) -> String {
    timings.sort_by(|one, other| other.seconds.total_cmp(&one.seconds));
    let lines = timings.iter().take(SLOWEST_TOLD);
    let lines: String = lines.map(|timing| format!("{:>7.1} s  {}\n", timing.seconds, timing.name)).collect();
    if lines.is_empty() { lines } else { format!("\nthe slowest tests:\n{lines}") }
}

/// Tells whether the command may succeed.
pub(super) fn is_success(rows: &[Row], allow_missing: bool) -> bool {
    rows.iter().all(|row| match row.outcome {
        Outcome::Passed(_) | Outcome::Skipped(_) => true,
        Outcome::Missing(_) => allow_missing,
        Outcome::Failed(..) => false,
    })
}

fn tests(counts: Counts) -> String {
    if counts.passed == 0 { String::new() } else { format!("{} tests", counts.passed) }
}

fn prefixed(counts: Counts) -> String {
    if counts == Counts::default() {
        return String::new();
    }
    format!("{} passed, {} failed: ", counts.passed, counts.failed)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, outcome: Outcome) -> Row {
        Row { name: name.to_owned(), outcome, took: Duration::from_millis(1_250) }
    }

    #[test]
    fn the_table_tells_what_ran_and_ends_with_the_sums() {
        let rows = [
            row("clippy", Outcome::Failed(Counts::default(), "exit status: 101\nmore".to_owned())),
            row("plain", Outcome::Passed(Counts { passed: 40, failed: 0, ignored: 0 })),
            row("postgres", Outcome::Failed(Counts { passed: 8, failed: 2, ignored: 0 }, "exit".to_owned())),
            row("node", Outcome::Missing("no node".to_owned())),
            row("advisories", Outcome::Skipped("unreachable".to_owned())),
        ];
        let expected = "\
clippy      FAILED      1.2 s  exit status: 101
plain       ok          1.2 s  40 tests
postgres    FAILED      1.2 s  8 passed, 2 failed: exit
node        MISSING     1.2 s  no node
advisories  skipped     1.2 s  unreachable

48 passed, 3 failed
";
        assert_eq!(text(&rows), expected);
    }

    #[test]
    fn the_slowest_are_told_in_their_order() {
        let timing = |number: u32| Timing { name: format!("test_{number}"), seconds: f64::from(number) };
        let mut timings: Vec<_> = (0..12).map(timing).collect();
        let told = slowest(&mut timings);
        assert!(told.starts_with("\nthe slowest tests:\n   11.0 s  test_11\n   10.0 s  test_10\n"), "{told}");
        assert!(told.ends_with("    2.0 s  test_2\n"), "{told}");
        assert_eq!(slowest(&mut []), "");
    }

    #[test]
    fn a_missing_program_is_a_failure_unless_allowed() {
        let missing = [row("node", Outcome::Missing("no node".to_owned()))];
        assert!(!is_success(&missing, false));
        assert!(is_success(&missing, true));
        assert!(is_success(&[row("advisories", Outcome::Skipped(String::new()))], false));
        assert!(!is_success(&[row("format", Outcome::Failed(Counts::default(), String::new()))], true));
    }
}
