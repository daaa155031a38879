//! Records of usage that are repriced, or have been kept for long enough.

use strongroom_model::Millis;

use crate::REGION;
use crate::dispatch::{execute, fetch_all};
use crate::error::StoreError;
use crate::session::{Session, Write};
use crate::sum::bounded;
use crate::usage_hours;

/// A record that can be repriced.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Priced {
    /// Its identity.
    pub uid: String,
    /// When it was admitted.
    pub at_ms: i64,
    /// The operation.
    pub operation: String,
    /// The provider.
    pub provider: String,
    /// The model.
    pub model: String,
    /// Its cost as it is recorded.
    pub cost_nano_usd: Option<i64>,
    /// The provider's own figures.
    pub raw_usage: String,
}

/// Records behind this one that were admitted since an instant and hold the provider's figures, in the order of time.
///
/// # Errors
/// [`StoreError`].
pub async fn list_priced(
    session: &mut Session,
    from: Millis,
    after: &str,
    count: i64,
) -> Result<Vec<Priced>, StoreError> {
    const SQL: &str = "SELECT uid, at_ms, operation, provider, model, cost_nano_usd, raw_usage FROM usage_records \
                       WHERE uid > $1 AND at_ms >= $2 AND raw_usage IS NOT NULL ORDER BY uid LIMIT $3";
    let after = after.to_owned().max(first_uid(from));
    fetch_all!(session, Priced, SQL, after.as_str(), from.0, count)
}

/// Sets what a record cost, and corrects the sums of its day. `false` when it is not there, or was priced meanwhile.
///
/// # Errors
/// [`StoreError`].
pub async fn set_cost(tx: &mut Write, record: &Priced, cost: Option<i64>) -> Result<bool, StoreError> {
    const RECORD: &str = "UPDATE usage_lines SET cost_nano_usd = $2 WHERE uid = $1 \
                          AND COALESCE(cost_nano_usd, -1) = COALESCE($3, -1)";
    // By the key of the day, of which this is the line's.
    const DAY: &str = "UPDATE usage_days SET cost_nano_usd = CASE WHEN cost_nano_usd > 1152921504606846976 - $2 \
         THEN 1152921504606846976 WHEN cost_nano_usd < -$2 THEN 0 ELSE cost_nano_usd + $2 END, \
         unpriced = CASE WHEN unpriced < -$3 THEN 0 ELSE unpriced + $3 END \
         WHERE (day_start_ms, region, dims_uid) IN (SELECT l.at_ms - l.at_ms % 86400000, l.region, c.dims_uid \
         FROM usage_lines l JOIN usage_contexts c ON c.uid = l.context_uid WHERE l.uid = $1)";
    let before = record.cost_nano_usd;
    if execute!(tx, RECORD, record.uid.as_str(), cost, before)? == 0 {
        return Ok(false);
    }
    let more = bounded(cost.unwrap_or(0).saturating_sub(before.unwrap_or(0)));
    let unpriced = i64::from(cost.is_none()) - i64::from(before.is_none());
    execute!(tx, DAY, record.uid.as_str(), more, unpriced)?;
    usage_hours::move_cost(tx, &record.uid, more, unpriced).await?;
    Ok(true)
}

/// Where the identities of records from an instant on begin: that of a record begins with its instant, so that no other
/// index is needed.
fn first_uid(at: Millis) -> String {
    format!("{:012x}", at.0.max(0))
}

/// Deletes records from before an instant, so many at the most; the sums of their days stay. Tells how many.
///
/// # Errors
/// [`StoreError`].
pub async fn delete_records(tx: &mut Write, before: Millis, count: i64) -> Result<u64, StoreError> {
    const SQL: &str = "DELETE FROM usage_lines WHERE uid IN \
                       (SELECT uid FROM usage_lines WHERE uid < $1 AND at_ms < $2 ORDER BY uid LIMIT $3)";
    execute!(tx, SQL, first_uid(before), before.0, count)
}

/// Deletes counters of minutes, hours and days that ended before an instant and hold nothing. Tells how many.
///
/// # Errors
/// [`StoreError`].
pub async fn delete_counters(tx: &mut Write, before: Millis) -> Result<u64, StoreError> {
    const SQL: &str = "DELETE FROM counters WHERE window_start_ms < $1 AND region = $2 AND held = 0 AND leased = 0 \
                       AND window_kind IN ('minute', 'hour', 'day')";
    execute!(tx, SQL, before.0, REGION)
}
