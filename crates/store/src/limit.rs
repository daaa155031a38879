//! Limits: at most one per scope, unit and window.

use strongroom_model::alert::Thresholds;
use strongroom_model::limit::{Limit, LimitScope, Unit, Window};
use strongroom_model::{Millis, Uid};

use crate::change::Subject;
use crate::counter::CounterKey;
use crate::dispatch::{execute, fetch_all, fetch_optional};
use crate::error::StoreError;
use crate::session::{Session, Write};

#[derive(Debug, sqlx::FromRow)]
struct Row {
    uid: String,
    scope_kind: String,
    scope_uid: String,
    unit: String,
    window_kind: String,
    amount: i64,
    created_at_ms: i64,
    updated_at_ms: i64,
    thresholds: Option<String>,
}

impl TryFrom<Row> for Limit {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let corrupt = |column| StoreError::Corrupt { table: "limits", column, row: row.uid.clone() };
        let window = Window::from_name(&row.window_kind).ok_or_else(|| corrupt("window_kind"))?;
        let thresholds = match &row.thresholds {
            Some(stored) => Thresholds::from_stored(stored).ok_or_else(|| StoreError::Corrupt {
                table: "alert_rules",
                column: "thresholds",
                row: row.uid.clone(),
            })?,
            None => Thresholds::usual_of(window),
        };
        Ok(Self {
            uid: row.uid.parse().map_err(|_| corrupt("uid"))?,
            scope: LimitScope::of(&row.scope_kind, &row.scope_uid).ok_or_else(|| corrupt("scope_uid"))?,
            unit: Unit::from_name(&row.unit).ok_or_else(|| corrupt("unit"))?,
            window,
            amount: row.amount,
            thresholds,
            created_at: Millis(row.created_at_ms),
            updated_at: Millis(row.updated_at_ms),
        })
    }
}

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT uid, scope_kind, scope_uid, unit, window_kind, amount, created_at_ms, updated_at_ms, ",
            // The thresholds that were set for the limit, else for all of its scope, else for all.
            "(SELECT r.thresholds FROM alert_rules r WHERE r.rule = 'limit_threshold' AND ((r.scope_kind = 'limit' AND ",
            "r.scope_id = limits.uid) OR (r.scope_kind = limits.scope_kind AND r.scope_id = limits.scope_uid) ",
            "OR r.scope_kind = 'all') ORDER BY CASE r.scope_kind WHEN 'limit' THEN 0 WHEN 'all' THEN 2 ELSE 1 END LIMIT 1) ",
            "AS thresholds FROM limits ",
            $tail
        )
    };
}

fn read(rows: Vec<Row>) -> Result<Vec<Limit>, StoreError> {
    rows.into_iter().map(Limit::try_from).collect()
}

/// The limits of a scope that were set up to this value of the change counter.
///
/// # Errors
/// [`StoreError`].
pub async fn list_of_scope(
    session: &mut Session,
    scope: &LimitScope,
    as_of: i64,
) -> Result<Vec<Limit>, StoreError> {
    const SQL: &str =
        select!("WHERE scope_kind = $1 AND scope_uid = $2 AND since_change <= $3 ORDER BY unit, window_kind");
    read(fetch_all!(session, Row, SQL, scope.kind(), scope.id(), as_of)?)
}

/// All limits, the oldest first.
///
/// # Errors
/// [`StoreError`].
pub async fn list(session: &mut Session) -> Result<Vec<Limit>, StoreError> {
    read(fetch_all!(session, Row, select!("ORDER BY created_at_ms, uid"))?)
}

/// A page of them, the oldest first: behind this one, at most so many.
///
/// # Errors
/// [`StoreError`].
pub async fn page(session: &mut Session, after: Option<Uid>, count: i64) -> Result<Vec<Limit>, StoreError> {
    const FIRST: &str = select!("ORDER BY created_at_ms, uid LIMIT $1");
    const NEXT: &str = select!(
        "WHERE (created_at_ms, uid) > (SELECT a.created_at_ms, a.uid FROM limits a WHERE a.uid = $1) \
         ORDER BY created_at_ms, uid LIMIT $2"
    );
    read(match after {
        None => fetch_all!(session, Row, FIRST, count)?,
        Some(after) => fetch_all!(session, Row, NEXT, after.to_string(), count)?,
    })
}

/// Those that are used by half or more in the window that now is, or that other thresholds than the usual ones hold for.
///
/// # Errors
/// [`StoreError`].
pub async fn list_well_used(session: &mut Session, now: Millis) -> Result<Vec<Limit>, StoreError> {
    const SQL: &str = select!(
        "WHERE uid IN (SELECT l.uid FROM limits l JOIN counters c ON c.unit = l.unit AND c.window_kind = l.window_kind \
         AND c.subject_uid = CASE WHEN l.scope_kind = 'credential' AND l.unit = 'requests' AND l.window_kind = 'month' \
         THEN l.scope_uid ELSE l.uid END AND c.window_start_ms = CASE l.window_kind WHEN 'minute' THEN $1 WHEN 'hour' THEN $2 \
         WHEN 'day' THEN $3 WHEN 'month' THEN $4 ELSE $5 END AND c.region = $6 \
         WHERE c.settled + c.adjusted >= l.amount / 2 OR EXISTS (SELECT 1 FROM alert_rules r WHERE r.rule = 'limit_threshold' \
         AND ((r.scope_kind = 'limit' AND r.scope_id = l.uid) OR (r.scope_kind = l.scope_kind AND r.scope_id = l.scope_uid) \
         OR r.scope_kind = 'all'))) ORDER BY created_at_ms, uid"
    );
    let start = |window: Window| window.start(now).0;
    read(fetch_all!(
        session,
        Row,
        SQL,
        start(Window::Minute),
        start(Window::Hour),
        start(Window::Day),
        start(Window::Month),
        start(Window::Prepaid),
        crate::REGION
    )?)
}

/// How many there are.
///
/// # Errors
/// [`StoreError`].
pub async fn count(session: &mut Session) -> Result<i64, StoreError> {
    let found = fetch_optional!(session, (i64,), "SELECT CAST(COUNT(*) AS BIGINT) FROM limits")?;
    Ok(found.map_or(0, |(count,)| count))
}

/// The limit with this identity.
///
/// # Errors
/// [`StoreError`].
pub async fn get(session: &mut Session, uid: Uid) -> Result<Option<Limit>, StoreError> {
    fetch_optional!(session, Row, select!("WHERE uid = $1"), uid.to_string())?
        .map(Limit::try_from)
        .transpose()
}

/// The limit that a counter is measured by; a credential's monthly requests are counted under the credential itself.
///
/// # Errors
/// [`StoreError`].
pub async fn of_counter(session: &mut Session, key: &CounterKey) -> Result<Option<Limit>, StoreError> {
    const SQL: &str = select!(
        "WHERE unit = $2 AND window_kind = $3 AND (uid = $1 OR (scope_kind = 'credential' AND scope_uid = $1 \
         AND unit = 'requests' AND window_kind = 'month')) LIMIT 1"
    );
    let subject = key.subject.to_string();
    fetch_optional!(session, Row, SQL, subject, key.unit.as_str(), key.window.as_str())?
        .map(Limit::try_from)
        .transpose()
}

/// A limit as it is to be.
#[derive(Debug, Clone, Copy)]
pub struct LimitChange<'a> {
    /// Whom it binds.
    pub scope: &'a LimitScope,
    /// The unit that it counts.
    pub unit: Unit,
    /// For how long it counts before it starts over.
    pub window: Window,
    /// How much may be used; `None` removes it.
    pub amount: Option<i64>,
    /// Its identity, if it is not there yet.
    pub uid: Uid,
    /// When it is set.
    pub at: Millis,
}

/// Sets or removes a limit of a scope that is there already.
///
/// # Errors
/// [`StoreError`].
pub async fn set(tx: &mut Write, change: &LimitChange<'_>) -> Result<(), StoreError> {
    // Which calls it counts is decided when it is committed: see `change::advance`.
    const PUT: &str = "INSERT INTO limits (uid, scope_kind, scope_uid, unit, window_kind, amount, created_at_ms, \
                       updated_at_ms, since_change) VALUES ($1, $2, $3, $4, $5, $6, $7, $7, -1) \
                       ON CONFLICT (scope_kind, scope_uid, unit, window_kind) DO UPDATE SET amount = $6, updated_at_ms = $7 \
                       RETURNING uid";
    const REMOVE: &str = "DELETE FROM limits WHERE scope_kind = $1 AND scope_uid = $2 AND unit = $3 AND window_kind = $4 \
                          RETURNING uid";
    let LimitChange { scope, unit, window, amount, uid, at } = *change;
    let (kind, id, unit, window) = (scope.kind(), scope.id(), unit.as_str(), window.as_str());
    let set = match amount {
        Some(amount) => {
            tx.touch_new_limit();
            fetch_optional!(tx, (String,), PUT, uid.to_string(), kind, id, unit, window, amount, at.0)?
        }
        None => fetch_optional!(tx, (String,), REMOVE, kind, id, unit, window)?,
    };
    if let Some((uid,)) = set {
        let corrupt = |_| StoreError::Corrupt { table: "limits", column: "uid", row: uid.clone() };
        tx.touch(Subject::Limit(uid.parse().map_err(corrupt)?));
        tx.touch(Subject::Scope(scope.clone()));
    }
    Ok(())
}

/// Sets a limit of a scope that this transaction makes. It counts every call of it, and servers hold nothing of it to forget.
///
/// # Errors
/// [`StoreError`].
pub async fn set_on_new(tx: &mut Write, change: &LimitChange<'_>) -> Result<(), StoreError> {
    const PUT: &str = "INSERT INTO limits (uid, scope_kind, scope_uid, unit, window_kind, amount, created_at_ms, \
                       updated_at_ms, since_change) VALUES ($1, $2, $3, $4, $5, $6, $7, $7, 0)";
    let LimitChange { scope, unit, window, amount, uid, at } = *change;
    let Some(amount) = amount else { return Ok(()) };
    let (kind, id, unit, window) = (scope.kind(), scope.id(), unit.as_str(), window.as_str());
    execute!(tx, PUT, uid.to_string(), kind, id, unit, window, amount, at.0).map(|_| ())
}
