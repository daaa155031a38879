//! Counters: the one place that decides whether a use is within its limit.

use strongroom_model::{Millis, Uid, month};

use crate::REGION;
use crate::dispatch::{execute, fetch_all, fetch_optional};
use crate::error::StoreError;
use crate::session::{Session, Write};

/// Counts one use of a credential in the present month, unless its monthly limit is used up. Tells the month's
/// usage with this use in it, or `None` when the limit refused it.
///
/// The check and the count are one statement on one locked row: no two callers can both take the last use.
///
/// # Errors
/// [`StoreError`].
pub async fn take_one(tx: &mut Write, credential: Uid, now: Millis) -> Result<Option<i64>, StoreError> {
    const SQL: &str = "INSERT INTO counters \
        (subject_uid, unit, window_kind, window_start_ms, region, settled, held, adjusted, last_used_ms) \
        SELECT $1, 'requests', 'month', $2, $3, 1, 0, 0, $4 \
        WHERE 0 < COALESCE((SELECT amount FROM limits WHERE scope_kind = 'credential' AND scope_uid = $1 \
            AND unit = 'requests' AND window_kind = 'month'), 9223372036854775807) \
        ON CONFLICT (subject_uid, unit, window_kind, window_start_ms, region) DO UPDATE SET \
        settled = counters.settled + 1, last_used_ms = $4 \
        WHERE counters.settled + counters.held + counters.adjusted < \
            COALESCE((SELECT amount FROM limits WHERE scope_kind = 'credential' AND scope_uid = $1 \
            AND unit = 'requests' AND window_kind = 'month'), 9223372036854775807) \
        RETURNING settled + held + adjusted";
    let row = fetch_optional!(tx, (i64,), SQL, credential.to_string(), month::start(now).0, REGION, now.0)?;
    Ok(row.map(|(used,)| used))
}

/// Adds to a counter without asking a limit: imported usage and signed adjustments.
///
/// # Errors
/// [`StoreError`].
pub async fn add(
    tx: &mut Write,
    credential: Uid,
    window_start: Millis,
    (settled, adjusted): (i64, i64),
    last_used: Option<Millis>,
) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO counters \
        (subject_uid, unit, window_kind, window_start_ms, region, settled, held, adjusted, last_used_ms) \
        VALUES ($1, 'requests', 'month', $2, $3, $4, 0, $5, $6) \
        ON CONFLICT (subject_uid, unit, window_kind, window_start_ms, region) DO UPDATE SET \
        settled = counters.settled + $4, adjusted = counters.adjusted + $5, \
        last_used_ms = COALESCE($6, counters.last_used_ms)";
    let last_used = last_used.map(|at| at.0);
    execute!(tx, SQL, credential.to_string(), window_start.0, REGION, settled, adjusted, last_used)
        .map(|_| ())
}

/// Sets what counts against the limits of a month to zero: a signed adjustment on every counter, and a record of each in
/// the ledger. Tells how many counters it touched.
///
/// Three statements, however many credentials there are: a loop would hold the writer for as long as it takes.
///
/// # Errors
/// [`StoreError`].
pub async fn reset_month(
    tx: &mut Write,
    window_start: Millis,
    actor: &str,
    now: Millis,
) -> Result<u64, StoreError> {
    // The two databases make random identities in different words.
    macro_rules! record {
        ($uid:literal) => {
            concat!(
                "INSERT INTO usage_records (uid, region, at_ms, window_start_ms, kind, actor, user_id, credential_uid, ",
                "version_uid, provider, source, requests, adjustment) SELECT ",
                $uid,
                ", n.region, $3, n.window_start_ms, 'reset', $4, NULL, n.subject_uid, NULL, ",
                "COALESCE((SELECT c.provider FROM api_credentials c WHERE c.uid = n.subject_uid), ''), 'database', 0, ",
                "-(n.settled + n.held + n.adjusted) FROM counters n WHERE n.unit = 'requests' ",
                "AND n.window_kind = 'month' AND n.window_start_ms = $1 AND n.region = $2 ",
                "AND n.settled + n.held + n.adjusted <> 0"
            )
        };
    }
    // The whole table, and not only the rows there are: a first use between the two statements would be set to zero
    // without a record.
    const LOCK: &str = "LOCK TABLE counters IN SHARE ROW EXCLUSIVE MODE";
    const ADJUST: &str = "UPDATE counters SET adjusted = -(settled + held) WHERE unit = 'requests' \
                          AND window_kind = 'month' AND window_start_ms = $1 AND region = $2 \
                          AND settled + held + adjusted <> 0";
    let sql = match tx.backend() {
        crate::Backend::Sqlite => record!("lower(hex(randomblob(16)))"),
        crate::Backend::Postgres => {
            execute!(tx, LOCK)?;
            record!("replace(CAST(gen_random_uuid() AS TEXT), '-', '')")
        }
    };
    execute!(tx, sql, window_start.0, REGION, now.0, actor)?;
    execute!(tx, ADJUST, window_start.0, REGION)
}

/// A counter that does not equal the sum of its usage records.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Discrepancy {
    /// The credential.
    pub subject_uid: String,
    /// The month.
    pub window_start_ms: i64,
    /// What the counter says, settled and adjusted.
    pub counted: i64,
    /// What the records sum up to.
    pub recorded: i64,
}

/// Every counter that does not equal its records; none, as long as all is well.
///
/// # Errors
/// [`StoreError`].
pub async fn discrepancies(session: &mut Session) -> Result<Vec<Discrepancy>, StoreError> {
    const SQL: &str = "SELECT n.subject_uid, n.window_start_ms, n.settled + n.adjusted AS counted, \
        CAST(COALESCE((SELECT SUM(r.requests + r.adjustment) FROM usage_records r \
            WHERE r.credential_uid = n.subject_uid AND r.window_start_ms = n.window_start_ms \
            AND r.region = n.region), 0) AS BIGINT) AS recorded \
        FROM counters n WHERE n.unit = 'requests' AND n.window_kind = 'month' AND n.settled + n.adjusted <> \
        CAST(COALESCE((SELECT SUM(r.requests + r.adjustment) FROM usage_records r \
            WHERE r.credential_uid = n.subject_uid AND r.window_start_ms = n.window_start_ms \
            AND r.region = n.region), 0) AS BIGINT)";
    fetch_all!(session, Discrepancy, SQL)
}
