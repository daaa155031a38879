//! Series of usage: the sums of days, split by one dimension and filtered by others, the largest ones by name.

use strongroom_model::{Millis, Uid};

use crate::dispatch::{fetch_all, fetch_optional};
use crate::error::StoreError;
use crate::session::Session;
use crate::sum::total;

/// Series that days are told apart by; all others are one.
pub const MAX_SERIES: usize = 6;

/// The dimension that sums are split by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// None: one sum of everything.
    Nothing,
    /// The provider.
    Provider,
    /// The provider's name of the model; empty for keys that were handed out.
    Model,
    /// The identity of the credential; empty for the environment.
    Credential,
    /// The identity of the credential's version; empty for the environment.
    Version,
    /// Whoever used it, as the audit trail calls them: `token:ID`, `user:N`, `local:NAME`.
    Actor,
    /// The user's number; 0 for those without one.
    User,
    /// Where the key came from: `database` or `environment`.
    Source,
}

impl Split {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Provider => "provider",
            Self::Model => "model",
            Self::Credential => "credential",
            Self::Version => "version",
            Self::Actor => "actor",
            Self::User => "user",
            Self::Source => "source",
        }
    }
}

/// The figure by which series are put in order, the largest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Their cost.
    Cost,
    /// Requests of clients.
    Calls,
    /// Tokens of prompts and answers.
    Tokens,
    /// Uses that failed.
    Errors,
}

impl Order {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Cost => "cost",
            Self::Calls => "calls",
            Self::Tokens => "tokens",
            Self::Errors => "errors",
        }
    }
}

/// Conditions on what is summed up. All that are set must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Of this provider.
    pub provider: Option<String>,
    /// Of this model.
    pub model: Option<String>,
    /// Of this credential.
    pub credential: Option<Uid>,
    /// By this actor, such as `token:abc`.
    pub actor: Option<String>,
    /// By this user.
    pub user: Option<i64>,
}

/// What was used.
#[derive(Debug, Clone, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Used {
    /// Requests of clients.
    pub client_requests: i64,
    /// How often keys were used for it.
    pub requests: i64,
    /// Of these, answered with a status of 400 to 499.
    pub errors_client: i64,
    /// Of these, without an answer, or with another status from 500 on.
    pub errors_provider: i64,
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
    /// Uses of which no price is known.
    pub unpriced: i64,
    /// Milliseconds to the first byte, summed up.
    pub first_byte_ms_sum: i64,
    /// Of so many uses.
    pub first_byte_count: i64,
    /// Milliseconds to the end, summed up.
    pub total_ms_sum: i64,
    /// Of so many uses.
    pub total_count: i64,
}

/// What was used of a series.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct UsedBySeries {
    /// The value of the dimension.
    pub series: String,
    /// The sums.
    #[sqlx(flatten)]
    pub used: Used,
}

/// What was used of a series on a day.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct UsedOnDay {
    /// The first instant of the day.
    pub day_start_ms: i64,
    /// 1 for the sum of all series that are not named.
    pub is_rest: i64,
    /// The value of the dimension; empty for the rest.
    pub series: String,
    /// The sums.
    #[sqlx(flatten)]
    pub used: Used,
}

/// The dimension that `$3` names. One text for all, so that there is one statement to prepare.
macro_rules! key {
    () => {
        "CASE $3 WHEN 'provider' THEN m.provider WHEN 'model' THEN m.model WHEN 'credential' THEN m.credential_uid \
         WHEN 'version' THEN m.version_uid WHEN 'actor' THEN m.actor WHEN 'user' THEN CAST(m.user_id AS TEXT) \
         WHEN 'source' THEN m.source ELSE '' END"
    };
}

macro_rules! figures {
    ($($column:literal),+) => {
        concat!($(", ", total!(concat!("d.", $column)), " AS ", $column),+)
    };
}

macro_rules! grouped {
    ($columns:expr) => {
        concat!(
            "SELECT ",
            $columns,
            figures!(
                "client_requests",
                "requests",
                "errors_client",
                "errors_provider",
                "input_tokens",
                "cached_input_tokens",
                "output_tokens",
                "reasoning_tokens",
                "cost_nano_usd",
                "unpriced",
                "first_byte_ms_sum",
                "first_byte_count",
                "total_ms_sum",
                "total_count"
            ),
            " FROM usage_days d JOIN usage_dims m ON m.uid = d.dims_uid \
             WHERE d.day_start_ms >= $1 AND d.day_start_ms < $2 AND ($4 = '' OR m.provider = $4) \
             AND ($5 = '' OR m.model = $5) AND ($6 = '' OR m.credential_uid = $6) AND ($7 = '' OR m.actor = $7) \
             AND ($8 = -1 OR m.user_id = $8) GROUP BY "
        )
    };
}

macro_rules! fetch_series {
    ($session:expr, $row:ty, $sql:expr, $split:expr, $conditions:expr, $from:expr, $to:expr $(, $bind:expr)*) => {{
        let Conditions { provider, model, credential, actor, user } = $conditions;
        let credential = credential.map(|uid| uid.to_string());
        fetch_all!(
            $session,
            $row,
            $sql,
            $from.0,
            $to.0,
            $split.as_str(),
            provider.as_deref().unwrap_or_default(),
            model.as_deref().unwrap_or_default(),
            credential.as_deref().unwrap_or_default(),
            actor.as_deref().unwrap_or_default(),
            user.unwrap_or(-1)
            $(, $bind)*
        )
    }};
}

/// The largest series of the days that begin within `[from, to)`, at most so many.
///
/// # Errors
/// [`StoreError`].
pub async fn largest(
    session: &mut Session,
    split: Split,
    conditions: &Conditions,
    (from, to): (Millis, Millis),
    order: Order,
    count: i64,
) -> Result<Vec<UsedBySeries>, StoreError> {
    const SQL: &str = concat!(
        "SELECT * FROM (",
        grouped!(concat!(key!(), " AS series")),
        "1) s ORDER BY CASE $9 WHEN 'cost' THEN s.cost_nano_usd WHEN 'calls' THEN s.client_requests \
         WHEN 'tokens' THEN s.input_tokens + s.output_tokens ELSE s.errors_client + s.errors_provider END DESC, \
         s.requests DESC, s.series LIMIT $10"
    );
    fetch_series!(session, UsedBySeries, SQL, split, conditions, from, to, order.as_str(), count)
}

/// The sums of these series over the days that begin within `[from, to)`, and of all others together for each day.
///
/// # Errors
/// [`StoreError`].
pub async fn by_day(
    session: &mut Session,
    split: Split,
    conditions: &Conditions,
    (from, to): (Millis, Millis),
    named: &[String],
) -> Result<Vec<UsedOnDay>, StoreError> {
    // A place that is not used repeats one that is: `IN` holds no less for it.
    const IS_NAMED: &str = "";
    const SQL: &str = concat!(
        grouped!(concat!(
            "d.day_start_ms, CAST(CASE WHEN ",
            key!(),
            " IN ($9, $10, $11, $12, $13, $14) THEN 0 ELSE 1 END AS BIGINT) AS is_rest, CASE WHEN ",
            key!(),
            " IN ($9, $10, $11, $12, $13, $14) THEN ",
            key!(),
            " ELSE '' END AS series"
        )),
        "1, 2, 3 ORDER BY 1, 2, 3"
    );
    let at = |place: usize| named.get(place).or(named.first()).map_or(IS_NAMED, String::as_str);
    fetch_series!(
        session,
        UsedOnDay,
        SQL,
        split,
        conditions,
        from,
        to,
        at(0),
        at(1),
        at(2),
        at(3),
        at(4),
        at(5)
    )
}

/// The name of a credential, as reports show it: of a deleted one with the beginning of its identity.
///
/// # Errors
/// [`StoreError`].
pub async fn credential_name(session: &mut Session, uid: &str) -> Result<Option<String>, StoreError> {
    const SQL: &str = "SELECT name || CASE WHEN deleted_at_ms IS NULL THEN '' ELSE ' (deleted, ' || SUBSTR(uid, 1, 8) || ')' END \
                       FROM api_credentials WHERE uid = $1";
    let row = fetch_optional!(session, (String,), SQL, uid)?;
    Ok(row.map(|(name,)| name))
}

/// The name of a version: its credential's with its number, as `openai-primary v3`.
///
/// # Errors
/// [`StoreError`].
pub async fn version_name(session: &mut Session, uid: &str) -> Result<Option<String>, StoreError> {
    const SQL: &str = "SELECT c.name || CASE WHEN c.deleted_at_ms IS NULL THEN '' ELSE ' (deleted, ' || SUBSTR(c.uid, 1, 8) || ')' END \
                       || ' v' || CAST(v.number AS TEXT) FROM credential_versions v \
                       JOIN api_credentials c ON c.uid = v.credential_uid WHERE v.uid = $1";
    let row = fetch_optional!(session, (String,), SQL, uid)?;
    Ok(row.map(|(name,)| name))
}
