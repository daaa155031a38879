//! Keys that may still stand elsewhere: older versions, and keys that came out of `.env` files.

use strongroom_model::{CredentialId, Uid};

use crate::dispatch::fetch_all;
use crate::error::StoreError;
use crate::session::Session;

/// Up to `limit` versions that have their values and were not revoked by us, by credential and number: those that are not in
/// use any more, and of credentials that were imported from this source the one in use too.
///
/// # Errors
/// [`StoreError`].
pub async fn candidates(
    session: &mut Session,
    source: &str,
    limit: i64,
) -> Result<Vec<(CredentialId, i64)>, StoreError> {
    const SQL: &str = "SELECT c.id, v.number FROM credential_versions v \
                       JOIN api_credentials c ON c.uid = v.credential_uid \
                       WHERE c.deleted_at_ms IS NULL AND v.erased_at_ms IS NULL AND v.revoked_at_ms IS NULL \
                       AND (c.staged_version_uid IS NULL OR v.uid <> c.staged_version_uid) \
                       AND (v.uid <> c.version_uid OR EXISTS (SELECT 1 FROM audit_logs a \
                       WHERE a.target_name = c.name AND a.target_id = c.uid AND a.action = 'credential.import' \
                       AND a.outcome = 'success' AND a.detail LIKE $1)) ORDER BY c.id, v.number LIMIT $2";
    let rows = fetch_all!(session, (i64, i64), SQL, format!("%\"source\":\"{source}\"%"), limit)?;
    Ok(rows.into_iter().map(|(id, number)| (CredentialId(id), number)).collect())
}

/// The first instant of the last day on which each version of a credential was used through strongroom.
///
/// # Errors
/// [`StoreError`].
pub async fn last_days(session: &mut Session, credential: Uid) -> Result<Vec<(String, i64)>, StoreError> {
    const SQL: &str = "SELECT m.version_uid, MAX(d.day_start_ms) FROM usage_dims m JOIN usage_days d ON d.dims_uid = m.uid \
                       WHERE m.credential_uid = $1 AND d.requests > 0 AND m.version_uid <> '' \
                       GROUP BY m.version_uid ORDER BY m.version_uid";
    fetch_all!(session, (String, i64), SQL, credential.to_string())
}
