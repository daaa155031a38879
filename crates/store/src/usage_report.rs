//! Reports of usage: sums of days by the groups that people ask for, and records that are repriced or have been kept for long
//! enough.

use strongroom_model::{Millis, Uid};

use crate::REGION;
use crate::dispatch::{execute, fetch_all};
use crate::error::StoreError;
use crate::session::{Session, Write};
use crate::sum::{bounded, total};

/// Groups of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupBy {
    /// The credential's name, of a deleted one with the beginning of its identity, as `openai-primary (deleted, 63818d8e)`: another
    /// one may have its name by now. Empty for the environment.
    Credential,
    /// The same with the number of the version, as `openai-primary v3`; empty for the environment.
    Version,
    /// The provider.
    Provider,
    /// The provider's name of the model; empty for keys that were handed out.
    Model,
    /// The public id of the token; what others than tokens did is left out.
    Token,
    /// The user's number; empty for those without one.
    User,
    /// The first instant of the day.
    Day,
}

/// Sums of usage.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Sums {
    /// The group.
    pub group_key: String,
    /// Requests of clients.
    pub client_requests: i64,
    /// How often keys were used for it.
    pub requests: i64,
    /// Those that failed, without an answer or with a status of 400 and above.
    pub errors: i64,
    /// Tokens of prompts.
    pub input_tokens: i64,
    /// Of these, read from a cache.
    pub cached_input_tokens: i64,
    /// Tokens of answers.
    pub output_tokens: i64,
    /// Of these, reasoning.
    pub reasoning_tokens: i64,
    /// The cost as far as it is known, in billionths of a US dollar.
    pub cost_nano_usd: i64,
    /// Records of which no price is known.
    pub unpriced: i64,
}

macro_rules! shown_name {
    () => {
        "c.name || CASE WHEN c.deleted_at_ms IS NULL THEN '' ELSE ' (deleted, ' || SUBSTR(c.uid, 1, 8) || ')' END"
    };
}

macro_rules! sums {
    ($key:expr, $where:literal) => {
        concat!(
            "SELECT ",
            $key,
            " AS group_key, ",
            total!("d.client_requests"),
            " AS client_requests, ",
            total!("d.requests"),
            " AS requests, ",
            total!("d.errors_client"),
            " + ",
            total!("d.errors_provider"),
            " AS errors, ",
            total!("d.input_tokens"),
            " AS input_tokens, ",
            total!("d.cached_input_tokens"),
            " AS cached_input_tokens, ",
            total!("d.output_tokens"),
            " AS output_tokens, ",
            total!("d.reasoning_tokens"),
            " AS reasoning_tokens, ",
            total!("d.cost_nano_usd"),
            " AS cost_nano_usd, ",
            total!("d.unpriced"),
            " AS unpriced FROM usage_days d JOIN usage_dims m ON m.uid = d.dims_uid \
             WHERE d.day_start_ms >= $1 AND d.day_start_ms < $2 ",
            $where,
            " GROUP BY 1 ORDER BY 1"
        )
    };
}

/// Sums of the days that begin within `[from, to)`.
///
/// # Errors
/// [`StoreError`].
pub async fn sums(
    session: &mut Session,
    by: GroupBy,
    from: Millis,
    to: Millis,
) -> Result<Vec<Sums>, StoreError> {
    let sql = match by {
        GroupBy::Credential => sums!(
            concat!(
                "COALESCE((SELECT ",
                shown_name!(),
                " FROM api_credentials c WHERE c.uid = m.credential_uid), m.credential_uid)"
            ),
            ""
        ),
        GroupBy::Version => sums!(
            concat!(
                "COALESCE((SELECT ",
                shown_name!(),
                " || ' v' || CAST(v.number AS TEXT) FROM credential_versions v \
                 JOIN api_credentials c ON c.uid = v.credential_uid WHERE v.uid = m.version_uid), m.version_uid)"
            ),
            ""
        ),
        GroupBy::Provider => sums!("m.provider", ""),
        GroupBy::Model => sums!("m.model", ""),
        GroupBy::Token => sums!("SUBSTR(m.actor, 7)", "AND m.actor LIKE 'token:%'"),
        GroupBy::User => sums!("CASE WHEN m.user_id = 0 THEN '' ELSE CAST(m.user_id AS TEXT) END", ""),
        GroupBy::Day => sums!("CAST(d.day_start_ms AS TEXT)", ""),
    };
    fetch_all!(session, Sums, sql, from.0, to.0)
}

/// Sums of what one actor, such as `token:abc`, used on the days that begin within `[from, to)`, by provider.
///
/// # Errors
/// [`StoreError`].
pub async fn sums_of_actor(
    session: &mut Session,
    actor: &str,
    from: Millis,
    to: Millis,
) -> Result<Vec<Sums>, StoreError> {
    fetch_all!(session, Sums, sums!("m.provider", "AND m.actor = $3"), from.0, to.0, actor)
}

/// Sums of a day and of a series within it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct DaySums {
    /// The first instant of the day.
    pub day_start_ms: i64,
    /// The provider, or the model.
    pub series: String,
    /// What clients asked for.
    pub client_requests: i64,
    /// How often keys were used for it.
    pub requests: i64,
    /// Those that failed, without an answer or with a status of 400 and above.
    pub errors: i64,
    /// What is known of the cost, in billionths of a US dollar.
    pub cost_nano_usd: i64,
    /// Records of which no price is known.
    pub unpriced: i64,
}

macro_rules! day_sums {
    ($series:literal, $where:literal) => {
        concat!(
            "SELECT d.day_start_ms, ",
            $series,
            " AS series, ",
            total!("d.client_requests"),
            " AS client_requests, ",
            total!("d.requests"),
            " AS requests, ",
            total!("d.errors_client"),
            " + ",
            total!("d.errors_provider"),
            " AS errors, ",
            total!("d.cost_nano_usd"),
            " AS cost_nano_usd, ",
            total!("d.unpriced"),
            " AS unpriced FROM usage_days d JOIN usage_dims m ON m.uid = d.dims_uid \
             WHERE d.day_start_ms >= $1 AND d.day_start_ms < $2 ",
            $where,
            " GROUP BY 1, 2 ORDER BY 1, 2"
        )
    };
}

/// Sums of the days that begin within `[from, to)`, by provider.
///
/// # Errors
/// [`StoreError`].
pub async fn days_by_provider(
    session: &mut Session,
    from: Millis,
    to: Millis,
) -> Result<Vec<DaySums>, StoreError> {
    fetch_all!(session, DaySums, day_sums!("m.provider", ""), from.0, to.0)
}

/// Sums of the days that begin within `[from, to)` of what was done with a credential, by model.
///
/// # Errors
/// [`StoreError`].
pub async fn days_of_credential(
    session: &mut Session,
    credential: Uid,
    from: Millis,
    to: Millis,
) -> Result<Vec<DaySums>, StoreError> {
    const SQL: &str = day_sums!("m.model", "AND m.credential_uid = $3");
    fetch_all!(session, DaySums, SQL, from.0, to.0, credential.to_string())
}

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
