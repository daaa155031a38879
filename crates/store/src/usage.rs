//! Usage records: one line per use of a key, and the sums of a day that outlive them.

use strongroom_model::credential::Source;
use strongroom_model::tag::TagSet;
use strongroom_model::usage::{Metering, TokenUsage};
use strongroom_model::{Amount, LedgerText, Millis, Provider, RawUsage, Uid, UserId};

use crate::REGION;
use crate::dispatch::{execute_rows, fetch_optional};
use crate::error::StoreError;
use crate::session::{Session, Write};
use crate::sum::bounded;

mod context;
mod days;
pub(crate) mod five_minutes;
pub(crate) mod known;

use context::Contexts;
pub(crate) use days::DAY_MS;

/// Why a record was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
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
    /// The operation, such as `chat.completions`.
    pub operation: &'static str,
    /// The actor.
    pub actor: LedgerText,
    /// The user behind the actor.
    pub user: Option<UserId>,
    /// The credential; `None` when the key came from the environment.
    pub credential: Option<Uid>,
    /// The version of it.
    pub version: Option<Uid>,
    /// The provider.
    pub provider: Provider,
    /// The model; empty when there is none.
    pub model: LedgerText,
    /// Where the key came from.
    pub source: Source,
    /// The HTTP status of the answer; 0 when there was none.
    pub status: u16,
    /// Requests that count on the credential.
    pub requests: i64,
    /// Requests that count on the token and the user.
    pub client_requests: i64,
    /// Tokens.
    pub tokens: TokenUsage,
    /// Its cost; `None` when no price is known.
    pub cost_nano_usd: Option<Amount>,
    /// Tokens that limits were charged with.
    pub charged_tokens: Amount,
    /// Dollars that limits were charged with.
    pub charged_nano_usd: Amount,
    /// The source of the tokens.
    pub metering: Metering,
    /// The value of the change counter under which it was admitted.
    pub generation: i64,
    /// From the admission to the head of the answer.
    pub first_byte_ms: Option<i64>,
    /// From the admission to the end of the answer.
    pub total_ms: Option<i64>,
    /// The provider's own usage figures.
    pub raw_usage: Option<RawUsage>,
    /// The request it belongs to.
    pub request_id: Option<LedgerText>,
    /// What it is booked to.
    pub tags: TagSet,
}

/// Tells whether a line was written.
///
/// # Errors
/// [`StoreError`].
pub async fn exists(session: &mut Session, uid: Uid) -> Result<bool, StoreError> {
    const SQL: &str = "SELECT at_ms FROM usage_lines WHERE uid = $1";
    Ok(fetch_optional!(session, (i64,), SQL, uid.to_string())?.is_some())
}

/// Writes lines, and adds them to the sums of their days.
///
/// # Errors
/// [`StoreError`].
pub async fn insert_all(tx: &mut Write, records: &[Record]) -> Result<(), StoreError> {
    let contexts = Contexts::of(records);
    contexts.write(tx).await?;
    let lines: Vec<_> = contexts.with(records).collect();
    execute_rows!(
        tx,
        20,
        "INSERT INTO usage_lines (uid, region, context_uid, at_ms, requests, client_requests, input_tokens, \
         cached_input_tokens, cache_write_tokens, cache_write_long_tokens, output_tokens, reasoning_tokens, cost_nano_usd, \
         charged_tokens, charged_nano_usd, generation, first_byte_ms, total_ms, raw_usage, request_id)",
        "",
        &lines,
        |line| line.0.uid.to_string(),
        REGION,
        line.1.text.as_str(),
        line.0.at.0,
        bounded(line.0.requests),
        bounded(line.0.client_requests),
        line.0.tokens.input.get(),
        line.0.tokens.cached_input.get(),
        line.0.tokens.cache_write.get(),
        line.0.tokens.cache_write_long.get(),
        line.0.tokens.output.get(),
        line.0.tokens.reasoning.get(),
        line.0.cost_nano_usd.map(Amount::get),
        line.0.charged_tokens.get(),
        line.0.charged_nano_usd.get(),
        line.0.generation,
        line.0.first_byte_ms,
        line.0.total_ms,
        line.0.raw_usage.as_ref().map(RawUsage::as_str),
        line.0.request_id.as_ref().map(LedgerText::as_str)
    )?;
    days::add(tx, records, &contexts).await?;
    five_minutes::add(tx, records).await
}
