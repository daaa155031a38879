//! Draining: versions that were replaced stay in use by calls under way, and are retired when the last of them has ended.

use strongroom_model::{Millis, Uid};

use crate::dispatch::{execute, fetch_all};
use crate::error::StoreError;
use crate::session::{Session, Write};

/// A version that was replaced.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Drained {
    /// The version.
    pub version_uid: String,
    /// Its number.
    pub number: i64,
    /// Its credential.
    pub credential_uid: String,
    /// The credential's name.
    pub name: String,
}

/// Says that calls with this version are under way on this server, until it has said so again.
///
/// # Errors
/// [`StoreError::Dangling`] when there is no such version.
pub async fn keep(tx: &mut Write, version: Uid, node: Uid, until: Millis) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO version_drains (version_uid, node_uid, busy_until_ms) VALUES ($1, $2, $3) \
                       ON CONFLICT (version_uid, node_uid) DO UPDATE SET busy_until_ms = $3";
    execute!(tx, SQL, version.to_string(), node.to_string(), until.0).map(|_| ())
}

/// Versions that were replaced before an instant and with which no server has a call under way now.
///
/// # Errors
/// [`StoreError`].
pub async fn list_drained(
    session: &mut Session,
    replaced_before: Millis,
    now: Millis,
) -> Result<Vec<Drained>, StoreError> {
    const SQL: &str = "SELECT v.uid AS version_uid, v.number, v.credential_uid, c.name FROM credential_versions v \
                       JOIN api_credentials c ON c.uid = v.credential_uid \
                       WHERE v.replaced_at_ms IS NOT NULL AND v.retired_at_ms IS NULL AND v.replaced_at_ms < $1 \
                       AND NOT EXISTS (SELECT 1 FROM version_drains d WHERE d.version_uid = v.uid \
                       AND d.busy_until_ms > $2) ORDER BY v.credential_uid, v.number LIMIT 256";
    fetch_all!(session, Drained, SQL, replaced_before.0, now.0)
}

/// Retires a version. `false` when another server was first.
///
/// # Errors
/// [`StoreError`].
pub async fn retire(tx: &mut Write, version: Uid, now: Millis) -> Result<bool, StoreError> {
    const RETIRE: &str =
        "UPDATE credential_versions SET retired_at_ms = $2 WHERE uid = $1 AND retired_at_ms IS NULL";
    const FORGET: &str = "DELETE FROM version_drains WHERE version_uid = $1";
    let version = version.to_string();
    if execute!(tx, RETIRE, &version, now.0)? == 0 {
        return Ok(false);
    }
    execute!(tx, FORGET, &version)?;
    Ok(true)
}
