//! Facts about the installation as a whole.

use crate::dispatch::{execute, fetch_optional};
use crate::error::StoreError;
use crate::session::{Session, Write};

/// Sets a fact unless it is set. Of several transactions that try, exactly one gets `true`; the others wait for it.
///
/// # Errors
/// [`StoreError`].
pub async fn claim(tx: &mut Write, key: &str, value: &str) -> Result<bool, StoreError> {
    const SQL: &str = "INSERT INTO strongroom_meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING";
    Ok(execute!(tx, SQL, key, value)? == 1)
}

/// A fact.
///
/// # Errors
/// [`StoreError`].
pub async fn get(session: &mut Session, key: &str) -> Result<Option<String>, StoreError> {
    let row = fetch_optional!(session, (String,), "SELECT value FROM strongroom_meta WHERE key = $1", key)?;
    Ok(row.map(|(value,)| value))
}

/// Sets a fact, whatever it was.
///
/// # Errors
/// [`StoreError`].
pub async fn set(tx: &mut Write, key: &str, value: &str) -> Result<(), StoreError> {
    const SQL: &str =
        "INSERT INTO strongroom_meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = $2";
    execute!(tx, SQL, key, value).map(|_| ())
}

/// Takes a fact back.
///
/// # Errors
/// [`StoreError`].
pub async fn remove(tx: &mut Write, key: &str) -> Result<(), StoreError> {
    execute!(tx, "DELETE FROM strongroom_meta WHERE key = $1", key).map(|_| ())
}
