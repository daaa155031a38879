//! Processes that have the database open, and which master keys each of them holds.

use strongroom_model::{Millis, Uid};

use crate::dispatch::{execute, fetch_all};
use crate::error::StoreError;
use crate::session::{Session, Write};

/// That a process holds a master.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct HolderRow {
    /// The process.
    pub node_uid: String,
    /// The master.
    pub master_fingerprint: String,
    /// True if it is the one that new wraps are made under there.
    pub is_first: bool,
    /// The machine.
    pub host: String,
    /// The process on that machine.
    pub process_id: i64,
    /// Since when.
    pub started_at_ms: i64,
    /// Until when it counts as alive.
    pub alive_until_ms: i64,
}

/// Says that a process holds a master.
///
/// # Errors
/// [`StoreError`].
pub async fn register(tx: &mut Write, holder: &HolderRow) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO key_holders \
                       (node_uid, master_fingerprint, is_first, host, process_id, started_at_ms, alive_until_ms) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7)";
    execute!(
        tx,
        SQL,
        &holder.node_uid,
        &holder.master_fingerprint,
        holder.is_first,
        &holder.host,
        holder.process_id,
        holder.started_at_ms,
        holder.alive_until_ms
    )
    .map(|_| ())
}

/// A sign of life. `false` when the process is not known any more: it was silent for too long.
///
/// # Errors
/// [`StoreError`].
pub async fn renew(tx: &mut Write, node: Uid, alive_until: Millis) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE key_holders SET alive_until_ms = $2 WHERE node_uid = $1";
    Ok(execute!(tx, SQL, node.to_string(), alive_until.0)? > 0)
}

/// Forgets a process that ends.
///
/// # Errors
/// [`StoreError`].
pub async fn remove(tx: &mut Write, node: Uid) -> Result<(), StoreError> {
    execute!(tx, "DELETE FROM key_holders WHERE node_uid = $1", node.to_string()).map(|_| ())
}

/// Forgets those that gave no sign of life until `before`.
///
/// # Errors
/// [`StoreError`].
pub async fn remove_lapsed(tx: &mut Write, before: Millis) -> Result<(), StoreError> {
    execute!(tx, "DELETE FROM key_holders WHERE alive_until_ms < $1", before.0).map(|_| ())
}

/// Lists the processes that are alive, with the masters that they hold; the oldest first.
///
/// # Errors
/// [`StoreError`].
pub async fn list(session: &mut Session, now: Millis) -> Result<Vec<HolderRow>, StoreError> {
    const SQL: &str = "SELECT node_uid, master_fingerprint, is_first, host, process_id, started_at_ms, alive_until_ms \
                       FROM key_holders WHERE alive_until_ms >= $1 \
                       ORDER BY started_at_ms, node_uid, is_first DESC, master_fingerprint";
    fetch_all!(session, HolderRow, SQL, now.0)
}
