//! Answers that were given under an `Idempotency-Key`, to be given again.

use strongroom_model::Millis;

use crate::dispatch::{execute, fetch_optional};
use crate::error::StoreError;
use crate::session::{Session, Write};

/// An answer that was given.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Remembered {
    /// A keyed fingerprint of the request, which may hold a secret.
    pub request_hash: String,
    /// The HTTP status.
    pub status: i64,
    /// The body; never a secret.
    pub body: String,
}

/// The answer given to this actor under this key since `since`.
///
/// # Errors
/// [`StoreError`].
pub async fn get(
    session: &mut Session,
    actor: &str,
    key: &str,
    since: Millis,
) -> Result<Option<Remembered>, StoreError> {
    const SQL: &str = "SELECT request_hash, status, body FROM idempotency_keys \
                       WHERE actor = $1 AND idempotency_key = $2 AND created_at_ms >= $3";
    fetch_optional!(session, Remembered, SQL, actor, key, since.0)
}

/// Remembers an answer, and forgets those given before `since`.
///
/// # Errors
/// [`StoreError::Taken`] when another request under the same key was faster.
pub async fn put(
    tx: &mut Write,
    actor: &str,
    key: &str,
    answer: &Remembered,
    since: Millis,
    now: Millis,
) -> Result<(), StoreError> {
    const FORGET: &str = "DELETE FROM idempotency_keys WHERE created_at_ms < $1";
    const SQL: &str = "INSERT INTO idempotency_keys (actor, idempotency_key, request_hash, status, body, \
                       created_at_ms) VALUES ($1, $2, $3, $4, $5, $6)";
    execute!(tx, FORGET, since.0)?;
    execute!(tx, SQL, actor, key, &answer.request_hash, answer.status, &answer.body, now.0).map(|_| ())
}

/// Forgets a key whose request came to nothing, so that it can be sent again.
///
/// # Errors
/// [`StoreError`].
pub async fn forget(tx: &mut Write, actor: &str, key: &str) -> Result<(), StoreError> {
    const SQL: &str = "DELETE FROM idempotency_keys WHERE actor = $1 AND idempotency_key = $2";
    execute!(tx, SQL, actor, key).map(|_| ())
}
