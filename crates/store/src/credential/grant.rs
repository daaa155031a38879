//! Rows of credentials with all that their MACs cover.

use strongroom_model::authority_mac::AuthorityMac;
use strongroom_model::{Millis, Provider, Uid, UserId};

use super::corrupt;
use crate::dispatch::fetch_all;
use crate::error::StoreError;
use crate::session::Session;

/// A credential's row, as its MAC covers it; of a deleted one too.
#[derive(Debug, Clone)]
pub struct StoredGrant {
    /// The public integer.
    pub id: i64,
    /// The credential.
    pub uid: Uid,
    /// Its name.
    pub name: String,
    /// Its provider.
    pub provider: Provider,
    /// A base URL in place of the provider's own.
    pub endpoint: Option<String>,
    /// True if it is handed out.
    pub is_active: bool,
    /// True if it is frozen.
    pub is_frozen: bool,
    /// True if it is everybody's.
    pub is_global: bool,
    /// Whose it is when it is not global.
    pub user: Option<UserId>,
    /// The version that is handed out.
    pub version: Uid,
    /// A version that waits, and its share of the calls in percent.
    pub staged: Option<(Uid, i64)>,
    /// From when on it is not handed out.
    pub expires_at: Option<Millis>,
    /// When it was deleted.
    pub deleted_at: Option<Millis>,
    /// The credential whose key makes new keys for it, and in which project of the provider.
    pub minter: Option<(Uid, Option<String>)>,
    /// Over all of it.
    pub mac: AuthorityMac,
}

#[derive(Debug, sqlx::FromRow)]
struct GrantRow {
    id: i64,
    uid: String,
    name: String,
    provider: String,
    endpoint: Option<String>,
    is_active: bool,
    is_frozen: bool,
    is_global: bool,
    user_id: Option<i64>,
    version_uid: String,
    staged_version_uid: Option<String>,
    canary_percent: i64,
    expires_at_ms: Option<i64>,
    deleted_at_ms: Option<i64>,
    minter_uid: Option<String>,
    minter_project: Option<String>,
    mac_key_id: String,
    mac: String,
}

/// Up to `limit` credentials behind the one with the id `after`, by id, deleted ones too.
///
/// # Errors
/// [`StoreError`].
pub async fn list(session: &mut Session, after: i64, limit: i64) -> Result<Vec<StoredGrant>, StoreError> {
    const SQL: &str = "SELECT id, uid, name, provider, endpoint, is_active, (frozen_at_ms IS NOT NULL) AS is_frozen, \
                       is_global, user_id, version_uid, staged_version_uid, canary_percent, expires_at_ms, deleted_at_ms, \
                       minter_uid, minter_project, mac_key_id, mac FROM api_credentials WHERE id > $1 ORDER BY id LIMIT $2";
    let read = |row: GrantRow| {
        let parsed = |uid: Option<String>, column: &'static str| -> Result<Option<Uid>, StoreError> {
            uid.map(|uid| uid.parse().map_err(|_| corrupt(column, row.id))).transpose()
        };
        let staged = parsed(row.staged_version_uid, "staged_version_uid")?;
        let minter = parsed(row.minter_uid, "minter_uid")?;
        Ok(StoredGrant {
            id: row.id,
            uid: row.uid.parse().map_err(|_| corrupt("uid", row.id))?,
            name: row.name,
            provider: Provider::stored(row.provider),
            endpoint: row.endpoint,
            is_active: row.is_active,
            is_frozen: row.is_frozen,
            is_global: row.is_global,
            user: row.user_id.map(UserId),
            version: row.version_uid.parse().map_err(|_| corrupt("version_uid", row.id))?,
            staged: staged.map(|version| (version, row.canary_percent)),
            expires_at: row.expires_at_ms.map(Millis),
            deleted_at: row.deleted_at_ms.map(Millis),
            minter: minter.map(|minter| (minter, row.minter_project)),
            mac: AuthorityMac { key_id: row.mac_key_id, mac: row.mac },
        })
    };
    fetch_all!(session, GrantRow, SQL, after, limit)?.into_iter().map(read).collect()
}
