//! Versions of a credential's values, numbered from 1.

use strongroom_model::{Millis, Uid};

use crate::dispatch::{execute, fetch_optional};
use crate::error::StoreError;
use crate::session::Write;

/// Stores the next version of a credential and tells its number.
///
/// # Errors
/// [`StoreError`].
pub async fn insert(
    tx: &mut Write,
    credential: Uid,
    version: Uid,
    created_by: &str,
    now: Millis,
) -> Result<i64, StoreError> {
    const NEXT: &str = "SELECT CAST(COALESCE(MAX(number), 0) + 1 AS BIGINT) FROM credential_versions WHERE credential_uid = $1";
    const INSERT: &str = "INSERT INTO credential_versions (uid, credential_uid, number, created_by, created_at_ms) \
                          VALUES ($1, $2, $3, $4, $5)";
    let credential = credential.to_string();
    let number = fetch_optional!(tx, (i64,), NEXT, &credential)?.map_or(1, |(number,)| number);
    execute!(tx, INSERT, version.to_string(), &credential, number, created_by, now.0)?;
    Ok(number)
}
