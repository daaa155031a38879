//! Where conditions stand: phase, since when, and episode.

use strongroom_model::Millis;
use strongroom_model::alert::{Condition, Phase, Rule};

use super::incident::Subject;
use crate::REGION;
use crate::dispatch::{execute, fetch_all};
use crate::error::StoreError;
use crate::session::{Session, Write};

/// The conditions of a rule, by subject and line.
///
/// # Errors
/// [`StoreError`].
pub async fn list(session: &mut Session, rule: Rule) -> Result<Vec<((Subject, i64), Condition)>, StoreError> {
    const SQL: &str = "SELECT subject_kind, subject_id, mark, phase, since_ms, episode FROM alert_states \
                       WHERE region = $1 AND rule = $2 ORDER BY subject_kind, subject_id, mark";
    let rows = fetch_all!(session, (String, String, i64, String, i64, i64), SQL, REGION, rule.as_str())?;
    let read = |(kind, id, mark, phase, since, episode): (String, String, i64, String, i64, i64)| {
        let corrupt = || StoreError::Corrupt { table: "alert_states", column: "phase", row: id.clone() };
        let phase = Phase::from_name(&phase).ok_or_else(corrupt)?;
        Ok(((Subject { kind, id }, mark), Condition { phase, since: Millis(since), episode }))
    };
    rows.into_iter().map(read).collect()
}

/// Writes where a condition stands, unless another server has written a later episode.
///
/// # Errors
/// [`StoreError`].
pub async fn put(
    tx: &mut Write,
    rule: Rule,
    subject: &Subject,
    mark: i64,
    condition: Condition,
) -> Result<bool, StoreError> {
    const SQL: &str = "INSERT INTO alert_states (region, rule, subject_kind, subject_id, mark, phase, since_ms, episode) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
                       ON CONFLICT (region, rule, subject_kind, subject_id, mark) DO UPDATE SET phase = $6, since_ms = $7, \
                       episode = $8 WHERE alert_states.episode <= $8";
    let Condition { phase, since, episode } = condition;
    let (kind, id) = (&subject.kind, &subject.id);
    Ok(execute!(tx, SQL, REGION, rule.as_str(), kind, id, mark, phase.as_str(), since.0, episode)? == 1)
}

/// Lets a line of a rule fire once more: moves its episode.
///
/// # Errors
/// [`StoreError`].
pub async fn rearm(
    tx: &mut Write,
    rule: Rule,
    subject: &Subject,
    mark: i64,
    at: Millis,
) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO alert_states (region, rule, subject_kind, subject_id, mark, phase, since_ms, episode) \
                       VALUES ($1, $2, $3, $4, $5, 'quiet', $6, 1) \
                       ON CONFLICT (region, rule, subject_kind, subject_id, mark) DO UPDATE SET phase = 'quiet', since_ms = $6, \
                       episode = alert_states.episode + 1";
    execute!(tx, SQL, REGION, rule.as_str(), &subject.kind, &subject.id, mark, at.0).map(|_| ())
}
