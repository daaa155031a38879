//! Deleted credentials: listed, taken back, and purged for good.

use strongroom_model::authority_mac::AuthorityMac;
use strongroom_model::credential::Credential;
use strongroom_model::{CredentialId, Millis, month};

use super::{Row, touch};
use crate::dispatch::{execute, fetch_all, fetch_optional};
use crate::error::StoreError;
use crate::session::{Session, Write};

/// The deleted credential with this id, if its values are there still.
///
/// # Errors
/// [`StoreError`].
pub async fn get(
    session: &mut Session,
    id: CredentialId,
    now: Millis,
) -> Result<Option<Credential>, StoreError> {
    const SQL: &str =
        select_any!("WHERE c.deleted_at_ms IS NOT NULL AND c.purged_at_ms IS NULL AND c.id = $2");
    fetch_optional!(session, Row, SQL, month::start(now).0, id.0)?.map(Credential::try_from).transpose()
}

/// Up to `limit` credentials that were deleted before an instant and whose values are there still, by id, behind the one
/// with the id `after`.
///
/// # Errors
/// [`StoreError`].
pub async fn list(
    session: &mut Session,
    before: Millis,
    after: i64,
    limit: i64,
    now: Millis,
) -> Result<Vec<Credential>, StoreError> {
    const SQL: &str = select_any!(
        "WHERE c.deleted_at_ms IS NOT NULL AND c.purged_at_ms IS NULL AND c.deleted_at_ms < $2 AND c.id > $3 \
         ORDER BY c.id LIMIT $4"
    );
    let rows = fetch_all!(session, Row, SQL, month::start(now).0, before.0, after, limit)?;
    rows.into_iter().map(Credential::try_from).collect()
}

/// Takes a deletion back, if the revision is still this one. The MAC says so too.
///
/// # Errors
/// [`StoreError::Taken`] when its name is another's meanwhile.
pub async fn undelete(
    tx: &mut Write,
    id: CredentialId,
    revision: i64,
    mac: &AuthorityMac,
    now: Millis,
) -> Result<bool, StoreError> {
    touch(tx, id).await?;
    const SQL: &str = "UPDATE api_credentials SET deleted_at_ms = NULL, updated_at_ms = $3, mac_key_id = $4, mac = $5, \
                       revision = revision + 1 WHERE id = $1 AND revision = $2 AND deleted_at_ms IS NOT NULL \
                       AND purged_at_ms IS NULL";
    Ok(execute!(tx, SQL, id.0, revision, now.0, &mac.key_id, &mac.mac)? == 1)
}

/// Says that the values of a deleted credential are gone, if the revision is still this one.
///
/// # Errors
/// [`StoreError`].
pub async fn purge(tx: &mut Write, id: CredentialId, revision: i64, now: Millis) -> Result<bool, StoreError> {
    touch(tx, id).await?;
    const SQL: &str = "UPDATE api_credentials SET purged_at_ms = $3, updated_at_ms = $3, revision = revision + 1 \
                       WHERE id = $1 AND revision = $2 AND deleted_at_ms IS NOT NULL AND purged_at_ms IS NULL";
    Ok(execute!(tx, SQL, id.0, revision, now.0)? == 1)
}
