//! Rotations of the data key: at most one is open.

use strongroom_model::Millis;

use crate::dispatch::{execute, fetch_optional};
use crate::error::StoreError;
use crate::session::{Session, Write};

/// A rotation.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct RotationRow {
    /// The key that everything is to be sealed under.
    pub key_id: String,
    /// `asked`, `age` or `seals`.
    pub reason: String,
    /// True if it goes on.
    pub is_open: bool,
    /// When it began.
    pub started_at_ms: i64,
    /// Sealed texts under other keys when it began.
    pub texts: i64,
    /// When it was verified.
    pub finished_at_ms: Option<i64>,
    /// Sealed texts that did not open and stayed under their keys.
    pub broken: i64,
}

/// Begins one.
///
/// # Errors
/// [`StoreError::Taken`] while another one is open.
pub async fn begin(
    tx: &mut Write,
    key_id: &str,
    reason: &str,
    texts: i64,
    now: Millis,
) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO key_rotations (key_id, reason, is_open, started_at_ms, texts, finished_at_ms, broken) \
                       VALUES ($1, $2, TRUE, $3, $4, NULL, 0)";
    execute!(tx, SQL, key_id, reason, now.0, texts).map(|_| ())
}

/// The rotation that is open, else the last one: that of the key that is current.
///
/// # Errors
/// [`StoreError`].
pub async fn latest(session: &mut Session) -> Result<Option<RotationRow>, StoreError> {
    const SQL: &str = "SELECT r.key_id, r.reason, r.is_open, r.started_at_ms, r.texts, r.finished_at_ms, r.broken \
                       FROM key_rotations r JOIN encryption_keys k ON k.id = r.key_id WHERE k.is_current \
                       ORDER BY r.is_open DESC, r.started_at_ms DESC LIMIT 1";
    fetch_optional!(session, RotationRow, SQL)
}

/// Ends the open one. `false` when it has been ended already.
///
/// # Errors
/// [`StoreError`].
pub async fn finish(tx: &mut Write, key_id: &str, broken: i64, now: Millis) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE key_rotations SET is_open = FALSE, finished_at_ms = $2, broken = $3 \
                       WHERE key_id = $1 AND is_open";
    Ok(execute!(tx, SQL, key_id, now.0, broken)? == 1)
}
