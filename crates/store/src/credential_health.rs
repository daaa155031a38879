//! The health of credentials as each server sees it, so that all see what one has seen, and what became of it.

use strongroom_model::{Millis, Uid};

use crate::REGION;
use crate::dispatch::{execute, execute_rows, fetch_all};
use crate::error::StoreError;
use crate::session::{Session, Write};

/// What a server knows against a version of a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthRow {
    /// The credential.
    pub credential: Uid,
    /// Its version.
    pub version: Uid,
    /// The meaning of the provider's answer, such as `bad_key`.
    pub state: &'static str,
    /// Since when.
    pub since: Millis,
    /// Until when others are tried before it.
    pub until: Millis,
    /// How often in a row.
    pub times: u32,
}

/// Writes all that a server knows, in place of what it knew before.
///
/// # Errors
/// [`StoreError`].
pub async fn replace(tx: &mut Write, node: Uid, rows: &[HealthRow]) -> Result<(), StoreError> {
    execute!(tx, "DELETE FROM credential_health WHERE node_uid = $1", node.to_string())?;
    execute_rows!(
        tx,
        8,
        "INSERT INTO credential_health (credential_uid, node_uid, region, version_uid, state, since_ms, until_ms, times)",
        "ON CONFLICT (credential_uid, node_uid) DO UPDATE SET version_uid = excluded.version_uid, state = excluded.state, \
         since_ms = excluded.since_ms, until_ms = excluded.until_ms, times = excluded.times",
        rows,
        |row| row.credential.to_string(),
        node.to_string(),
        REGION,
        row.version.to_string(),
        row.state,
        row.since.0,
        row.until.0,
        i64::from(row.times)
    )?;
    Ok(())
}

/// A row of any server.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SeenHealth {
    /// The credential.
    pub credential_uid: String,
    /// Its version.
    pub version_uid: String,
    /// The server.
    pub node_uid: String,
    /// The meaning of the provider's answer.
    pub state: String,
    /// Since when.
    pub since_ms: i64,
    /// Until when others are tried before it.
    pub until_ms: i64,
    /// How often in a row.
    pub times: i64,
}

/// What all servers know.
///
/// # Errors
/// [`StoreError`].
pub async fn list(session: &mut Session) -> Result<Vec<SeenHealth>, StoreError> {
    const SQL: &str = "SELECT credential_uid, version_uid, node_uid, state, since_ms, until_ms, times FROM credential_health \
                       ORDER BY credential_uid, node_uid";
    fetch_all!(session, SeenHealth, SQL)
}

/// A change from one state to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// Its identity; begins with the instant.
    pub uid: Uid,
    /// The credential.
    pub credential: Uid,
    /// Its version.
    pub version: Uid,
    /// When.
    pub at: Millis,
    /// The state before it; `healthy` when nothing was known against it.
    pub before: &'static str,
    /// The state from then on.
    pub state: &'static str,
}

/// Writes changes down.
///
/// # Errors
/// [`StoreError`].
pub async fn add_transitions(
    tx: &mut Write,
    node: Uid,
    transitions: &[Transition],
) -> Result<(), StoreError> {
    execute_rows!(
        tx,
        8,
        "INSERT INTO credential_transitions (uid, credential_uid, version_uid, node_uid, region, at_ms, before, state)",
        "ON CONFLICT (uid) DO NOTHING",
        transitions,
        |one| one.uid.to_string(),
        one.credential.to_string(),
        one.version.to_string(),
        node.to_string(),
        REGION,
        one.at.0,
        one.before,
        one.state
    )?;
    Ok(())
}

/// A change as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SeenTransition {
    /// The version.
    pub version_uid: String,
    /// The server that saw it.
    pub node_uid: String,
    /// When.
    pub at_ms: i64,
    /// The state before it.
    pub before: String,
    /// The state from then on.
    pub state: String,
}

/// The changes of a credential since an instant, the newest first.
///
/// # Errors
/// [`StoreError`].
pub async fn list_transitions(
    session: &mut Session,
    credential: Uid,
    from: Millis,
    count: i64,
) -> Result<Vec<SeenTransition>, StoreError> {
    const SQL: &str = "SELECT version_uid, node_uid, at_ms, before, state FROM credential_transitions \
                       WHERE credential_uid = $1 AND at_ms >= $2 ORDER BY at_ms DESC, uid DESC LIMIT $3";
    fetch_all!(session, SeenTransition, SQL, credential.to_string(), from.0, count)
}

/// Deletes changes from before an instant, and what servers knew that are gone. Tells how many.
///
/// # Errors
/// [`StoreError`].
pub async fn delete(tx: &mut Write, before: Millis, now: Millis) -> Result<u64, StoreError> {
    const GONE: &str = "DELETE FROM credential_health WHERE NOT EXISTS (SELECT 1 FROM key_holders h \
                        WHERE h.node_uid = credential_health.node_uid AND h.alive_until_ms > $1)";
    let gone = execute!(tx, GONE, now.0)?;
    Ok(gone + execute!(tx, "DELETE FROM credential_transitions WHERE at_ms < $1", before.0)?)
}
