//! Everything that is wrong with a configuration, in one error.

use std::fmt;

/// Reasons why a configuration cannot be used. No problem holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// One sentence for each problem: where it is, what is wrong, and the remedy.
    pub problems: Vec<String>,
    /// Oddities beside them.
    pub warnings: Vec<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.as_slice() {
            [problem] => write!(f, "the configuration cannot be used: {problem}"),
            problems => {
                write!(f, "the configuration cannot be used, for {} reasons:", problems.len())?;
                problems.iter().try_for_each(|problem| write!(f, "\n  - {problem}"))
            }
        }
    }
}

impl std::error::Error for ConfigError {}
