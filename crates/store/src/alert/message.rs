//! Messages: notices of one channel that go out together, claimed for an attempt and fenced by it.
//!
//! What belongs to a message is decided once, before it is tried for the first time: a message that is tried again says the same under
//! the same identity, so that a receiver that has had it can tell.

use strongroom_model::{Millis, Uid};

use super::delivery::LOG;
use crate::REGION;
use crate::dispatch::{execute, fetch_all, fetch_optional};
use crate::error::StoreError;
use crate::session::{Backend, Session, Write};

/// Notices of a channel that wait and are of one kind.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Waiting {
    /// The channel.
    pub channel_uid: String,
    /// The rule of their incidents.
    pub rule: String,
    /// The level.
    pub level: String,
    /// What they say.
    pub notice: String,
    /// How many there are.
    pub count: i64,
}

/// Notices that are due and of no message yet, counted by what may go out together. Nobody is told that something is over before they were
/// told of it.
///
/// # Errors
/// [`StoreError`].
pub async fn list_waiting(session: &mut Session, now: Millis) -> Result<Vec<Waiting>, StoreError> {
    const SQL: &str = "SELECT channel_uid, rule, level, notice, CAST(COUNT(*) AS BIGINT) AS count FROM alert_deliveries \
                       d WHERE delivered_at_ms IS NULL AND dead_at_ms IS NULL AND message_uid IS NULL AND not_before_ms <= $1 \
                       AND region = $2 AND NOT (notice = 'resolved' AND EXISTS (SELECT 1 FROM alert_deliveries f \
                       WHERE f.incident_uid = d.incident_uid AND f.channel_uid = d.channel_uid AND f.notice = 'firing' \
                       AND f.delivered_at_ms IS NULL AND f.dead_at_ms IS NULL)) \
                       GROUP BY channel_uid, rule, level, notice ORDER BY channel_uid, rule, level, notice";
    fetch_all!(session, Waiting, SQL, now.0, REGION)
}

/// Makes one message of what waits for a channel, is due, and is of this rule, level and notice; of everything that is due where they are
/// `None`. Tells how many notices it has.
///
/// # Errors
/// [`StoreError`].
pub async fn make(
    tx: &mut Write,
    message: Uid,
    channel: &str,
    of: Option<(&str, &str, &str)>,
    now: Millis,
    not_before: Millis,
    limit: i64,
) -> Result<u64, StoreError> {
    const SQL: &str = "UPDATE alert_deliveries SET message_uid = $1, not_before_ms = $2 WHERE uid IN \
                       (SELECT uid FROM alert_deliveries d WHERE channel_uid = $3 AND message_uid IS NULL \
                       AND delivered_at_ms IS NULL AND dead_at_ms IS NULL AND not_before_ms <= $4 AND region = $5 \
                       AND ($6 = '' OR (rule = $6 AND level = $7 AND notice = $8)) \
                       AND NOT (notice = 'resolved' AND EXISTS (SELECT 1 FROM alert_deliveries f \
                       WHERE f.incident_uid = d.incident_uid AND f.channel_uid = d.channel_uid AND f.notice = 'firing' \
                       AND f.delivered_at_ms IS NULL AND f.dead_at_ms IS NULL)) \
                       ORDER BY made_at_ms, uid LIMIT $9) AND message_uid IS NULL";
    let (rule, level, notice) = of.unwrap_or_default();
    execute!(tx, SQL, message.to_string(), not_before.0, channel, now.0, REGION, rule, level, notice, limit)
}

/// How many messages went or go to a channel between two instants, and the latest instant at which one does. What is tried again later, or
/// was written under a clock that was ahead, holds no other message up.
///
/// # Errors
/// [`StoreError`].
pub async fn pace(
    session: &mut Session,
    channel: &str,
    (since, until): (Millis, Millis),
) -> Result<(i64, Option<Millis>), StoreError> {
    const COUNT: &str = "SELECT CAST(COUNT(DISTINCT message_uid) AS BIGINT), MAX(not_before_ms) FROM alert_deliveries \
                         WHERE channel_uid = $1 AND message_uid IS NOT NULL AND not_before_ms >= $2 AND not_before_ms <= $3";
    let row = fetch_optional!(session, (i64, Option<i64>), COUNT, channel, since.0, until.0)?;
    Ok(row.map_or((0, None), |(count, last)| (count, last.map(Millis))))
}

/// A message that is claimed for an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// Its identity.
    pub message: Uid,
    /// The channel.
    pub channel: String,
    /// How often it was tried, with this time.
    pub attempts: i64,
    /// How many notices it has.
    pub count: i64,
}

/// Messages that are due, the one that waits longest first.
///
/// # Errors
/// [`StoreError`].
pub async fn list_due(session: &mut Session, now: Millis, limit: i64) -> Result<Vec<Uid>, StoreError> {
    const SQL: &str = "SELECT message_uid, MIN(not_before_ms) AS due FROM alert_deliveries WHERE delivered_at_ms IS NULL \
                       AND dead_at_ms IS NULL AND message_uid IS NOT NULL AND not_before_ms <= $1 \
                       AND COALESCE(claimed_until_ms, 0) <= $1 AND region = $2 GROUP BY message_uid ORDER BY due, message_uid \
                       LIMIT $3";
    let rows = fetch_all!(session, (String, i64), SQL, now.0, REGION, limit)?;
    let read = |(uid, _): (String, i64)| {
        let corrupt =
            |_| StoreError::Corrupt { table: "alert_deliveries", column: "message_uid", row: uid.clone() };
        uid.parse().map_err(corrupt)
    };
    rows.into_iter().map(read).collect()
}

/// Claims a message for an attempt; `None` when another server has it, or it was taken meanwhile.
///
/// # Errors
/// [`StoreError`].
pub async fn claim(
    tx: &mut Write,
    message: Uid,
    attempt: Uid,
    now: Millis,
    until: Millis,
) -> Result<Option<Claimed>, StoreError> {
    // One row stands for all of them: two servers that lock them row by row would wait for each other.
    const LOCK: &str = "SELECT uid FROM alert_deliveries WHERE uid = (SELECT MIN(uid) FROM alert_deliveries \
                        WHERE message_uid = $1) FOR UPDATE";
    const CLAIM: &str = "UPDATE alert_deliveries SET claimed_by = $2, claimed_until_ms = $3, attempts = attempts + 1 \
                         WHERE message_uid = $1 AND delivered_at_ms IS NULL AND dead_at_ms IS NULL AND not_before_ms <= $4 \
                         AND COALESCE(claimed_until_ms, 0) <= $4 RETURNING channel_uid, attempts";
    let uid = message.to_string();
    if tx.backend() == Backend::Postgres {
        fetch_optional!(tx, (String,), LOCK, &uid)?;
    }
    let rows = fetch_all!(tx, (String, i64), CLAIM, &uid, attempt.to_string(), until.0, now.0)?;
    let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    Ok(rows.into_iter().next().map(|(channel, attempts)| Claimed { message, channel, attempts, count }))
}

/// The notices of a message, the most urgent and oldest incidents first: so many at the most.
///
/// # Errors
/// [`StoreError`].
pub async fn parts(
    session: &mut Session,
    message: Uid,
    limit: i64,
) -> Result<Vec<(Uid, String)>, StoreError> {
    const SQL: &str = "SELECT d.incident_uid, d.notice FROM alert_deliveries d JOIN alert_incidents i ON i.uid = d.incident_uid \
                       WHERE d.message_uid = $1 ORDER BY CASE d.level WHEN 'critical' THEN 0 WHEN 'high' THEN 1 \
                       WHEN 'warn' THEN 2 ELSE 3 END, i.fired_at_ms, i.mark DESC, i.uid LIMIT $2";
    let rows = fetch_all!(session, (String, String), SQL, message.to_string(), limit)?;
    let read = |(uid, notice): (String, String)| {
        let corrupt =
            |_| StoreError::Corrupt { table: "alert_deliveries", column: "incident_uid", row: uid.clone() };
        Ok((uid.parse().map_err(corrupt)?, notice))
    };
    rows.into_iter().map(read).collect()
}

/// Outcome of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// The channel took it.
    Delivered,
    /// It is tried again.
    Failed {
        /// When.
        again_at: Millis,
        /// Why it was not taken.
        error: &'a str,
    },
    /// It is given up.
    Dead {
        /// Why it was not taken.
        error: &'a str,
    },
}

/// Writes what became of an attempt, if the message is still claimed for it. Tells whether it is.
///
/// # Errors
/// [`StoreError`].
pub async fn finish(
    tx: &mut Write,
    message: Uid,
    attempt: Uid,
    outcome: Outcome<'_>,
    at: Millis,
) -> Result<bool, StoreError> {
    const DELIVERED: &str = "UPDATE alert_deliveries SET delivered_at_ms = $3, claimed_by = NULL, claimed_until_ms = NULL, \
                             last_error = NULL WHERE message_uid = $1 AND claimed_by = $2";
    const FAILED: &str = "UPDATE alert_deliveries SET not_before_ms = $3, last_error = $4, claimed_by = NULL, \
                          claimed_until_ms = NULL WHERE message_uid = $1 AND claimed_by = $2";
    const DEAD: &str = "UPDATE alert_deliveries SET dead_at_ms = $3, last_error = $4, claimed_by = NULL, \
                        claimed_until_ms = NULL WHERE message_uid = $1 AND claimed_by = $2";
    let (message, attempt) = (message.to_string(), attempt.to_string());
    let done = match outcome {
        Outcome::Delivered => execute!(tx, DELIVERED, message, attempt, at.0),
        Outcome::Failed { again_at, error } => execute!(tx, FAILED, message, attempt, again_at.0, error),
        Outcome::Dead { error } => execute!(tx, DEAD, message, attempt, at.0, error),
    };
    Ok(done? > 0)
}

/// Tells whether anything waits to be told or sent: what a server asks before it does more.
///
/// # Errors
/// [`StoreError`].
pub async fn is_anything_due(session: &mut Session, now: Millis) -> Result<bool, StoreError> {
    const SQL: &str = "SELECT uid FROM alert_deliveries WHERE delivered_at_ms IS NULL AND dead_at_ms IS NULL \
                       AND not_before_ms <= $1 AND COALESCE(claimed_until_ms, 0) <= $1 AND region = $2 LIMIT 1";
    Ok(fetch_optional!(session, (String,), SQL, now.0, REGION)?.is_some())
}

/// The channels that were told of an incident: those that the message went to, or goes to.
///
/// # Errors
/// [`StoreError`].
pub async fn channels_told(session: &mut Session, incident: Uid) -> Result<Vec<String>, StoreError> {
    const SQL: &str = "SELECT channel_uid FROM alert_deliveries WHERE incident_uid = $1 AND channel_uid <> $2 \
                       AND notice LIKE 'firing%' AND dead_at_ms IS NULL ORDER BY channel_uid";
    let rows = fetch_all!(session, (String,), SQL, incident.to_string(), LOG)?;
    Ok(rows.into_iter().map(|(channel,)| channel).collect())
}
