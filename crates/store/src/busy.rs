//! SQLite files that somebody else is just setting up: SQLite does not wait for a change of the journal, nor for a lock that
//! a reader wants to write with, so that several processes that start at once have to try again.

use std::time::Duration;

use crate::error::sqlite_code;

const ATTEMPTS: u32 = 60;
const PAUSE: Duration = Duration::from_millis(50);

/// SQLite's BUSY and LOCKED.
pub(crate) fn is_busy(error: &sqlx::Error) -> bool {
    let database = error.as_database_error();
    database.and_then(sqlite_code).is_some_and(|code| [5, 6].contains(&code))
}

/// Does it, again when somebody else is in the way.
pub(crate) async fn patiently<T, E>(
    may_be_busy: impl Fn(&E) -> bool,
    mut done: impl AsyncFnMut() -> Result<T, E>,
) -> Result<T, E> {
    let mut attempts_left = ATTEMPTS;
    loop {
        match done().await {
            Err(error) if attempts_left > 0 && may_be_busy(&error) => {}
            done => return done,
        }
        attempts_left -= 1;
        tokio::time::sleep(PAUSE).await;
    }
}
