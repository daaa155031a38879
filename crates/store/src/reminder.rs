//! Reminders about credentials: which are due, and that each is given once.

use strongroom_model::{Millis, Uid};

use crate::dispatch::{execute, fetch_all};
use crate::error::StoreError;
use crate::session::{Session, Write};

/// Notes that people are reminded of this now. `false` when they were before.
///
/// # Errors
/// [`StoreError`].
pub async fn note(
    tx: &mut Write,
    credential: Uid,
    kind: &str,
    about: Millis,
    now: Millis,
) -> Result<bool, StoreError> {
    const SQL: &str = "INSERT INTO credential_reminders (credential_uid, kind, about_ms, at_ms) \
                       VALUES ($1, $2, $3, $4) ON CONFLICT (credential_uid, kind, about_ms) DO NOTHING";
    Ok(execute!(tx, SQL, credential.to_string(), kind, about.0, now.0)? == 1)
}

/// The ids of credentials that expire before an instant, or whose key is in use for as long as it may be.
///
/// # Errors
/// [`StoreError`].
pub async fn list_due(
    session: &mut Session,
    expires_before: Millis,
    now: Millis,
) -> Result<Vec<i64>, StoreError> {
    const SQL: &str = "SELECT c.id FROM api_credentials c JOIN credential_versions v ON v.uid = c.version_uid \
                       WHERE c.deleted_at_ms IS NULL AND (c.expires_at_ms < $1 OR \
                       COALESCE(v.activated_at_ms, v.created_at_ms) + c.rotate_after_days * 86400000 <= $2) \
                       ORDER BY c.id";
    let rows = fetch_all!(session, (i64,), SQL, expires_before.0, now.0)?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}
