//! SQLite files that somebody else is just setting up: SQLite does not wait for a change of the journal, nor for a lock that
//! a reader wants to write with, so that several processes that start at once have to try again.

use std::time::Duration;

use crate::error::sqlite_code;

const MAX_ATTEMPTS: u32 = 60;
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// SQLite's BUSY and LOCKED.
pub(crate) fn is_busy(error: &sqlx::Error) -> bool {
    let database = error.as_database_error();
    database.and_then(sqlite_code).is_some_and(|code| [5, 6].contains(&code))
}

/// The same, and that a file was not there: the log and its index go when the last one closes the database, which may be
/// between finding them and opening them.
pub(crate) fn is_unsettled(error: &sqlx::Error) -> bool {
    let is_gone = || error.as_database_error().and_then(sqlite_code) == Some(14);
    is_busy(error)
        || is_gone()
        || matches!(error, sqlx::Error::Io(error) if error.kind() == std::io::ErrorKind::NotFound)
}

/// The attempts that are left.
#[derive(Debug)]
pub(crate) struct RetryBudget {
    attempts_left: u32,
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self { attempts_left: MAX_ATTEMPTS }
    }
}

impl RetryBudget {
    pub(crate) fn is_left(&self) -> bool {
        self.attempts_left > 0
    }

    /// Lets the others go on for a moment.
    pub(crate) async fn wait(&mut self) {
        self.attempts_left = self.attempts_left.saturating_sub(1);
        tokio::time::sleep(RETRY_PAUSE).await;
    }
}
