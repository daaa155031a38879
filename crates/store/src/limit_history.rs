//! Where limits stood from minute to minute, and how often they refused calls.

use strongroom_model::limit::Window;
use strongroom_model::{Millis, Uid};

use crate::REGION;
use crate::dispatch::{execute, execute_rows, fetch_all};
use crate::error::StoreError;
use crate::session::{Session, Write};

/// The grain of refusals.
pub const SLOT_MS: i64 = 300_000;

/// Where a limit stood.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct LimitSample {
    /// Which limit.
    pub limit_uid: String,
    /// Which window.
    pub window_start_ms: i64,
    /// When.
    pub at_ms: i64,
    /// The most that could be used.
    pub amount: i64,
    /// What was consumed.
    pub settled: i64,
    /// What was corrected.
    pub adjusted: i64,
    /// What calls under way held, and servers had taken ahead.
    pub held: i64,
    /// What was divided off.
    pub carved: i64,
    /// Calls that it had refused in this window.
    pub refused: i64,
}

/// Where limits stand that have counted or refused something since an instant: those of an hour, a day, a month or for good. One of
/// a minute is over before anybody looks.
///
/// # Errors
/// [`StoreError`].
pub async fn moved(
    session: &mut Session,
    since: Millis,
    now: Millis,
) -> Result<Vec<LimitSample>, StoreError> {
    const SQL: &str = "SELECT l.uid AS limit_uid, c.window_start_ms, CAST($1 AS BIGINT) AS at_ms, l.amount, c.settled, c.adjusted, \
        c.held + c.leased AS held, c.carved, CAST(COALESCE((SELECT SUM(r.refused) FROM limit_refusals r \
        WHERE r.limit_uid = l.uid AND r.window_start_ms = c.window_start_ms), 0) AS BIGINT) AS refused \
        FROM limits l JOIN counters c ON c.unit = l.unit AND c.window_kind = l.window_kind AND c.region = $2 \
        AND c.subject_uid = CASE WHEN l.scope_kind = 'credential' AND l.unit = 'requests' AND l.window_kind = 'month' \
        THEN l.scope_uid ELSE l.uid END \
        AND c.window_start_ms = CASE l.window_kind WHEN 'hour' THEN $3 WHEN 'day' THEN $4 WHEN 'month' THEN $5 ELSE $6 END \
        WHERE l.window_kind <> 'minute' AND (c.last_used_ms >= $7 OR EXISTS (SELECT 1 FROM limit_refusals r \
        WHERE r.limit_uid = l.uid AND r.window_start_ms = c.window_start_ms AND r.slot_start_ms > $8)) ORDER BY l.uid";
    let start = |window: Window| window.start(now).0;
    fetch_all!(
        session,
        LimitSample,
        SQL,
        now.0,
        REGION,
        start(Window::Hour),
        start(Window::Day),
        start(Window::Month),
        start(Window::Prepaid),
        since.0,
        since.0 - SLOT_MS
    )
}

/// Writes samples down. One of the same instant is written again.
///
/// # Errors
/// [`StoreError`].
pub async fn put(tx: &mut Write, samples: &[LimitSample]) -> Result<(), StoreError> {
    execute_rows!(
        tx,
        10,
        "INSERT INTO limit_samples (limit_uid, window_start_ms, at_ms, region, amount, settled, adjusted, held, carved, refused)",
        "ON CONFLICT (limit_uid, window_start_ms, at_ms, region) DO UPDATE SET amount = excluded.amount, \
         settled = excluded.settled, adjusted = excluded.adjusted, held = excluded.held, carved = excluded.carved, \
         refused = excluded.refused",
        samples,
        |sample| sample.limit_uid.as_str(),
        sample.window_start_ms,
        sample.at_ms,
        REGION,
        sample.amount,
        sample.settled,
        sample.adjusted,
        sample.held,
        sample.carved,
        sample.refused
    )?;
    Ok(())
}

/// The samples of a limit since an instant, in the order of time.
///
/// # Errors
/// [`StoreError`].
pub async fn list_samples(
    session: &mut Session,
    limit: Uid,
    from: Millis,
) -> Result<Vec<LimitSample>, StoreError> {
    const SQL: &str = "SELECT limit_uid, window_start_ms, at_ms, amount, settled, adjusted, held, carved, refused \
                       FROM limit_samples WHERE limit_uid = $1 AND at_ms >= $2 ORDER BY at_ms";
    fetch_all!(session, LimitSample, SQL, limit.to_string(), from.0)
}

/// Keeps, of samples from before an instant, the last one of each hour. Tells how many went.
///
/// # Errors
/// [`StoreError`].
pub async fn thin(tx: &mut Write, before: Millis) -> Result<u64, StoreError> {
    const SQL: &str = "DELETE FROM limit_samples WHERE at_ms < $1 AND EXISTS (SELECT 1 FROM limit_samples o \
        WHERE o.limit_uid = limit_samples.limit_uid AND o.window_start_ms = limit_samples.window_start_ms \
        AND o.region = limit_samples.region AND o.at_ms > limit_samples.at_ms \
        AND o.at_ms - o.at_ms % 3600000 = limit_samples.at_ms - limit_samples.at_ms % 3600000)";
    execute!(tx, SQL, before.0)
}

/// Deletes samples and refusals from before an instant. Tells how many.
///
/// # Errors
/// [`StoreError`].
pub async fn delete(tx: &mut Write, before: Millis) -> Result<u64, StoreError> {
    let samples = execute!(tx, "DELETE FROM limit_samples WHERE at_ms < $1", before.0)?;
    Ok(samples + execute!(tx, "DELETE FROM limit_refusals WHERE slot_start_ms < $1", before.0)?)
}

/// Calls that a limit refused within five minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refused {
    /// Which limit.
    pub limit: Uid,
    /// Which window.
    pub window_start: Millis,
    /// The first instant of the five minutes.
    pub slot_start: Millis,
    /// How many.
    pub count: i64,
}

/// Adds refusals to those that are there. They come in the order of limits.
///
/// # Errors
/// [`StoreError`].
pub async fn add_refusals(tx: &mut Write, refusals: &[Refused]) -> Result<(), StoreError> {
    execute_rows!(
        tx,
        5,
        "INSERT INTO limit_refusals (limit_uid, window_start_ms, slot_start_ms, region, refused)",
        concat!(
            "ON CONFLICT (limit_uid, window_start_ms, slot_start_ms, region) DO UPDATE SET ",
            crate::sum::saturating!("limit_refusals", "refused")
        ),
        refusals,
        |one| one.limit.to_string(),
        one.window_start.0,
        one.slot_start.0,
        REGION,
        crate::sum::bounded(one.count)
    )?;
    Ok(())
}

/// Refusals by a limit within five minutes, as they are stored.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct RefusalSlot {
    /// Which window.
    pub window_start_ms: i64,
    /// The first instant of the five minutes.
    pub slot_start_ms: i64,
    /// How many.
    pub refused: i64,
}

/// The refusals by a limit since an instant, in the order of time.
///
/// # Errors
/// [`StoreError`].
pub async fn list_refusals(
    session: &mut Session,
    limit: Uid,
    from: Millis,
) -> Result<Vec<RefusalSlot>, StoreError> {
    const SQL: &str = "SELECT window_start_ms, slot_start_ms, CAST(SUM(refused) AS BIGINT) AS refused FROM limit_refusals \
                       WHERE limit_uid = $1 AND slot_start_ms >= $2 GROUP BY 1, 2 ORDER BY 2, 1";
    fetch_all!(session, RefusalSlot, SQL, limit.to_string(), from.0)
}
