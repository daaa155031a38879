//! Notices of incidents to channels: made by the fan-out, each once.

use strongroom_model::alert::{Level, Notice, Rule};
use strongroom_model::{Millis, Uid};

use crate::REGION;
use crate::dispatch::{execute, fetch_all, fetch_optional};
use crate::error::StoreError;
use crate::session::{Session, Write};

/// A notice that is to go to a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDelivery<'a> {
    /// Its identity.
    pub uid: Uid,
    /// The incident.
    pub incident: Uid,
    /// The channel; [`LOG`] for the server's log.
    pub channel: &'a str,
    /// What it says: [`Notice`], with the number of a reminder.
    pub notice: &'a str,
    /// The rule of the incident.
    pub rule: Rule,
    /// Its level.
    pub level: Level,
    /// When it is made.
    pub at: Millis,
    /// When it may go out.
    pub not_before: Millis,
}

/// The channel that is always there.
pub const LOG: &str = "log";

/// The name of a notice in the database: reminders have numbers, so that each of them is a row of its own.
#[must_use]
pub fn notice_name(notice: Notice, number: i64) -> String {
    if number == 0 { notice.as_str().to_owned() } else { format!("{}:{number}", notice.as_str()) }
}

/// The notice of a name.
#[must_use]
pub fn notice_of(name: &str) -> Option<Notice> {
    Notice::from_name(name.split(':').next().unwrap_or_default())
}

/// Makes a notice, unless it is there. Tells whether it was new.
///
/// # Errors
/// [`StoreError`].
pub async fn insert(tx: &mut Write, new: &NewDelivery<'_>) -> Result<bool, StoreError> {
    const SQL: &str = "INSERT INTO alert_deliveries (uid, region, incident_uid, channel_uid, notice, rule, level, made_at_ms, \
                       not_before_ms, attempts) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0) \
                       ON CONFLICT (incident_uid, channel_uid, notice) DO NOTHING";
    let done = execute!(
        tx,
        SQL,
        new.uid.to_string(),
        REGION,
        new.incident.to_string(),
        new.channel,
        new.notice,
        new.rule.as_str(),
        new.level.as_str(),
        new.at.0,
        new.not_before.0
    )?;
    Ok(done == 1)
}

/// A notice as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Delivery {
    /// Its identity.
    pub uid: String,
    /// The incident.
    pub incident_uid: String,
    /// The channel.
    pub channel_uid: String,
    /// What it says.
    pub notice: String,
    /// The rule of the incident.
    pub rule: String,
    /// Its level.
    pub level: String,
    /// When it was made.
    pub made_at_ms: i64,
    /// When it goes out, or is tried again.
    pub not_before_ms: i64,
    /// The message that it is a part of.
    pub message_uid: Option<String>,
    /// How often it was tried.
    pub attempts: i64,
    /// When the channel took it.
    pub delivered_at_ms: Option<i64>,
    /// When it was given up.
    pub dead_at_ms: Option<i64>,
    /// Why it was not taken.
    pub last_error: Option<String>,
}

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT uid, incident_uid, channel_uid, notice, rule, level, made_at_ms, not_before_ms, message_uid, attempts, ",
            "delivered_at_ms, dead_at_ms, last_error FROM alert_deliveries ",
            $tail
        )
    };
}

/// Notices, the newest first.
///
/// # Errors
/// [`StoreError`].
pub async fn list(session: &mut Session, dead_only: bool, limit: i64) -> Result<Vec<Delivery>, StoreError> {
    const SQL: &str =
        select!("WHERE ($1 = 0 OR dead_at_ms IS NOT NULL) ORDER BY made_at_ms DESC, uid LIMIT $2");
    fetch_all!(session, Delivery, SQL, i64::from(dead_only), limit)
}

/// How telling a channel goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChannelStanding {
    /// When it took a message the last time.
    pub delivered_at: Option<Millis>,
    /// Notices that wait.
    pub waiting: i64,
    /// Notices that were given up.
    pub dead: i64,
    /// Why one was not taken the last time.
    pub last_error: Option<String>,
}

/// How telling a channel went since an instant.
///
/// # Errors
/// [`StoreError`].
pub async fn standing(
    session: &mut Session,
    channel: Uid,
    since: Millis,
) -> Result<ChannelStanding, StoreError> {
    const COUNTS: &str = "SELECT MAX(delivered_at_ms), CAST(COUNT(*) AS BIGINT), CAST(COUNT(delivered_at_ms) AS BIGINT), \
                          CAST(COUNT(dead_at_ms) AS BIGINT) FROM alert_deliveries WHERE channel_uid = $1 AND not_before_ms >= $2";
    const ERROR: &str = "SELECT last_error FROM alert_deliveries WHERE channel_uid = $1 AND not_before_ms >= $2 \
                         AND last_error IS NOT NULL ORDER BY not_before_ms DESC, uid LIMIT 1";
    let channel = channel.to_string();
    let counts = fetch_optional!(session, (Option<i64>, i64, i64, i64), COUNTS, &channel, since.0)?;
    let (delivered_at, all, delivered, dead) = counts.unwrap_or_default();
    let error = fetch_optional!(session, (String,), ERROR, &channel, since.0)?;
    Ok(ChannelStanding {
        delivered_at: delivered_at.map(Millis),
        waiting: all - delivered - dead,
        dead,
        last_error: error.map(|(error,)| error),
    })
}

/// The notice with this identity.
///
/// # Errors
/// [`StoreError`].
pub async fn get(session: &mut Session, uid: Uid) -> Result<Option<Delivery>, StoreError> {
    fetch_optional!(session, Delivery, select!("WHERE uid = $1"), uid.to_string())
}

/// Notices of an incident, in the order in which they were made.
///
/// # Errors
/// [`StoreError`].
pub async fn list_of_incident(session: &mut Session, incident: Uid) -> Result<Vec<Delivery>, StoreError> {
    const SQL: &str = select!("WHERE incident_uid = $1 ORDER BY made_at_ms, channel_uid, notice");
    fetch_all!(session, Delivery, SQL, incident.to_string())
}

/// Has a message that was given up be tried again. Tells whether it had been.
///
/// # Errors
/// [`StoreError`].
pub async fn retry(tx: &mut Write, uid: Uid, at: Millis) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE alert_deliveries SET dead_at_ms = NULL, attempts = 0, not_before_ms = $2, claimed_by = NULL, \
                       claimed_until_ms = NULL WHERE dead_at_ms IS NOT NULL AND (uid = $1 OR message_uid = \
                       (SELECT d.message_uid FROM alert_deliveries d WHERE d.uid = $1))";
    Ok(execute!(tx, SQL, uid.to_string(), at.0)? > 0)
}

/// What is not taken by a channel, which is gone or was turned off.
///
/// # Errors
/// [`StoreError`].
pub async fn give_up(tx: &mut Write, channel: &str, reason: &str, at: Millis) -> Result<u64, StoreError> {
    const SQL: &str = "UPDATE alert_deliveries SET dead_at_ms = $2, last_error = $3, claimed_by = NULL \
                       WHERE channel_uid = $1 AND delivered_at_ms IS NULL AND dead_at_ms IS NULL";
    execute!(tx, SQL, channel, at.0, reason)
}

/// Has nothing sent of what was to be told when a backup was made: people were told by the database that it was made of.
///
/// # Errors
/// [`StoreError`].
pub async fn close_restored(tx: &mut Write, at: Millis) -> Result<(), StoreError> {
    const DELIVERIES: &str = "UPDATE alert_deliveries SET dead_at_ms = $1, last_error = 'the database was restored from a backup', \
                              claimed_by = NULL WHERE delivered_at_ms IS NULL AND dead_at_ms IS NULL";
    const UNTOLD: &str = "UPDATE alert_incidents SET fanned_out_at_ms = $1 WHERE fanned_out_at_ms IS NULL";
    const OVER: &str = "UPDATE alert_incidents SET resolution_told_at_ms = $1 WHERE resolved_at_ms IS NOT NULL \
                        AND resolution_told_at_ms IS NULL";
    for sql in [DELIVERIES, UNTOLD, OVER] {
        execute!(tx, sql, at.0)?;
    }
    Ok(())
}
