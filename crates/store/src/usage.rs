//! Usage records: one line per use of a key, and the sums of a day that outlive them.

use std::collections::BTreeMap;

use strongroom_model::credential::Source;
use strongroom_model::usage::{Metering, TokenUsage};
use strongroom_model::{Millis, Provider, Uid, UserId};

use crate::REGION;
use crate::dispatch::{execute_rows, fetch_optional};
use crate::error::StoreError;
use crate::session::{Session, Write};

const DAY_MS: i64 = 86_400_000;

/// Why a record was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A key was handed out.
    Read,
    /// A program said that it used a key.
    Recorded,
    /// A call was made with a key that the program did not see.
    Call,
    /// A call was refused by the provider, and another credential served it.
    Attempt,
    /// A call that ended after others had settled what its server held: the counters have it already.
    Late,
}

impl Kind {
    /// The name in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Recorded => "recorded",
            Self::Call => "call",
            Self::Attempt => "attempt",
            Self::Late => "late",
        }
    }
}

/// A line of the ledger.
#[derive(Debug, Clone)]
pub struct Record {
    /// Its identity; begins with the instant, so that its order is that of time.
    pub uid: Uid,
    /// When it was admitted: the instant that decides its windows.
    pub at: Millis,
    /// Why.
    pub kind: Kind,
    /// What was done, such as `chat.completions`.
    pub operation: &'static str,
    /// Who.
    pub actor: String,
    /// The user behind the actor.
    pub user: Option<UserId>,
    /// The credential; `None` when the key came from the environment.
    pub credential: Option<Uid>,
    /// The version of it.
    pub version: Option<Uid>,
    /// The provider.
    pub provider: Provider,
    /// The model; empty when there is none.
    pub model: String,
    /// Where the key came from.
    pub source: Source,
    /// The HTTP status of the answer; 0 when there was none.
    pub status: u16,
    /// What counts on the credential.
    pub requests: i64,
    /// What counts on the token and the user.
    pub client_requests: i64,
    /// Tokens.
    pub tokens: TokenUsage,
    /// What it cost; `None` when no price is known.
    pub cost_nano_usd: Option<i64>,
    /// Tokens that limits were charged with.
    pub charged_tokens: i64,
    /// Dollars that limits were charged with.
    pub charged_nano_usd: i64,
    /// What the tokens rest on.
    pub metering: Metering,
    /// The value of the change counter under which it was admitted.
    pub generation: i64,
    /// From the admission to the head of the answer.
    pub first_byte_ms: Option<i64>,
    /// From the admission to the end of the answer.
    pub total_ms: Option<i64>,
    /// The provider's own usage figures, as JSON.
    pub raw_usage: Option<String>,
    /// The request it belongs to.
    pub request_id: Option<String>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct DayKey<'a> {
    day_start_ms: i64,
    kind: &'static str,
    actor: &'a str,
    user: i64,
    credential: String,
    version: String,
    provider: &'a str,
    model: &'a str,
    source: &'static str,
}

#[derive(Default)]
struct DaySums {
    requests: i64,
    client_requests: i64,
    errors: i64,
    tokens: TokenUsage,
    cost: i64,
    unpriced: i64,
    charged_tokens: i64,
    charged_nano_usd: i64,
}

fn text(uid: Option<Uid>) -> String {
    uid.map(|uid| uid.to_string()).unwrap_or_default()
}

/// Whether a line was written.
///
/// # Errors
/// [`StoreError`].
pub async fn exists(session: &mut Session, uid: Uid) -> Result<bool, StoreError> {
    const SQL: &str = "SELECT at_ms FROM usage_records WHERE uid = $1";
    Ok(fetch_optional!(session, (i64,), SQL, uid.to_string())?.is_some())
}

/// Writes lines, and adds them to the sums of their days.
///
/// # Errors
/// [`StoreError`].
pub async fn insert_all(tx: &mut Write, records: &[Record]) -> Result<(), StoreError> {
    execute_rows!(
        tx,
        30,
        "INSERT INTO usage_records (uid, region, at_ms, kind, operation, actor, user_id, credential_uid, version_uid, \
         provider, model, source, status, requests, client_requests, input_tokens, cached_input_tokens, \
         cache_write_tokens, cache_write_long_tokens, output_tokens, reasoning_tokens, cost_nano_usd, charged_tokens, \
         charged_nano_usd, metering, generation, first_byte_ms, total_ms, raw_usage, request_id)",
        "",
        records,
        |record| record.uid.to_string(),
        REGION,
        record.at.0,
        record.kind.as_str(),
        record.operation,
        record.actor.as_str(),
        record.user.map(|user| user.0),
        record.credential.map(|uid| uid.to_string()),
        record.version.map(|uid| uid.to_string()),
        record.provider.as_str(),
        record.model.as_str(),
        record.source.as_str(),
        i64::from(record.status),
        record.requests,
        record.client_requests,
        record.tokens.input,
        record.tokens.cached_input,
        record.tokens.cache_write,
        record.tokens.cache_write_long,
        record.tokens.output,
        record.tokens.reasoning,
        record.cost_nano_usd,
        record.charged_tokens,
        record.charged_nano_usd,
        record.metering.as_str(),
        record.generation,
        record.first_byte_ms,
        record.total_ms,
        record.raw_usage.as_deref(),
        record.request_id.as_deref()
    )?;
    let mut days: BTreeMap<DayKey<'_>, DaySums> = BTreeMap::new();
    for record in records {
        let key = DayKey {
            day_start_ms: record.at.0 - record.at.0.rem_euclid(DAY_MS),
            kind: record.kind.as_str(),
            actor: &record.actor,
            user: record.user.map_or(0, |user| user.0),
            credential: text(record.credential),
            version: text(record.version),
            provider: record.provider.as_str(),
            model: &record.model,
            source: record.source.as_str(),
        };
        let sums = days.entry(key).or_default();
        sums.requests += record.requests;
        sums.client_requests += record.client_requests;
        sums.errors += i64::from(record.status == 0 || record.status >= 400);
        sums.tokens.input += record.tokens.input;
        sums.tokens.cached_input += record.tokens.cached_input;
        sums.tokens.cache_write += record.tokens.cache_write;
        sums.tokens.cache_write_long += record.tokens.cache_write_long;
        sums.tokens.output += record.tokens.output;
        sums.tokens.reasoning += record.tokens.reasoning;
        sums.cost += record.cost_nano_usd.unwrap_or(0);
        sums.unpriced += i64::from(record.cost_nano_usd.is_none());
        sums.charged_tokens += record.charged_tokens;
        sums.charged_nano_usd += record.charged_nano_usd;
    }
    let days: Vec<_> = days.iter().collect();
    execute_rows!(
        tx,
        23,
        "INSERT INTO usage_days (day_start_ms, region, kind, actor, user_id, credential_uid, version_uid, provider, model, \
         source, requests, client_requests, errors, input_tokens, cached_input_tokens, cache_write_tokens, \
         cache_write_long_tokens, output_tokens, reasoning_tokens, cost_nano_usd, unpriced, charged_tokens, \
         charged_nano_usd)",
        "ON CONFLICT (day_start_ms, region, kind, actor, user_id, credential_uid, version_uid, provider, model, source) \
         DO UPDATE SET requests = usage_days.requests + excluded.requests, \
         client_requests = usage_days.client_requests + excluded.client_requests, \
         errors = usage_days.errors + excluded.errors, \
         input_tokens = usage_days.input_tokens + excluded.input_tokens, \
         cached_input_tokens = usage_days.cached_input_tokens + excluded.cached_input_tokens, \
         cache_write_tokens = usage_days.cache_write_tokens + excluded.cache_write_tokens, \
         cache_write_long_tokens = usage_days.cache_write_long_tokens + excluded.cache_write_long_tokens, \
         output_tokens = usage_days.output_tokens + excluded.output_tokens, \
         reasoning_tokens = usage_days.reasoning_tokens + excluded.reasoning_tokens, \
         cost_nano_usd = usage_days.cost_nano_usd + excluded.cost_nano_usd, \
         unpriced = usage_days.unpriced + excluded.unpriced, \
         charged_tokens = usage_days.charged_tokens + excluded.charged_tokens, \
         charged_nano_usd = usage_days.charged_nano_usd + excluded.charged_nano_usd",
        &days,
        |day| day.0.day_start_ms,
        REGION,
        day.0.kind,
        day.0.actor,
        day.0.user,
        day.0.credential.as_str(),
        day.0.version.as_str(),
        day.0.provider,
        day.0.model,
        day.0.source,
        day.1.requests,
        day.1.client_requests,
        day.1.errors,
        day.1.tokens.input,
        day.1.tokens.cached_input,
        day.1.tokens.cache_write,
        day.1.tokens.cache_write_long,
        day.1.tokens.output,
        day.1.tokens.reasoning,
        day.1.cost,
        day.1.unpriced,
        day.1.charged_tokens,
        day.1.charged_nano_usd
    )?;
    Ok(())
}
