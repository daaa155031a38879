//! Variables, and the places that set them.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use strongroom_model::Secret;

/// The place in which a variable is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// In a file, from one line to another, which most often is the same.
    File { path: Arc<PathBuf>, line: usize, last_line: usize },
    /// In the environment of this process.
    Environment,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("environment"),
            Self::File { path, line, last_line } if line == last_line => {
                write!(f, "{}:{line}", path.display())
            }
            Self::File { path, line, last_line } => write!(f, "{}:{line}-{last_line}", path.display()),
        }
    }
}

/// A variable and where it is set.
#[derive(Debug, Clone)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) value: Secret,
    pub(super) place: Place,
    /// A later line of the same file sets it again, so that this value was never in use.
    pub(super) is_replaced: bool,
}
