//! The values of a version: sealed texts and the fingerprints of what they hold.

use strongroom_model::Uid;
use strongroom_model::credential::Field;
use strongroom_model::fingerprint::SecretFingerprint;

use crate::dispatch::{execute, fetch_all};
use crate::error::StoreError;
use crate::session::{Session, Write};

/// A sealed value in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedValue {
    /// The version it belongs to.
    pub version: Uid,
    /// The field of that version.
    pub field: Field,
    /// The data key that sealed it.
    pub key_id: String,
    /// `iv:authTag:ciphertext`.
    pub text: String,
    /// A keyed hash of its content.
    pub fingerprint: SecretFingerprint,
}

#[derive(Debug, sqlx::FromRow)]
struct Row {
    version_uid: String,
    field: String,
    key_id: Option<String>,
    value: String,
    fingerprint_key_id: Option<String>,
    fingerprint: Option<String>,
}

impl TryFrom<Row> for SealedValue {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let corrupt =
            |column| StoreError::Corrupt { table: "credential_values", column, row: row.version_uid.clone() };
        Ok(Self {
            version: row.version_uid.parse().map_err(|_| corrupt("version_uid"))?,
            field: Field::from_name(&row.field).ok_or_else(|| corrupt("field"))?,
            key_id: row.key_id.clone().unwrap_or_default(),
            text: row.value,
            fingerprint: SecretFingerprint {
                key_id: row.fingerprint_key_id.unwrap_or_default(),
                value: row.fingerprint.unwrap_or_default(),
            },
        })
    }
}

/// Stores a value, in place of the one that is there. It comes into use with a change of its credential's row, which servers are
/// told of.
///
/// # Errors
/// [`StoreError`].
pub async fn put(tx: &mut Write, value: &SealedValue) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO credential_values \
                       (version_uid, field, kind, key_id, value, fingerprint_key_id, fingerprint) \
                       VALUES ($1, $2, 'sealed', $3, $4, $5, $6) ON CONFLICT (version_uid, field) DO UPDATE SET \
                       kind = 'sealed', key_id = $3, value = $4, fingerprint_key_id = $5, fingerprint = $6";
    execute!(
        tx,
        SQL,
        value.version.to_string(),
        value.field.as_str(),
        &value.key_id,
        &value.text,
        &value.fingerprint.key_id,
        &value.fingerprint.value
    )
    .map(|_| ())
}

/// The values of one version.
///
/// # Errors
/// [`StoreError`].
pub async fn list_of_version(session: &mut Session, version: Uid) -> Result<Vec<SealedValue>, StoreError> {
    const SQL: &str = "SELECT version_uid, field, key_id, value, fingerprint_key_id, fingerprint \
                       FROM credential_values WHERE version_uid = $1 AND kind = 'sealed' ORDER BY field";
    let rows = fetch_all!(session, Row, SQL, version.to_string())?;
    rows.into_iter().map(SealedValue::try_from).collect()
}

/// The values of all versions of a credential.
///
/// # Errors
/// [`StoreError`].
pub async fn list_of_credential(
    session: &mut Session,
    credential: Uid,
) -> Result<Vec<SealedValue>, StoreError> {
    const SQL: &str = "SELECT x.version_uid, x.field, x.key_id, x.value, x.fingerprint_key_id, x.fingerprint \
                       FROM credential_values x JOIN credential_versions v ON v.uid = x.version_uid \
                       WHERE v.credential_uid = $1 AND x.kind = 'sealed' ORDER BY v.number, x.field";
    let rows = fetch_all!(session, Row, SQL, credential.to_string())?;
    rows.into_iter().map(SealedValue::try_from).collect()
}

/// The fingerprints of the values that a version has, or had before they were erased, by field.
///
/// # Errors
/// [`StoreError`].
pub async fn fingerprints(
    session: &mut Session,
    version: Uid,
) -> Result<Vec<(Field, SecretFingerprint)>, StoreError> {
    const SQL: &str = "SELECT version_uid, field, key_id, value, fingerprint_key_id, fingerprint \
                       FROM credential_values WHERE version_uid = $1 ORDER BY field";
    let rows = fetch_all!(session, Row, SQL, version.to_string())?;
    let read = |row| SealedValue::try_from(row).map(|value| (value.field, value.fingerprint));
    rows.into_iter().map(read).collect()
}

/// The fingerprints of the values of all versions behind an identity, up to another one and with it.
///
/// # Errors
/// [`StoreError`].
pub async fn fingerprints_between(
    session: &mut Session,
    after: &str,
    last: Uid,
) -> Result<Vec<(Uid, Field, SecretFingerprint)>, StoreError> {
    const SQL: &str = "SELECT version_uid, field, key_id, value, fingerprint_key_id, fingerprint \
                       FROM credential_values WHERE version_uid > $1 AND version_uid <= $2 ORDER BY version_uid, field";
    let rows = fetch_all!(session, Row, SQL, after, last.to_string())?;
    let read = |row| SealedValue::try_from(row).map(|value| (value.version, value.field, value.fingerprint));
    rows.into_iter().map(read).collect()
}

/// Where a secret is stored.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Holder {
    /// The credential's uid.
    pub credential_uid: String,
    /// The credential's name.
    pub name: String,
    /// True if the credential was deleted.
    pub is_deleted: bool,
    /// True if it is handed out.
    pub is_active: bool,
    /// True if nobody is served from it.
    pub is_frozen: bool,
    /// True if the version is the one in use.
    pub is_current: bool,
    /// The number of the version.
    pub version_number: i64,
}

impl Holder {
    /// Tells whether the key may be used through this credential, as far as its state says.
    #[must_use]
    pub const fn is_served(&self) -> bool {
        !self.is_deleted && self.is_active && !self.is_frozen && self.is_current
    }
}

/// The credentials that hold a secret with this fingerprint, deleted ones and old versions too.
///
/// # Errors
/// [`StoreError`].
pub async fn holders(
    session: &mut Session,
    fingerprint: &SecretFingerprint,
) -> Result<Vec<Holder>, StoreError> {
    const SQL: &str = "SELECT c.uid AS credential_uid, c.name, (c.deleted_at_ms IS NOT NULL) AS is_deleted, \
                       c.is_active, (c.frozen_at_ms IS NOT NULL) AS is_frozen, (c.version_uid = v.uid) AS is_current, \
                       v.number AS version_number \
                       FROM credential_values x JOIN credential_versions v ON v.uid = x.version_uid \
                       JOIN api_credentials c ON c.uid = v.credential_uid \
                       WHERE x.fingerprint = $1 AND x.fingerprint_key_id = $2 ORDER BY c.id, v.number";
    fetch_all!(session, Holder, SQL, &fingerprint.value, &fingerprint.key_id)
}

/// A version that is in use, or may come into use again, and holds the key of another one.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SameKey {
    /// The version whose key it is too.
    pub of_version: String,
    /// The credential that holds it as well.
    pub name: String,
    /// True if that was deleted, and can be taken back.
    pub is_deleted: bool,
    /// The number of the version there.
    pub number: i64,
}

/// Versions that serve, wait to or may do so again, here and in other credentials, with the key of one of this credential's
/// versions.
///
/// # Errors
/// [`StoreError`].
pub async fn same_keys(session: &mut Session, credential: Uid) -> Result<Vec<SameKey>, StoreError> {
    const SQL: &str = "SELECT x.version_uid AS of_version, c.name, (c.deleted_at_ms IS NOT NULL) AS is_deleted, v.number \
                       FROM credential_versions own \
                       JOIN credential_values x ON x.version_uid = own.uid AND x.field = 'api_key' \
                       JOIN credential_values y ON y.fingerprint = x.fingerprint \
                       AND y.fingerprint_key_id = x.fingerprint_key_id AND y.version_uid <> x.version_uid \
                       JOIN credential_versions v ON v.uid = y.version_uid \
                       JOIN api_credentials c ON c.uid = v.credential_uid \
                       WHERE own.credential_uid = $1 AND v.retired_at_ms IS NULL AND v.erased_at_ms IS NULL \
                       ORDER BY own.number, c.id, v.number";
    fetch_all!(session, SameKey, SQL, credential.to_string())
}
