//! Encryption keys, stored wrapped, and the masters they are wrapped under.

use strongroom_model::Millis;

use crate::dispatch::{execute, fetch_all, fetch_optional};
use crate::error::StoreError;
use crate::session::{Session, Write};

/// A key without its wraps.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct KeyRow {
    /// Its uid.
    pub id: String,
    /// What it is for.
    pub purpose: String,
    /// Whether new work is done under it.
    pub is_current: bool,
    /// Texts that were sealed under it.
    pub seal_count: i64,
    /// When it was made.
    pub created_at_ms: i64,
}

/// A key wrapped under one master.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct WrapRow {
    /// The key.
    pub key_id: String,
    /// The master.
    pub master_fingerprint: String,
    /// The wrapped key.
    pub wrapped: String,
}

/// Remembers a master key by its fingerprint.
///
/// # Errors
/// [`StoreError`].
pub async fn insert_master(tx: &mut Write, fingerprint: &str, now: Millis) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO master_keys (fingerprint, first_seen_ms) VALUES ($1, $2) ON CONFLICT (fingerprint) DO NOTHING";
    execute!(tx, SQL, fingerprint, now.0).map(|_| ())
}

/// The fingerprints of all masters.
///
/// # Errors
/// [`StoreError`].
pub async fn list_masters(session: &mut Session) -> Result<Vec<String>, StoreError> {
    const SQL: &str = "SELECT fingerprint FROM master_keys ORDER BY fingerprint";
    Ok(fetch_all!(session, (String,), SQL)?.into_iter().map(|(fingerprint,)| fingerprint).collect())
}

/// Stores a key and one wrap of it.
///
/// # Errors
/// [`StoreError`].
pub async fn insert(tx: &mut Write, key: &KeyRow, wrap: &WrapRow) -> Result<(), StoreError> {
    const KEY: &str = "INSERT INTO encryption_keys (id, purpose, is_current, seal_count, created_at_ms) \
                       VALUES ($1, $2, $3, $4, $5)";
    const WRAP: &str =
        "INSERT INTO key_wraps (key_id, master_fingerprint, wrapped, created_at_ms) VALUES ($1, $2, $3, $4)";
    execute!(tx, KEY, &key.id, &key.purpose, key.is_current, key.seal_count, key.created_at_ms)?;
    execute!(tx, WRAP, &wrap.key_id, &wrap.master_fingerprint, &wrap.wrapped, key.created_at_ms).map(|_| ())
}

/// All keys, the oldest first.
///
/// # Errors
/// [`StoreError`].
pub async fn list(session: &mut Session) -> Result<Vec<KeyRow>, StoreError> {
    const SQL: &str = "SELECT id, purpose, is_current, seal_count, created_at_ms FROM encryption_keys \
                       ORDER BY created_at_ms, id";
    fetch_all!(session, KeyRow, SQL)
}

/// All wraps.
///
/// # Errors
/// [`StoreError`].
pub async fn list_wraps(session: &mut Session) -> Result<Vec<WrapRow>, StoreError> {
    const SQL: &str =
        "SELECT key_id, master_fingerprint, wrapped FROM key_wraps ORDER BY key_id, master_fingerprint";
    fetch_all!(session, WrapRow, SQL)
}

/// Counts texts sealed under a data key, up to `most`. `false` means that the key has sealed as many as it may.
///
/// # Errors
/// [`StoreError`].
pub async fn count_seals(tx: &mut Write, id: &str, seals: i64, most: i64) -> Result<bool, StoreError> {
    const SQL: &str =
        "UPDATE encryption_keys SET seal_count = seal_count + $2 WHERE id = $1 AND seal_count + $2 <= $3";
    Ok(execute!(tx, SQL, id, seals, most)? == 1)
}

/// Texts that were sealed under a key so far.
///
/// # Errors
/// [`StoreError`].
pub async fn seal_count(session: &mut Session, id: &str) -> Result<Option<i64>, StoreError> {
    let row = fetch_optional!(session, (i64,), "SELECT seal_count FROM encryption_keys WHERE id = $1", id)?;
    Ok(row.map(|(count,)| count))
}
