//! Channels: whom incidents are told, with their sealed addresses and secrets.

use strongroom_model::authority_mac::AuthorityMac;
use strongroom_model::{Millis, Uid};

use crate::dispatch::{execute, fetch_all, fetch_optional};
use crate::error::StoreError;
use crate::session::{Session, Write};

/// A channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Its identity.
    pub uid: Uid,
    /// Its name.
    pub name: String,
    /// `webhook`, `slack`, …
    pub kind: String,
    /// When it was turned off.
    pub disabled_at: Option<Millis>,
    /// Why.
    pub disabled_reason: Option<String>,
    /// As much of its address as may be shown.
    pub shown: String,
    /// Settings that are no secrets, as JSON.
    pub settings: String,
    /// The MAC over what is to be sent where.
    pub mac: AuthorityMac,
    /// Messages in a row that were given up.
    pub dead_in_a_row: i64,
    /// When it was made.
    pub created_at: Millis,
    /// When it last changed.
    pub updated_at: Millis,
}

#[derive(Debug, sqlx::FromRow)]
struct Row {
    uid: String,
    name: String,
    kind: String,
    disabled_at_ms: Option<i64>,
    disabled_reason: Option<String>,
    shown: String,
    settings: String,
    mac_key_id: String,
    mac: String,
    dead_in_a_row: i64,
    created_at_ms: i64,
    updated_at_ms: i64,
}

impl TryFrom<Row> for Channel {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let corrupt =
            |_| StoreError::Corrupt { table: "alert_channels", column: "uid", row: row.uid.clone() };
        Ok(Self {
            uid: row.uid.parse().map_err(corrupt)?,
            name: row.name,
            kind: row.kind,
            disabled_at: row.disabled_at_ms.map(Millis),
            disabled_reason: row.disabled_reason,
            shown: row.shown,
            settings: row.settings,
            mac: AuthorityMac { key_id: row.mac_key_id, mac: row.mac },
            dead_in_a_row: row.dead_in_a_row,
            created_at: Millis(row.created_at_ms),
            updated_at: Millis(row.updated_at_ms),
        })
    }
}

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT uid, name, kind, disabled_at_ms, disabled_reason, shown, settings, mac_key_id, mac, dead_in_a_row, ",
            "created_at_ms, updated_at_ms FROM alert_channels ",
            $tail
        )
    };
}

/// All channels, by name.
///
/// # Errors
/// [`StoreError`].
pub async fn list(session: &mut Session) -> Result<Vec<Channel>, StoreError> {
    fetch_all!(session, Row, select!("ORDER BY name"))?.into_iter().map(Channel::try_from).collect()
}

/// The channel with this identity or name.
///
/// # Errors
/// [`StoreError`].
pub async fn get(session: &mut Session, uid_or_name: &str) -> Result<Option<Channel>, StoreError> {
    fetch_optional!(
        session,
        Row,
        select!("WHERE uid = $1 OR name = $1 ORDER BY uid = $1 DESC LIMIT 1"),
        uid_or_name
    )?
    .map(Channel::try_from)
    .transpose()
}

/// Makes a channel.
///
/// # Errors
/// [`StoreError::Taken`] when the name is taken.
pub async fn insert(tx: &mut Write, channel: &Channel) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO alert_channels (uid, name, kind, shown, settings, mac_key_id, mac, dead_in_a_row, \
                       created_at_ms, updated_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9)";
    execute!(
        tx,
        SQL,
        channel.uid.to_string(),
        channel.name.as_str(),
        channel.kind.as_str(),
        channel.shown.as_str(),
        channel.settings.as_str(),
        channel.mac.key_id.as_str(),
        channel.mac.mac.as_str(),
        channel.created_at.0,
        channel.updated_at.0
    )
    .map(|_| ())
}

/// Turns a channel off, with the reason, or on again with `None`. It begins with no failures either way.
///
/// # Errors
/// [`StoreError`].
pub async fn set_disabled(
    tx: &mut Write,
    uid: Uid,
    reason: Option<&str>,
    at: Millis,
) -> Result<bool, StoreError> {
    const OFF: &str = "UPDATE alert_channels SET disabled_at_ms = $2, disabled_reason = $3, dead_in_a_row = 0, \
                       updated_at_ms = $2 WHERE uid = $1 AND disabled_at_ms IS NULL";
    const ON: &str = "UPDATE alert_channels SET disabled_at_ms = NULL, disabled_reason = NULL, dead_in_a_row = 0, \
                      updated_at_ms = $2 WHERE uid = $1 AND disabled_at_ms IS NOT NULL";
    let done = match reason {
        Some(reason) => execute!(tx, OFF, uid.to_string(), at.0, reason)?,
        None => execute!(tx, ON, uid.to_string(), at.0)?,
    };
    Ok(done == 1)
}

/// Notes that a message was given up, or that one was taken. Returns how many were given up in a row.
///
/// # Errors
/// [`StoreError`].
pub async fn note_outcome(tx: &mut Write, uid: &str, is_dead: bool) -> Result<i64, StoreError> {
    const DEAD: &str =
        "UPDATE alert_channels SET dead_in_a_row = dead_in_a_row + 1 WHERE uid = $1 RETURNING dead_in_a_row";
    const TAKEN: &str = "UPDATE alert_channels SET dead_in_a_row = 0 WHERE uid = $1 AND dead_in_a_row <> 0 RETURNING dead_in_a_row";
    let row = fetch_optional!(tx, (i64,), if is_dead { DEAD } else { TAKEN }, uid)?;
    Ok(row.map_or(0, |(count,)| count))
}

/// Removes a channel with its values. Tells whether it was there.
///
/// # Errors
/// [`StoreError`].
pub async fn remove(tx: &mut Write, uid: Uid) -> Result<bool, StoreError> {
    execute!(tx, "DELETE FROM alert_channel_values WHERE channel_uid = $1", uid.to_string())?;
    Ok(execute!(tx, "DELETE FROM alert_channels WHERE uid = $1", uid.to_string())? == 1)
}

/// A sealed value of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelValue {
    /// The channel.
    pub channel: Uid,
    /// `address`, `secret` or `previous_secret`.
    pub field: String,
    /// The data key.
    pub key_id: String,
    /// `iv:authTag:ciphertext`.
    pub text: String,
    /// Until when it is used.
    pub until: Option<Millis>,
}

/// The sealed values of a channel.
///
/// # Errors
/// [`StoreError`].
pub async fn values(session: &mut Session, channel: Uid) -> Result<Vec<ChannelValue>, StoreError> {
    const SQL: &str = "SELECT field, key_id, value, until_ms FROM alert_channel_values WHERE channel_uid = $1 ORDER BY field";
    let rows = fetch_all!(session, (String, String, String, Option<i64>), SQL, channel.to_string())?;
    let value = |(field, key_id, text, until): (String, String, String, Option<i64>)| ChannelValue {
        channel,
        field,
        key_id,
        text,
        until: until.map(Millis),
    };
    Ok(rows.into_iter().map(value).collect())
}

/// Puts a sealed value in the place of the one that is there.
///
/// # Errors
/// [`StoreError`].
pub async fn put_value(tx: &mut Write, value: &ChannelValue) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO alert_channel_values (channel_uid, field, key_id, value, until_ms) \
                       VALUES ($1, $2, $3, $4, $5) ON CONFLICT (channel_uid, field) DO UPDATE SET key_id = $3, value = $4, \
                       until_ms = $5";
    let ChannelValue { channel, field, key_id, text, until } = value;
    execute!(
        tx,
        SQL,
        channel.to_string(),
        field.as_str(),
        key_id.as_str(),
        text.as_str(),
        until.map(|at| at.0)
    )
    .map(|_| ())
}
