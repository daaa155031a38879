//! Every column that names an encryption key, and the sealed texts among them, which a rotation reseals.

use strongroom_model::credential::Field;
use strongroom_model::{Provider, Uid};

use crate::dispatch::{execute, fetch_all, fetch_optional};
use crate::error::StoreError;
use crate::session::{Session, Write};

/// Use of the key that a column names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// It sealed a text: a rotation of the data key has to reseal it.
    Sealed,
    /// It hashed, linked, signed or fingerprinted something: the key stays as it is.
    Hashed,
    /// The row is about the key itself.
    About,
}

/// A column that names an encryption key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyColumn {
    /// The table.
    pub table: &'static str,
    /// The column with the key's uid.
    pub column: &'static str,
    /// The columns that hold what the key made.
    pub made: &'static str,
    /// The use of the key.
    pub work: Work,
}

const fn column(table: &'static str, column: &'static str, made: &'static str, work: Work) -> KeyColumn {
    KeyColumn { table, column, made, work }
}

/// All of them. A table with a sealed text that is not in here would be lost with its old key; a test compares this with
/// the schema. A new row with [`Work::Sealed`] needs its place in every function below.
pub const KEY_COLUMNS: &[KeyColumn] = &[
    column("credential_values", "key_id", "value", Work::Sealed),
    column("credential_values", "fingerprint_key_id", "fingerprint", Work::Hashed),
    column("api_credentials", "mac_key_id", "mac", Work::Hashed),
    column("credential_versions", "mac_key_id", "mac", Work::Hashed),
    column("tokens", "hash_key_id", "hash", Work::Hashed),
    column("tokens", "mac_key_id", "mac", Work::Hashed),
    column("users", "mac_key_id", "mac", Work::Hashed),
    column("sessions", "mac_key_id", "mac", Work::Hashed),
    column("login_codes", "mac_key_id", "mac", Work::Hashed),
    column("audit_logs", "key_id", "link", Work::Hashed),
    column("audit_heads", "key_id", "mac", Work::Hashed),
    column("alert_channel_values", "key_id", "value", Work::Sealed),
    column("alert_channels", "mac_key_id", "mac", Work::Hashed),
    column("key_wraps", "key_id", "wrapped", Work::About),
    column("key_rotations", "key_id", "", Work::About),
];

/// A sealed text of a credential, with all that it is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundText {
    /// The credential, deleted ones too.
    pub credential: Uid,
    /// The provider it is bound to.
    pub provider: Provider,
    /// The endpoint it is bound to.
    pub endpoint: Option<String>,
    /// The version.
    pub version: Uid,
    /// The field.
    pub field: Field,
    /// The data key.
    pub key_id: String,
    /// `iv:authTag:ciphertext`.
    pub text: String,
}

/// A sealed value of a channel of alerts, with all that it is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelText {
    /// The channel.
    pub channel: Uid,
    /// Its kind.
    pub kind: String,
    /// The field.
    pub field: String,
    /// The data key.
    pub key_id: String,
    /// `iv:authTag:ciphertext`.
    pub text: String,
}

/// A sealed text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SealedRow {
    /// Of a credential.
    Credential(BoundText),
    /// Of a channel.
    Channel(ChannelText),
}

/// The place of a sealed text in the order in which they are listed.
pub type After = (String, String);

impl BoundText {
    /// Its place in the order in which sealed texts are listed.
    #[must_use]
    pub fn place(&self) -> After {
        (self.version.to_string(), self.field.as_str().to_owned())
    }
}

#[derive(Debug, sqlx::FromRow)]
struct Row {
    credential_uid: String,
    provider: String,
    endpoint: Option<String>,
    version_uid: String,
    field: String,
    key_id: String,
    value: String,
}

/// A row with a sealed text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its place in the order in which sealed texts are listed.
    pub place: After,
    /// The text; `None` when the row holds something that we never write.
    pub text: Option<SealedRow>,
}

impl From<Row> for Found {
    fn from(row: Row) -> Self {
        let place = (row.version_uid, row.field);
        let text = || {
            Some(SealedRow::Credential(BoundText {
                credential: row.credential_uid.parse().ok()?,
                version: place.0.parse().ok()?,
                field: Field::from_name(&place.1)?,
                provider: Provider::stored(row.provider),
                endpoint: row.endpoint,
                key_id: row.key_id,
                text: row.value,
            }))
        };
        Self { text: text(), place }
    }
}

#[derive(Debug, sqlx::FromRow)]
struct ChannelRow {
    channel_uid: String,
    kind: String,
    field: String,
    key_id: String,
    value: String,
}

impl From<ChannelRow> for Found {
    fn from(row: ChannelRow) -> Self {
        let place = (row.channel_uid, row.field);
        let text = place.0.parse().ok().map(|channel| {
            let field = place.1.clone();
            SealedRow::Channel(ChannelText {
                channel,
                kind: row.kind,
                field,
                key_id: row.key_id,
                text: row.value,
            })
        });
        Self { text, place }
    }
}

/// How many sealed texts there are under each key that has some.
///
/// # Errors
/// [`StoreError`].
pub async fn count_by_key(session: &mut Session) -> Result<Vec<(String, i64)>, StoreError> {
    const SQL: &str = "SELECT key_id, CAST(COUNT(*) AS BIGINT) FROM (SELECT COALESCE(key_id, '') AS key_id \
                       FROM credential_values WHERE kind = 'sealed' UNION ALL SELECT key_id FROM alert_channel_values) texts \
                       GROUP BY key_id ORDER BY key_id";
    fetch_all!(session, (String, i64), SQL)
}

/// Tells whether any sealed text is under another key than this one.
///
/// # Errors
/// [`StoreError`].
pub async fn any_under_others(session: &mut Session, key_id: &str) -> Result<bool, StoreError> {
    const SQL: &str = "SELECT version_uid FROM credential_values \
                       WHERE kind = 'sealed' AND (key_id <> $1 OR key_id IS NULL) LIMIT 1";
    const CHANNELS: &str = "SELECT channel_uid FROM alert_channel_values WHERE key_id <> $1 LIMIT 1";
    Ok(fetch_optional!(session, (String,), SQL, key_id)?.is_some()
        || fetch_optional!(session, (String,), CHANNELS, key_id)?.is_some())
}

/// Which sealed texts are read.
#[derive(Debug, Clone, Copy)]
pub enum SealedUnder<'a> {
    /// Those under this key.
    Key(&'a str),
    /// Those under any other one.
    OthersThan(&'a str),
}

/// Up to `limit` sealed texts behind a place, in the order of version and field.
///
/// # Errors
/// [`StoreError`].
pub async fn list(
    session: &mut Session,
    under: SealedUnder<'_>,
    after: &After,
    limit: i64,
) -> Result<Vec<Found>, StoreError> {
    const OTHERS: &str = concat!(
        "SELECT v.credential_uid, c.provider, c.endpoint, x.version_uid, x.field, COALESCE(x.key_id, '') AS key_id, ",
        "x.value FROM credential_values x JOIN credential_versions v ON v.uid = x.version_uid ",
        "JOIN api_credentials c ON c.uid = v.credential_uid ",
        "WHERE x.kind = 'sealed' AND (x.key_id <> $1 OR x.key_id IS NULL) AND (x.version_uid, x.field) > ($2, $3) ",
        "ORDER BY x.version_uid, x.field LIMIT $4"
    );
    const OWN: &str = concat!(
        "SELECT v.credential_uid, c.provider, c.endpoint, x.version_uid, x.field, x.key_id, ",
        "x.value FROM credential_values x JOIN credential_versions v ON v.uid = x.version_uid ",
        "JOIN api_credentials c ON c.uid = v.credential_uid ",
        "WHERE x.kind = 'sealed' AND x.key_id = $1 AND (x.version_uid, x.field) > ($2, $3) ",
        "ORDER BY x.version_uid, x.field LIMIT $4"
    );
    macro_rules! of_channels {
        ($under:literal) => {
            concat!(
                "SELECT x.channel_uid, c.kind, x.field, x.key_id, x.value FROM alert_channel_values x ",
                "JOIN alert_channels c ON c.uid = x.channel_uid WHERE x.key_id ",
                $under,
                " $1 AND (x.channel_uid, x.field) > ($2, $3) ORDER BY x.channel_uid, x.field LIMIT $4"
            )
        };
    }
    let (sql, of_channels, key_id) = match under {
        SealedUnder::Key(key_id) => (OWN, of_channels!("="), key_id),
        SealedUnder::OthersThan(key_id) => (OTHERS, of_channels!("<>"), key_id),
    };
    let rows = fetch_all!(session, Row, sql, key_id, &after.0, &after.1, limit)?;
    let channels = fetch_all!(session, ChannelRow, of_channels, key_id, &after.0, &after.1, limit)?;
    let mut found: Vec<Found> = rows.into_iter().map(Found::from).collect();
    if !channels.is_empty() {
        // Each list has its first ones: the first ones of both are among them.
        found.extend(channels.into_iter().map(Found::from));
        found.sort_by(|one, other| one.place.cmp(&other.place));
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    }
    Ok(found)
}

/// Puts another sealed text with the same content in the place of one, unless that was changed meanwhile. The change
/// counter stays: nothing that servers hold in memory is any different.
///
/// # Errors
/// [`StoreError`].
pub async fn replace(tx: &mut Write, old: &SealedRow, key_id: &str, text: &str) -> Result<bool, StoreError> {
    const CHANNEL: &str = "UPDATE alert_channel_values SET key_id = $3, value = $4 \
                           WHERE channel_uid = $1 AND field = $2 AND value = $5";
    let old = match old {
        SealedRow::Credential(old) => old,
        SealedRow::Channel(old) => {
            let (channel, field) = (old.channel.to_string(), old.field.as_str());
            return Ok(execute!(tx, CHANNEL, channel, field, key_id, text, old.text.as_str())? == 1);
        }
    };
    const SQL: &str = "UPDATE credential_values SET key_id = $3, value = $4 \
                       WHERE version_uid = $1 AND field = $2 AND kind = 'sealed' AND value = $5";
    let (version, field) = old.place();
    Ok(execute!(tx, SQL, version, field, key_id, text, &old.text)? == 1)
}
