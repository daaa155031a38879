//! Silences: what nobody is told of for a while.

use strongroom_model::alert::{Level, Rule, SilenceMatcher};
use strongroom_model::{Millis, Uid};

use crate::dispatch::{execute, fetch_all};
use crate::error::StoreError;
use crate::session::{Session, Write};

/// A silence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    /// Its identity.
    pub uid: Uid,
    /// What it covers.
    pub matcher: SilenceMatcher,
    /// From when.
    pub from: Millis,
    /// Until when.
    pub until: Millis,
    /// Why.
    pub reason: String,
    /// By whom.
    pub made_by: String,
    /// When it was ended before its time.
    pub ended_at: Option<Millis>,
}

#[derive(Debug, sqlx::FromRow)]
struct Row {
    uid: String,
    rule: Option<String>,
    subject_kind: Option<String>,
    subject_id: Option<String>,
    up_to_level: Option<String>,
    from_ms: i64,
    until_ms: i64,
    reason: String,
    made_by: String,
    ended_at_ms: Option<i64>,
}

impl TryFrom<Row> for Silence {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let corrupt = |column| StoreError::Corrupt { table: "alert_silences", column, row: row.uid.clone() };
        let rule = row.rule.as_deref().map(|name| Rule::from_name(name).ok_or_else(|| corrupt("rule")));
        let up_to = row
            .up_to_level
            .as_deref()
            .map(|name| Level::from_name(name).ok_or_else(|| corrupt("up_to_level")));
        Ok(Self {
            uid: row.uid.parse().map_err(|_| corrupt("uid"))?,
            matcher: SilenceMatcher {
                rule: rule.transpose()?,
                up_to: up_to.transpose()?,
                subject: row.subject_kind.zip(row.subject_id),
            },
            from: Millis(row.from_ms),
            until: Millis(row.until_ms),
            reason: row.reason,
            made_by: row.made_by,
            ended_at: row.ended_at_ms.map(Millis),
        })
    }
}

/// Makes a silence.
///
/// # Errors
/// [`StoreError`].
pub async fn insert(tx: &mut Write, silence: &Silence) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO alert_silences (uid, rule, subject_kind, subject_id, up_to_level, from_ms, until_ms, reason, \
                       made_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let SilenceMatcher { rule, subject, up_to } = &silence.matcher;
    execute!(
        tx,
        SQL,
        silence.uid.to_string(),
        rule.map(Rule::as_str),
        subject.as_ref().map(|(kind, _)| kind.as_str()),
        subject.as_ref().map(|(_, id)| id.as_str()),
        up_to.map(Level::as_str),
        silence.from.0,
        silence.until.0,
        silence.reason.as_str(),
        silence.made_by.as_str()
    )
    .map(|_| ())
}

/// Silences that hold at an instant, the one that ends first at the front; with `over` those that are over as well.
///
/// # Errors
/// [`StoreError`].
pub async fn list(session: &mut Session, now: Millis, over: bool) -> Result<Vec<Silence>, StoreError> {
    const SQL: &str = "SELECT uid, rule, subject_kind, subject_id, up_to_level, from_ms, until_ms, reason, made_by, ended_at_ms \
                       FROM alert_silences WHERE $2 = 1 OR (from_ms <= $1 AND until_ms > $1 AND ended_at_ms IS NULL) \
                       ORDER BY until_ms, uid LIMIT 1000";
    fetch_all!(session, Row, SQL, now.0, i64::from(over))?.into_iter().map(Silence::try_from).collect()
}

/// Ends a silence. Tells whether it held.
///
/// # Errors
/// [`StoreError`].
pub async fn end(tx: &mut Write, uid: Uid, at: Millis) -> Result<bool, StoreError> {
    const SQL: &str =
        "UPDATE alert_silences SET ended_at_ms = $2 WHERE uid = $1 AND ended_at_ms IS NULL AND until_ms > $2";
    Ok(execute!(tx, SQL, uid.to_string(), at.0)? == 1)
}
