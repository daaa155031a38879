//! The longest that a caller waits for the database: a connection on which nothing comes any more fails only after minutes.

use std::time::Duration;

use strongroom_model::{Problem, ProblemKind};

/// The longest that one question may take; a statement of ours takes milliseconds.
const QUERY_TIMEOUT: Duration = Duration::from_secs(5);

/// The database gave no answer.
pub(crate) fn no_answer() -> Problem {
    Problem::new(ProblemKind::Unavailable, "the database did not answer in time; try again")
}

/// The outcome of this, which asks the database something, if it comes in time.
///
/// # Errors
/// [`Problem`], its own or [`no_answer`].
pub(crate) async fn with_timeout<T>(asking: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
    tokio::time::timeout(QUERY_TIMEOUT, asking).await.unwrap_or_else(|_| Err(no_answer()))
}
