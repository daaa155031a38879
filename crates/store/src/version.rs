//! Versions of a credential's values, numbered from 1: what became of each, and the erasing of values.

use strongroom_model::authority_mac::AuthorityMac;
use strongroom_model::version::{Ending, Erasure, Origin, Version};
use strongroom_model::{Millis, Uid};

use crate::change;
use crate::dispatch::{execute, fetch_all, fetch_optional};
use crate::error::StoreError;
use crate::session::{Backend, Session, Write};

#[derive(Debug, sqlx::FromRow)]
struct Row {
    uid: String,
    number: i64,
    origin: String,
    copied_from: Option<i64>,
    created_by: String,
    created_at_ms: i64,
    activated_at_ms: Option<i64>,
    replaced_at_ms: Option<i64>,
    retired_at_ms: Option<i64>,
    ended_as: Option<String>,
    ended_at_ms: Option<i64>,
    ended_reason: Option<String>,
    erased_as: Option<String>,
    erased_at_ms: Option<i64>,
    probe_outcome: Option<String>,
    probed_at_ms: Option<i64>,
    provider_key: Option<String>,
    revoked_at_ms: Option<i64>,
    is_followed: bool,
    mac_key_id: String,
    mac: String,
}

impl TryFrom<Row> for Version {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let corrupt =
            |column| StoreError::Corrupt { table: "credential_versions", column, row: row.uid.clone() };
        let origin = Origin::ALL.into_iter().find(|origin| origin.as_str() == row.origin);
        let ended = match (row.ended_as.as_deref(), row.ended_at_ms) {
            (Some(text), Some(at)) => {
                let ending = Ending::ALL.into_iter().find(|ending| ending.as_str() == text);
                let ending = ending.ok_or_else(|| corrupt("ended_as"))?;
                Some((ending, Millis(at), row.ended_reason.clone().unwrap_or_default()))
            }
            _ => None,
        };
        let erased = match (row.erased_as.as_deref(), row.erased_at_ms) {
            (Some(text), Some(at)) => {
                let erasure = Erasure::ALL.into_iter().find(|erasure| erasure.as_str() == text);
                Some((erasure.ok_or_else(|| corrupt("erased_as"))?, Millis(at)))
            }
            _ => None,
        };
        Ok(Self {
            uid: row.uid.parse().map_err(|_| corrupt("uid"))?,
            number: row.number,
            origin: origin.ok_or_else(|| corrupt("origin"))?,
            copied_from: row.copied_from,
            created_by: row.created_by.clone(),
            created_at: Millis(row.created_at_ms),
            activated_at: row.activated_at_ms.map(Millis),
            replaced_at: row.replaced_at_ms.map(Millis),
            retired_at: row.retired_at_ms.map(Millis),
            ended,
            erased,
            probed: row.probe_outcome.clone().zip(row.probed_at_ms.map(Millis)),
            provider_key: row.provider_key.clone(),
            revoked_at: row.revoked_at_ms.map(Millis),
            is_followed: row.is_followed,
            mac: AuthorityMac { key_id: row.mac_key_id.clone(), mac: row.mac.clone() },
        })
    }
}

macro_rules! select {
    ($tail:literal) => {
        select!("", $tail)
    };
    ($more:literal, $tail:literal) => {
        concat!(
            "SELECT ",
            $more,
            "uid, number, origin, copied_from, created_by, created_at_ms, activated_at_ms, replaced_at_ms, ",
            "retired_at_ms, ended_as, ended_at_ms, ended_reason, erased_as, erased_at_ms, probe_outcome, probed_at_ms, ",
            "provider_key, revoked_at_ms, is_followed, mac_key_id, mac ",
            "FROM credential_versions ",
            $tail
        )
    };
}

macro_rules! select_owned {
    ($tail:literal) => {
        select!("credential_uid, ", $tail)
    };
}

#[derive(Debug, sqlx::FromRow)]
struct OwnedRow {
    credential_uid: String,
    #[sqlx(flatten)]
    row: Row,
}

impl OwnedRow {
    fn parts(self) -> Result<(Uid, Version), StoreError> {
        let corrupt = |_| StoreError::Corrupt {
            table: "credential_versions",
            column: "credential_uid",
            row: self.row.uid.clone(),
        };
        Ok((self.credential_uid.parse().map_err(corrupt)?, self.row.try_into()?))
    }
}

/// Stores the next version of a credential, which is in use at once, and tells its number.
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
    let provenance = Provenance { created_by, origin: Origin::New, copied_from: None };
    insert_from(tx, credential, version, provenance, now).await
}

/// Where a version comes from.
#[derive(Debug, Clone, Copy)]
pub struct Provenance<'a> {
    /// Its creator.
    pub created_by: &'a str,
    /// In which way.
    pub origin: Origin,
    /// The number of the version that it was copied from.
    pub copied_from: Option<i64>,
}

/// Stores the next version of a credential, and tells its number. A staged one is not in use yet.
///
/// # Errors
/// [`StoreError`].
pub async fn insert_from(
    tx: &mut Write,
    credential: Uid,
    version: Uid,
    provenance: Provenance<'_>,
    now: Millis,
) -> Result<i64, StoreError> {
    const NEXT: &str = "SELECT CAST(COALESCE(MAX(number), 0) + 1 AS BIGINT) FROM credential_versions WHERE credential_uid = $1";
    const INSERT: &str = "INSERT INTO credential_versions (uid, credential_uid, number, created_by, created_at_ms, \
                          origin, copied_from, activated_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let Provenance { created_by, origin, copied_from } = provenance;
    let credential = credential.to_string();
    let number = fetch_optional!(tx, (i64,), NEXT, &credential)?.map_or(1, |(number,)| number);
    let activated = (origin != Origin::Staged).then_some(now.0);
    execute!(
        tx,
        INSERT,
        version.to_string(),
        &credential,
        number,
        created_by,
        now.0,
        origin.as_str(),
        copied_from,
        activated
    )?;
    Ok(number)
}

/// The version of a credential with this number.
///
/// # Errors
/// [`StoreError`].
pub async fn get(session: &mut Session, credential: Uid, number: i64) -> Result<Option<Version>, StoreError> {
    const SQL: &str = select!("WHERE credential_uid = $1 AND number = $2");
    fetch_optional!(session, Row, SQL, credential.to_string(), number)?.map(Version::try_from).transpose()
}

/// All versions of a credential, the newest first.
///
/// # Errors
/// [`StoreError`].
pub async fn list(session: &mut Session, credential: Uid) -> Result<Vec<Version>, StoreError> {
    const SQL: &str = select!("WHERE credential_uid = $1 ORDER BY number DESC");
    let rows = fetch_all!(session, Row, SQL, credential.to_string())?;
    rows.into_iter().map(Version::try_from).collect()
}

/// The version with this identity, and the credential that it belongs to.
///
/// # Errors
/// [`StoreError`].
pub async fn get_by_uid(session: &mut Session, version: Uid) -> Result<Option<(Uid, Version)>, StoreError> {
    const SQL: &str = select_owned!("WHERE uid = $1");
    fetch_optional!(session, OwnedRow, SQL, version.to_string())?.map(OwnedRow::parts).transpose()
}

/// Up to `limit` versions of any credential, with the credential of each, behind an identity, in their order.
///
/// # Errors
/// [`StoreError`].
pub async fn list_all(
    session: &mut Session,
    after: &str,
    limit: i64,
) -> Result<Vec<(Uid, Version)>, StoreError> {
    const SQL: &str = select_owned!("WHERE uid > $1 ORDER BY uid LIMIT $2");
    let rows = fetch_all!(session, OwnedRow, SQL, after, limit)?;
    rows.into_iter().map(OwnedRow::parts).collect()
}

/// Credentials of which a version's row is gone: the one in use, or one that is followed or follows.
///
/// # Errors
/// [`StoreError`].
pub async fn incomplete(session: &mut Session) -> Result<Vec<String>, StoreError> {
    const SQL: &str = "SELECT c.name FROM api_credentials c WHERE NOT EXISTS \
                       (SELECT 1 FROM credential_versions v WHERE v.uid = c.version_uid) \
                       UNION SELECT c.name FROM api_credentials c JOIN credential_versions v ON v.credential_uid = c.uid \
                       WHERE v.is_followed <> EXISTS (SELECT 1 FROM credential_versions n \
                       WHERE n.credential_uid = v.credential_uid AND n.number = v.number + 1) \
                       OR (v.number > 1 AND NOT EXISTS (SELECT 1 FROM credential_versions b \
                       WHERE b.credential_uid = v.credential_uid AND b.number = v.number - 1)) ORDER BY 1";
    Ok(fetch_all!(session, (String,), SQL)?.into_iter().map(|(name,)| name).collect())
}

/// Says of all versions whether they are followed, as it is: for those from before that was said.
///
/// # Errors
/// [`StoreError`].
pub async fn say_what_is_followed(tx: &mut Write) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE credential_versions SET is_followed = TRUE WHERE EXISTS (SELECT 1 FROM credential_versions n \
                       WHERE n.credential_uid = credential_versions.credential_uid \
                       AND n.number = credential_versions.number + 1)";
    execute!(tx, SQL).map(|_| ())
}

/// A version of the next number was made.
///
/// # Errors
/// [`StoreError`].
pub async fn follow(tx: &mut Write, version: Uid) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE credential_versions SET is_followed = TRUE WHERE uid = $1";
    execute!(tx, SQL, version.to_string()).map(|_| ())
}

/// Writes the MAC of a version.
///
/// # Errors
/// [`StoreError`].
pub async fn sign(tx: &mut Write, version: Uid, mac: &AuthorityMac) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE credential_versions SET mac_key_id = $2, mac = $3 WHERE uid = $1";
    execute!(tx, SQL, version.to_string(), &mac.key_id, &mac.mac).map(|_| ())
}

/// A version comes into use; it is not draining any more, should it have been.
///
/// # Errors
/// [`StoreError`].
pub async fn activate(tx: &mut Write, version: Uid, now: Millis) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE credential_versions SET activated_at_ms = $2 WHERE uid = $1";
    execute!(tx, SQL, version.to_string(), now.0).map(|_| ())
}

/// Another version takes the place of this one: calls with it may be under way still.
///
/// # Errors
/// [`StoreError`].
pub async fn replace(tx: &mut Write, version: Uid, now: Millis) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE credential_versions SET replaced_at_ms = $2 WHERE uid = $1";
    execute!(tx, SQL, version.to_string(), now.0).map(|_| ())
}

/// The try of a staged version ends without its coming into use.
///
/// # Errors
/// [`StoreError`].
pub async fn end(
    tx: &mut Write,
    version: Uid,
    ending: Ending,
    reason: &str,
    now: Millis,
) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE credential_versions SET ended_as = $2, ended_at_ms = $3, ended_reason = $4, \
                       replaced_at_ms = $3 WHERE uid = $1";
    execute!(tx, SQL, version.to_string(), ending.as_str(), now.0, reason).map(|_| ())
}

/// Keeps what the provider said about a version.
///
/// # Errors
/// [`StoreError`].
pub async fn probed(tx: &mut Write, version: Uid, outcome: &str, now: Millis) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE credential_versions SET probe_outcome = $2, probed_at_ms = $3 WHERE uid = $1";
    execute!(tx, SQL, version.to_string(), outcome, now.0).map(|_| ())
}

/// Erases the values of a version for good; their keyed fingerprints stay, so that a key can still be told to have been
/// here. `false` when they are gone already.
///
/// # Errors
/// [`StoreError`].
pub async fn erase(tx: &mut Write, version: Uid, erasure: Erasure, now: Millis) -> Result<bool, StoreError> {
    const CREDENTIAL: &str = "SELECT c.uid, c.provider FROM credential_versions v \
                              JOIN api_credentials c ON c.uid = v.credential_uid WHERE v.uid = $1";
    let found = fetch_optional!(tx, (String, String), CREDENTIAL, version.to_string())?;
    change::touch_credential(tx, found).await?;
    const VALUES: &str =
        "UPDATE credential_values SET kind = 'erased', value = '', key_id = NULL WHERE version_uid = $1";
    const VERSION: &str = "UPDATE credential_versions SET erased_as = $2, erased_at_ms = $3 \
                           WHERE uid = $1 AND erased_at_ms IS NULL";
    let uid = version.to_string();
    if execute!(tx, VERSION, &uid, erasure.as_str(), now.0)? == 0 {
        return Ok(false);
    }
    // SQLite would leave the bytes where they were until something is written over them.
    if tx.backend() == Backend::Sqlite {
        execute!(tx, "PRAGMA secure_delete = ON")?;
    }
    execute!(tx, VALUES, &uid)?;
    if tx.backend() == Backend::Sqlite {
        execute!(tx, "PRAGMA secure_delete = OFF")?;
    }
    Ok(true)
}

/// Keeps what the provider calls the key of a version, which it made for us.
///
/// # Errors
/// [`StoreError`].
pub async fn set_provider_key(tx: &mut Write, version: Uid, provider_key: &str) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE credential_versions SET provider_key = $2 WHERE uid = $1";
    execute!(tx, SQL, version.to_string(), provider_key).map(|_| ())
}

/// A retired version whose key the provider made for us and has not revoked.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Revocable {
    /// The version.
    pub version_uid: String,
    /// Its number.
    pub number: i64,
    /// The provider's id of its key.
    pub provider_key: String,
    /// Its credential's public integer.
    pub credential_id: i64,
}

/// Versions that were retired before an instant, whose key the provider made for us and no other version has, of
/// whatever credential, that may still serve; of credentials that have something to mint with.
///
/// # Errors
/// [`StoreError`].
pub async fn list_revocable(
    session: &mut Session,
    retired_before: Millis,
) -> Result<Vec<Revocable>, StoreError> {
    const SQL: &str = "SELECT v.uid AS version_uid, v.number, v.provider_key, c.id AS credential_id \
                       FROM credential_versions v JOIN api_credentials c ON c.uid = v.credential_uid \
                       WHERE v.provider_key IS NOT NULL AND v.revoked_at_ms IS NULL AND v.retired_at_ms < $1 \
                       AND c.deleted_at_ms IS NULL AND c.minter_uid IS NOT NULL AND NOT EXISTS \
                       (SELECT 1 FROM credential_versions o WHERE o.credential_uid = v.credential_uid \
                       AND o.provider_key = v.provider_key AND o.retired_at_ms IS NULL) AND NOT EXISTS \
                       (SELECT 1 FROM credential_values x JOIN credential_values y ON y.fingerprint = x.fingerprint \
                       AND y.fingerprint_key_id = x.fingerprint_key_id JOIN credential_versions o ON o.uid = y.version_uid \
                       WHERE x.version_uid = v.uid AND x.field = 'api_key' AND o.uid <> v.uid \
                       AND o.retired_at_ms IS NULL AND o.erased_at_ms IS NULL) ORDER BY c.id, v.number LIMIT 256";
    fetch_all!(session, Revocable, SQL, retired_before.0)
}

/// The provider has revoked the key of a version. `false` when that is known already.
///
/// # Errors
/// [`StoreError`].
pub async fn revoked(tx: &mut Write, version: Uid, now: Millis) -> Result<bool, StoreError> {
    const SQL: &str =
        "UPDATE credential_versions SET revoked_at_ms = $2 WHERE uid = $1 AND revoked_at_ms IS NULL";
    Ok(execute!(tx, SQL, version.to_string(), now.0)? == 1)
}
