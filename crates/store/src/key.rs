//! Encryption keys, stored wrapped, and the masters they are wrapped under: every key under every master.

use strongroom_model::Millis;

use crate::dispatch::{execute, fetch_all, fetch_optional};
use crate::error::StoreError;
use crate::session::{Backend, Session, Write};

/// A key without its wraps.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct KeyRow {
    /// Its uid.
    pub id: String,
    /// Its purpose.
    pub purpose: String,
    /// True if new work is done under it.
    pub is_current: bool,
    /// Texts that were sealed under it.
    pub seal_count: i64,
    /// When it was made.
    pub created_at_ms: i64,
    /// When it was found that nothing is left under it.
    pub retired_at_ms: Option<i64>,
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

/// A master that keys are wrapped under.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct MasterRow {
    /// Its fingerprint.
    pub fingerprint: String,
    /// When keys were first wrapped under it.
    pub first_seen_ms: i64,
}

/// Locks the keys, the masters and who holds them against every other change of them until the transaction ends. It comes
/// before everything else that the transaction locks.
///
/// # Errors
/// [`StoreError`].
pub async fn lock(tx: &mut Write) -> Result<(), StoreError> {
    // SQLite has one writer, which is us, and no row locks to ask for.
    if tx.backend() == Backend::Postgres {
        const SQL: &str = "SELECT fingerprint FROM master_keys ORDER BY fingerprint FOR UPDATE";
        fetch_all!(tx, (String,), SQL)?;
    }
    Ok(())
}

/// Remembers a master key by its fingerprint, as the newest one: what it was first seen at is after all others, even where
/// the clock went back.
///
/// # Errors
/// [`StoreError`].
pub async fn insert_master(tx: &mut Write, fingerprint: &str, now: Millis) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO master_keys (fingerprint, first_seen_ms) VALUES ($1, $2) ON CONFLICT (fingerprint) DO NOTHING";
    let known = masters(tx).await?;
    let newest = known.iter().map(|master| master.first_seen_ms + 1).max().unwrap_or(i64::MIN);
    execute!(tx, SQL, fingerprint, now.0.max(newest)).map(|_| ())
}

/// The fingerprints of all masters.
///
/// # Errors
/// [`StoreError`].
pub async fn list_masters(session: &mut Session) -> Result<Vec<String>, StoreError> {
    Ok(masters(session).await?.into_iter().map(|master| master.fingerprint).collect())
}

/// All masters, by fingerprint.
///
/// # Errors
/// [`StoreError`].
pub async fn masters(session: &mut Session) -> Result<Vec<MasterRow>, StoreError> {
    const SQL: &str = "SELECT fingerprint, first_seen_ms FROM master_keys ORDER BY fingerprint";
    fetch_all!(session, MasterRow, SQL)
}

/// Forgets a master and everything that is wrapped under it. Tells how many wraps that were.
///
/// # Errors
/// [`StoreError`].
pub async fn remove_master(tx: &mut Write, fingerprint: &str) -> Result<u64, StoreError> {
    let wraps = execute!(tx, "DELETE FROM key_wraps WHERE master_fingerprint = $1", fingerprint)?;
    execute!(tx, "DELETE FROM master_keys WHERE fingerprint = $1", fingerprint)?;
    Ok(wraps)
}

/// Stores a key and one wrap of it.
///
/// # Errors
/// [`StoreError`].
pub async fn insert(tx: &mut Write, key: &KeyRow, wrap: &WrapRow) -> Result<(), StoreError> {
    const KEY: &str = "INSERT INTO encryption_keys (id, purpose, is_current, seal_count, created_at_ms, retired_at_ms) \
                       VALUES ($1, $2, $3, $4, $5, $6)";
    execute!(
        tx,
        KEY,
        &key.id,
        &key.purpose,
        key.is_current,
        key.seal_count,
        key.created_at_ms,
        key.retired_at_ms
    )?;
    insert_wrap(tx, wrap, Millis(key.created_at_ms)).await
}

/// Stores one more wrap of a key.
///
/// # Errors
/// [`StoreError`].
pub async fn insert_wrap(tx: &mut Write, wrap: &WrapRow, now: Millis) -> Result<(), StoreError> {
    const SQL: &str =
        "INSERT INTO key_wraps (key_id, master_fingerprint, wrapped, created_at_ms) VALUES ($1, $2, $3, $4)";
    execute!(tx, SQL, &wrap.key_id, &wrap.master_fingerprint, &wrap.wrapped, now.0).map(|_| ())
}

/// All keys, the oldest first.
///
/// # Errors
/// [`StoreError`].
pub async fn list(session: &mut Session) -> Result<Vec<KeyRow>, StoreError> {
    const SQL: &str = "SELECT id, purpose, is_current, seal_count, created_at_ms, retired_at_ms FROM encryption_keys \
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

/// Counts texts sealed under a data key, up to `most`, and keeps it the current one until the transaction ends. `false`
/// means that it is not current any more, or has sealed as many as it may: then nothing may be sealed under it.
///
/// # Errors
/// [`StoreError`].
pub async fn count_seals(tx: &mut Write, id: &str, seals: i64, most: i64) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE encryption_keys SET seal_count = seal_count + $2 \
                       WHERE id = $1 AND is_current AND seal_count + $2 <= $3";
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

/// No key of this purpose is current any more, until one is inserted that is. Who seals under the one that was waits here,
/// or this waits for it: what comes after seals under the next one.
///
/// # Errors
/// [`StoreError`].
pub async fn supersede(tx: &mut Write, purpose: &str) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE encryption_keys SET is_current = FALSE WHERE purpose = $1 AND is_current";
    execute!(tx, SQL, purpose).map(|_| ())
}

/// Retires the keys of a purpose that are not current. Tells how many that were.
///
/// # Errors
/// [`StoreError`].
pub async fn retire(tx: &mut Write, purpose: &str, now: Millis) -> Result<u64, StoreError> {
    const SQL: &str = "UPDATE encryption_keys SET retired_at_ms = $2 \
                       WHERE purpose = $1 AND NOT is_current AND retired_at_ms IS NULL";
    execute!(tx, SQL, purpose, now.0)
}
