//! Incidents: each once, whichever server sees it first.
//!
//! The key of one is what was seen (rule, subject, line) and when it may be seen again (window, episode). Whoever inserts the row has it
//! told; for all others there is nothing to insert.

use strongroom_model::alert::{Level, Rule, Standing};
use strongroom_model::limit::{Unit, Window};
use strongroom_model::{Millis, Uid};

use crate::REGION;
use crate::counter::CounterKey;
use crate::dispatch::{execute, fetch_all, fetch_optional};
use crate::error::StoreError;
use crate::session::{Session, Write};

/// The kind of the subject of an incident about a counter, of which the uid is the identity.
pub const COUNTER: &str = "counter";

/// Subject of an incident: its kind and identity.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subject {
    /// `counter`, `credential`, `node`, `channel`, `user` or `token`.
    pub kind: String,
    /// The identity within its kind.
    pub id: String,
}

impl Subject {
    /// A subject.
    pub fn of(kind: &str, id: impl ToString) -> Self {
        Self { kind: kind.to_owned(), id: id.to_string() }
    }
}

/// An incident as it is seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewIncident {
    /// Its identity.
    pub uid: Uid,
    /// The rule.
    pub rule: Rule,
    /// The subject.
    pub subject: Subject,
    /// The rule's line.
    pub mark: i64,
    /// The window it is about; the epoch for what has none.
    pub window_start: Millis,
    /// Its episode; `None` takes the one that `alert_states` has.
    pub episode: Option<i64>,
    /// Its urgency.
    pub level: Level,
    /// The unit of its figures, and the window of the counter.
    pub counted: Option<(Unit, Window)>,
    /// The figure that was seen.
    pub value: i64,
    /// The figure from which on it is seen.
    pub threshold: i64,
    /// When.
    pub at: Millis,
    /// The incident that tells of this one as well.
    pub passed_by: Option<Uid>,
}

/// An incident as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// Its identity.
    pub uid: Uid,
    /// The rule.
    pub rule: Rule,
    /// The subject.
    pub subject: Subject,
    /// The rule's line.
    pub mark: i64,
    /// The window it is about.
    pub window_start: Millis,
    /// Its episode.
    pub episode: i64,
    /// Its urgency.
    pub level: Level,
    /// The unit of its figures, and the window of the counter.
    pub counted: Option<(Unit, Window)>,
    /// The figure that was seen.
    pub value: i64,
    /// The figure from which on it is seen.
    pub threshold: i64,
    /// The largest figure so far.
    pub peak: i64,
    /// When it fired.
    pub fired_at: Millis,
    /// The incident that tells of this one as well.
    pub passed_by: Option<Uid>,
    /// Since when a silence covers it.
    pub masked_at: Option<Millis>,
    /// When channels were last told that it fires.
    pub told_at: Option<Millis>,
    /// How often they were reminded.
    pub reminders: i64,
    /// When and by whom it was acknowledged.
    pub acknowledged: Option<(Millis, String)>,
    /// What was noted.
    pub note: Option<String>,
    /// When it was over.
    pub resolved_at: Option<Millis>,
    /// Why it was over.
    pub cause: Option<String>,
}

impl Incident {
    /// The counter that it is about.
    #[must_use]
    pub fn counter(&self) -> Option<CounterKey> {
        let (unit, window) = self.counted?;
        let subject = self.subject.id.parse().ok()?;
        (self.subject.kind == COUNTER).then_some(CounterKey {
            subject,
            unit,
            window,
            start: self.window_start,
        })
    }
}

#[derive(Debug, sqlx::FromRow)]
struct Row {
    uid: String,
    rule: String,
    subject_kind: String,
    subject_id: String,
    mark: i64,
    window_start_ms: i64,
    episode: i64,
    level: String,
    unit: Option<String>,
    window_kind: Option<String>,
    value: i64,
    threshold: i64,
    peak: i64,
    fired_at_ms: i64,
    passed_by: Option<String>,
    masked_at_ms: Option<i64>,
    told_at_ms: Option<i64>,
    reminders: i64,
    acknowledged_at_ms: Option<i64>,
    acknowledged_by: Option<String>,
    note: Option<String>,
    resolved_at_ms: Option<i64>,
    cause: Option<String>,
}

impl TryFrom<Row> for Incident {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let corrupt = |column| StoreError::Corrupt { table: "alert_incidents", column, row: row.uid.clone() };
        let counted = match (row.unit.as_deref(), row.window_kind.as_deref()) {
            (Some(unit), Some(window)) => Some((
                Unit::from_name(unit).ok_or_else(|| corrupt("unit"))?,
                Window::from_name(window).ok_or_else(|| corrupt("window_kind"))?,
            )),
            _ => None,
        };
        Ok(Self {
            uid: row.uid.parse().map_err(|_| corrupt("uid"))?,
            rule: Rule::from_name(&row.rule).ok_or_else(|| corrupt("rule"))?,
            level: Level::from_name(&row.level).ok_or_else(|| corrupt("level"))?,
            passed_by: row
                .passed_by
                .as_deref()
                .map(str::parse)
                .transpose()
                .map_err(|_| corrupt("passed_by"))?,
            counted,
            subject: Subject { kind: row.subject_kind, id: row.subject_id },
            mark: row.mark,
            window_start: Millis(row.window_start_ms),
            episode: row.episode,
            value: row.value,
            threshold: row.threshold,
            peak: row.peak,
            fired_at: Millis(row.fired_at_ms),
            masked_at: row.masked_at_ms.map(Millis),
            told_at: row.told_at_ms.map(Millis),
            reminders: row.reminders,
            acknowledged: row
                .acknowledged_at_ms
                .map(|at| (Millis(at), row.acknowledged_by.unwrap_or_default())),
            note: row.note,
            resolved_at: row.resolved_at_ms.map(Millis),
            cause: row.cause,
        })
    }
}

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT uid, rule, subject_kind, subject_id, mark, window_start_ms, episode, level, unit, window_kind, value, ",
            "threshold, peak, fired_at_ms, passed_by, masked_at_ms, told_at_ms, reminders, acknowledged_at_ms, ",
            "acknowledged_by, note, resolved_at_ms, cause FROM alert_incidents ",
            $tail
        )
    };
}

fn read(rows: Vec<Row>) -> Result<Vec<Incident>, StoreError> {
    rows.into_iter().map(Incident::try_from).collect()
}

/// Inserts an incident, unless it is there. Tells whether it was new.
///
/// # Errors
/// [`StoreError`].
pub async fn insert(tx: &mut Write, new: &NewIncident) -> Result<bool, StoreError> {
    const SQL: &str = "INSERT INTO alert_incidents (uid, region, rule, subject_kind, subject_id, mark, window_start_ms, \
                       episode, level, unit, window_kind, value, threshold, peak, fired_at_ms, passed_by, reminders) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7, COALESCE(CAST($8 AS BIGINT), (SELECT s.episode FROM alert_states s \
                       WHERE s.region = $2 AND s.rule = $3 AND s.subject_kind = $4 AND s.subject_id = $5 AND s.mark = $6), 0), \
                       $9, $10, $11, $12, $13, $12, $14, $15, 0) \
                       ON CONFLICT (region, rule, subject_kind, subject_id, mark, window_start_ms, episode) DO NOTHING";
    let done = execute!(
        tx,
        SQL,
        new.uid.to_string(),
        REGION,
        new.rule.as_str(),
        new.subject.kind.as_str(),
        new.subject.id.as_str(),
        new.mark,
        new.window_start.0,
        new.episode,
        new.level.as_str(),
        new.counted.map(|(unit, _)| unit.as_str()),
        new.counted.map(|(_, window)| window.as_str()),
        new.value,
        new.threshold,
        new.at.0,
        new.passed_by.map(|uid| uid.to_string())
    )?;
    Ok(done == 1)
}

/// The incident with this identity.
///
/// # Errors
/// [`StoreError`].
pub async fn get(session: &mut Session, uid: Uid) -> Result<Option<Incident>, StoreError> {
    fetch_optional!(session, Row, select!("WHERE uid = $1"), uid.to_string())?
        .map(Incident::try_from)
        .transpose()
}

/// Which incidents are listed.
#[derive(Debug, Clone, Copy, Default)]
pub struct IncidentFilter<'a> {
    /// Those that are not over.
    pub firing_only: bool,
    /// Of this rule.
    pub rule: Option<Rule>,
    /// About the subject of this identity.
    pub subject: Option<&'a str>,
    /// Fired at this instant or later.
    pub from: Option<Millis>,
    /// Fired before this instant.
    pub to: Option<Millis>,
    /// Standing like this.
    pub standing: Option<Standing>,
    /// Behind this one in the list.
    pub behind: Option<Uid>,
}

/// How an incident stands, as SQL.
macro_rules! standing {
    () => {
        "CASE WHEN resolved_at_ms IS NOT NULL THEN 'resolved' WHEN acknowledged_at_ms IS NOT NULL THEN 'acknowledged' \
         WHEN masked_at_ms IS NOT NULL THEN 'silenced' ELSE 'firing' END"
    };
}

/// Incidents, the newest first.
///
/// # Errors
/// [`StoreError`].
pub async fn list(
    session: &mut Session,
    filter: &IncidentFilter<'_>,
    limit: i64,
) -> Result<Vec<Incident>, StoreError> {
    const SQL: &str = concat!(
        select!(
            "WHERE ($1 = 0 OR resolved_at_ms IS NULL) AND ($2 = '' OR rule = $2) AND ($3 = '' OR subject_id = $3) \
             AND fired_at_ms >= $4 AND fired_at_ms < $5 AND ($6 = '' OR $6 = "
        ),
        standing!(),
        ") AND ($7 = '' OR fired_at_ms < $8 OR (fired_at_ms = $8 AND (mark < $9 OR (mark = $9 AND uid > $7)))) \
         ORDER BY fired_at_ms DESC, mark DESC, uid LIMIT $10"
    );
    let behind = match filter.behind {
        Some(uid) => get(session, uid).await?,
        None => None,
    };
    let (uid, fired_at, mark) =
        behind.map_or((String::new(), 0, 0), |it| (it.uid.to_string(), it.fired_at.0, it.mark));
    read(fetch_all!(
        session,
        Row,
        SQL,
        i64::from(filter.firing_only),
        filter.rule.map_or("", Rule::as_str),
        filter.subject.unwrap_or_default(),
        filter.from.map_or(i64::MIN, |at| at.0),
        filter.to.map_or(i64::MAX, |at| at.0),
        filter.standing.map_or("", Standing::as_str),
        uid,
        fired_at,
        mark,
        limit
    )?)
}

/// How many that are not over stand how.
///
/// # Errors
/// [`StoreError`].
pub async fn count_standing(session: &mut Session) -> Result<Vec<(Standing, i64)>, StoreError> {
    const SQL: &str = concat!(
        "SELECT s, CAST(COUNT(*) AS BIGINT) FROM (SELECT ",
        standing!(),
        " AS s FROM alert_incidents WHERE resolved_at_ms IS NULL) t GROUP BY s ORDER BY s"
    );
    let rows = fetch_all!(session, (String, i64), SQL)?;
    Ok(rows.into_iter().filter_map(|(name, count)| Some((Standing::from_name(&name)?, count))).collect())
}

/// Those that are not over, of a rule, the oldest first.
///
/// # Errors
/// [`StoreError`].
pub async fn list_open(session: &mut Session, rule: Rule, limit: i64) -> Result<Vec<Incident>, StoreError> {
    const SQL: &str = select!(
        "WHERE rule = $1 AND resolved_at_ms IS NULL AND region = $2 ORDER BY fired_at_ms, uid LIMIT $3"
    );
    read(fetch_all!(session, Row, SQL, rule.as_str(), REGION, limit)?)
}

/// Those that are not over, about this subject.
///
/// # Errors
/// [`StoreError`].
pub async fn list_open_about(
    session: &mut Session,
    rule: Rule,
    subject: &Subject,
) -> Result<Vec<Incident>, StoreError> {
    const SQL: &str = select!(
        "WHERE rule = $1 AND subject_kind = $2 AND subject_id = $3 AND region = $4 AND resolved_at_ms IS NULL \
         ORDER BY mark"
    );
    read(fetch_all!(session, Row, SQL, rule.as_str(), &subject.kind, &subject.id, REGION)?)
}

/// The lines of a rule that have an incident about this subject in this window and the present episode, and the lines of an earlier
/// episode that are not over.
///
/// # Errors
/// [`StoreError`].
pub async fn marks_told(
    session: &mut Session,
    rule: Rule,
    subject: &Subject,
    window_start: Millis,
) -> Result<Vec<i64>, StoreError> {
    const SQL: &str = "SELECT DISTINCT i.mark FROM alert_incidents i LEFT JOIN alert_states s ON s.region = i.region \
                       AND s.rule = i.rule AND s.subject_kind = i.subject_kind AND s.subject_id = i.subject_id \
                       AND s.mark = i.mark WHERE i.region = $1 AND i.rule = $2 AND i.subject_kind = $3 AND i.subject_id = $4 \
                       AND i.window_start_ms = $5 AND (i.episode = COALESCE(s.episode, 0) OR i.resolved_at_ms IS NULL)";
    let rows =
        fetch_all!(session, (i64,), SQL, REGION, rule.as_str(), &subject.kind, &subject.id, window_start.0)?;
    Ok(rows.into_iter().map(|(mark,)| mark).collect())
}

/// Those of which nobody was told yet, the oldest first.
///
/// # Errors
/// [`StoreError`].
pub async fn list_untold(session: &mut Session, limit: i64) -> Result<Vec<Incident>, StoreError> {
    const SQL: &str =
        select!("WHERE fanned_out_at_ms IS NULL AND region = $1 ORDER BY fired_at_ms, mark, uid LIMIT $2");
    read(fetch_all!(session, Row, SQL, REGION, limit)?)
}

/// Those that are over, of which that was not told yet.
///
/// # Errors
/// [`StoreError`].
pub async fn list_over(session: &mut Session, limit: i64) -> Result<Vec<Incident>, StoreError> {
    const SQL: &str = select!(
        "WHERE resolution_told_at_ms IS NULL AND resolved_at_ms IS NOT NULL AND fanned_out_at_ms IS NOT NULL \
         AND region = $1 ORDER BY resolved_at_ms, mark, uid LIMIT $2"
    );
    read(fetch_all!(session, Row, SQL, REGION, limit)?)
}

/// Those that fire, of which channels were not told because of a silence.
///
/// # Errors
/// [`StoreError`].
pub async fn list_masked(session: &mut Session, limit: i64) -> Result<Vec<Incident>, StoreError> {
    const SQL: &str = select!(
        "WHERE masked_at_ms IS NOT NULL AND resolved_at_ms IS NULL AND region = $1 ORDER BY fired_at_ms, uid LIMIT $2"
    );
    read(fetch_all!(session, Row, SQL, REGION, limit)?)
}

/// Those that fire and were told of before an instant, are of this level, and were not acknowledged.
///
/// # Errors
/// [`StoreError`].
pub async fn list_to_remind(
    session: &mut Session,
    level: Level,
    told_before: Millis,
    limit: i64,
) -> Result<Vec<Incident>, StoreError> {
    const SQL: &str = select!(
        "WHERE resolved_at_ms IS NULL AND acknowledged_at_ms IS NULL AND passed_by IS NULL AND level = $1 \
         AND told_at_ms <= $2 AND region = $3 \
         ORDER BY told_at_ms, uid LIMIT $4"
    );
    read(fetch_all!(session, Row, SQL, level.as_str(), told_before.0, REGION, limit)?)
}

/// What was told of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// Channels, for the first time or once more; how often they were reminded.
    Firing(i64),
    /// Nobody, for a silence covers it.
    Masked,
    /// Channels, that it is over.
    Over,
}

/// Notes what was told of an incident.
///
/// # Errors
/// [`StoreError`].
pub async fn note_told(tx: &mut Write, uid: Uid, told: Told, at: Millis) -> Result<(), StoreError> {
    const FIRING: &str = "UPDATE alert_incidents SET fanned_out_at_ms = COALESCE(fanned_out_at_ms, $2), told_at_ms = $2, \
                          masked_at_ms = NULL, reminders = $3 WHERE uid = $1";
    const MASKED: &str = "UPDATE alert_incidents SET fanned_out_at_ms = COALESCE(fanned_out_at_ms, $2), \
                          masked_at_ms = COALESCE(masked_at_ms, $2) WHERE uid = $1";
    const OVER: &str = "UPDATE alert_incidents SET resolution_told_at_ms = $2 WHERE uid = $1";
    let uid = uid.to_string();
    match told {
        Told::Firing(reminders) => execute!(tx, FIRING, uid, at.0, reminders),
        Told::Masked => execute!(tx, MASKED, uid, at.0),
        Told::Over => execute!(tx, OVER, uid, at.0),
    }
    .map(|_| ())
}

/// Ends an incident. Tells whether it was not over before.
///
/// # Errors
/// [`StoreError`].
pub async fn resolve(tx: &mut Write, uid: Uid, cause: &str, at: Millis) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE alert_incidents SET resolved_at_ms = $2, cause = $3 WHERE uid = $1 AND resolved_at_ms IS NULL";
    Ok(execute!(tx, SQL, uid.to_string(), at.0, cause)? == 1)
}

/// Notes the figure of an incident that goes on, if it is larger than those before.
///
/// # Errors
/// [`StoreError`].
pub async fn note_peak(tx: &mut Write, uid: Uid, value: i64) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE alert_incidents SET peak = $2 WHERE uid = $1 AND peak < $2";
    execute!(tx, SQL, uid.to_string(), value).map(|_| ())
}

/// Notes who looks after an incident. Tells whether it is there and not over.
///
/// # Errors
/// [`StoreError`].
pub async fn acknowledge(
    tx: &mut Write,
    uid: Uid,
    by: &str,
    note: Option<&str>,
    at: Millis,
) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE alert_incidents SET acknowledged_at_ms = COALESCE(acknowledged_at_ms, $2), \
                       acknowledged_by = COALESCE(acknowledged_by, $3), note = COALESCE($4, note) \
                       WHERE uid = $1 AND resolved_at_ms IS NULL";
    Ok(execute!(tx, SQL, uid.to_string(), at.0, by, note)? == 1)
}

/// How many are not over, by rule and level, for metrics.
///
/// # Errors
/// [`StoreError`].
pub async fn count_open(session: &mut Session) -> Result<Vec<(String, String, i64)>, StoreError> {
    const SQL: &str = "SELECT rule, level, CAST(COUNT(*) AS BIGINT) FROM alert_incidents WHERE resolved_at_ms IS NULL \
                       GROUP BY rule, level ORDER BY rule, level";
    fetch_all!(session, (String, String, i64), SQL)
}

/// Deletes incidents that were over before an instant, and what was delivered of them: so many at the most. Tells how many.
///
/// # Errors
/// [`StoreError`].
pub async fn delete_before(tx: &mut Write, before: Millis, limit: i64) -> Result<u64, StoreError> {
    const DELIVERIES: &str = "DELETE FROM alert_deliveries WHERE incident_uid IN (SELECT uid FROM alert_incidents \
                              WHERE resolved_at_ms < $1 ORDER BY resolved_at_ms, uid LIMIT $2)";
    const INCIDENTS: &str = "DELETE FROM alert_incidents WHERE uid IN (SELECT uid FROM alert_incidents \
                             WHERE resolved_at_ms < $1 ORDER BY resolved_at_ms, uid LIMIT $2)";
    execute!(tx, DELIVERIES, before.0, limit)?;
    execute!(tx, INCIDENTS, before.0, limit)
}

/// Undoes what a part of a transaction does, when that part fails: a crossing that cannot be written down must not keep the spend
/// from being written. `None` when it failed and was undone.
///
/// # Errors
/// [`StoreError`] when the database cannot even undo it; then the whole transaction is lost.
pub async fn insert_or_undo(tx: &mut Write, new: &[NewIncident]) -> Result<Option<u64>, StoreError> {
    execute!(tx, "SAVEPOINT alert_incidents_of_batch")?;
    let mut inserted = 0;
    let mut failure = None;
    for one in new {
        match insert(tx, one).await {
            Ok(is_new) => inserted += u64::from(is_new),
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
    }
    match failure {
        None => {
            execute!(tx, "RELEASE SAVEPOINT alert_incidents_of_batch")?;
            Ok(Some(inserted))
        }
        // It will meet whatever is written next, and is tried again with it.
        Some(error @ (StoreError::Unavailable(_) | StoreError::Undone(_))) => Err(error),
        Some(_) => {
            execute!(tx, "ROLLBACK TO SAVEPOINT alert_incidents_of_batch")?;
            execute!(tx, "RELEASE SAVEPOINT alert_incidents_of_batch")?;
            Ok(None)
        }
    }
}

/// The lines of the incidents that another one tells of, the lowest first.
///
/// # Errors
/// [`StoreError`].
pub async fn marks_passed_by(session: &mut Session, teller: Uid) -> Result<Vec<i64>, StoreError> {
    const SQL: &str = "SELECT mark FROM alert_incidents WHERE passed_by = $1 ORDER BY mark";
    Ok(fetch_all!(session, (i64,), SQL, teller.to_string())?.into_iter().map(|(mark,)| mark).collect())
}

/// Ends the incidents of this month's requests of all credentials, whose use was set to zero, and lets their lines fire once more. Tells how
/// many incidents ended.
///
/// # Errors
/// [`StoreError`].
pub async fn reset_month(
    tx: &mut Write,
    window_start: Millis,
    cause: &str,
    at: Millis,
) -> Result<u64, StoreError> {
    const REARM: &str = "INSERT INTO alert_states (region, rule, subject_kind, subject_id, mark, phase, since_ms, episode) \
                         SELECT DISTINCT region, rule, subject_kind, subject_id, mark, 'quiet', CAST($3 AS BIGINT), \
                         CAST(1 AS BIGINT) FROM alert_incidents WHERE rule = 'limit_threshold' AND subject_kind = 'counter' \
                         AND unit = 'requests' AND window_kind = 'month' AND window_start_ms = $1 AND region = $2 \
                         AND subject_id IN (SELECT uid FROM api_credentials) \
                         ON CONFLICT (region, rule, subject_kind, subject_id, mark) DO UPDATE SET phase = 'quiet', \
                         since_ms = excluded.since_ms, episode = alert_states.episode + 1";
    const RESOLVE: &str = "UPDATE alert_incidents SET resolved_at_ms = $3, cause = $4 WHERE rule = 'limit_threshold' \
                           AND subject_kind = 'counter' AND unit = 'requests' AND window_kind = 'month' \
                           AND window_start_ms = $1 AND region = $2 AND resolved_at_ms IS NULL \
                           AND subject_id IN (SELECT uid FROM api_credentials)";
    execute!(tx, REARM, window_start.0, REGION, at.0)?;
    execute!(tx, RESOLVE, window_start.0, REGION, at.0, cause)
}

/// Tells whether anything was seen or over at an instant or before, and nobody was told yet.
///
/// # Errors
/// [`StoreError`].
pub async fn is_any_overdue(session: &mut Session, before: Millis) -> Result<bool, StoreError> {
    const UNTOLD: &str = "SELECT uid FROM alert_incidents WHERE fanned_out_at_ms IS NULL AND fired_at_ms <= $1 AND region = $2 LIMIT 1";
    const OVER: &str = "SELECT uid FROM alert_incidents WHERE resolution_told_at_ms IS NULL AND resolved_at_ms <= $1 \
                        AND region = $2 LIMIT 1";
    Ok(fetch_optional!(session, (String,), UNTOLD, before.0, REGION)?.is_some()
        || fetch_optional!(session, (String,), OVER, before.0, REGION)?.is_some())
}
