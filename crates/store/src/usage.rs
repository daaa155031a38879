//! Usage records: one line per use of a key, and the sums of a day that outlive them.

use std::collections::{BTreeMap, HashMap};

use sha2::{Digest, Sha256};
use strongroom_model::credential::Source;
use strongroom_model::usage::{Metering, TokenUsage};
use strongroom_model::{Amount, LedgerText, Millis, Provider, RawUsage, Uid, UserId};

use crate::REGION;
use crate::dispatch::{execute_rows, fetch_optional};
use crate::error::StoreError;
use crate::session::{Session, Write};

const DAY_MS: i64 = 86_400_000;

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
    /// What was done, such as `chat.completions`.
    pub operation: &'static str,
    /// Who.
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
    /// What counts on the credential.
    pub requests: i64,
    /// What counts on the token and the user.
    pub client_requests: i64,
    /// Tokens.
    pub tokens: TokenUsage,
    /// What it cost; `None` when no price is known.
    pub cost_nano_usd: Option<Amount>,
    /// Tokens that limits were charged with.
    pub charged_tokens: Amount,
    /// Dollars that limits were charged with.
    pub charged_nano_usd: Amount,
    /// What the tokens rest on.
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
}

/// What many records have in common. It is written once and named by what it holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Context<'a> {
    kind: Kind,
    operation: &'a str,
    actor: &'a str,
    user: Option<UserId>,
    credential: Option<Uid>,
    version: Option<Uid>,
    provider: &'a str,
    model: &'a str,
    source: Source,
    status: u16,
    metering: Metering,
}

impl<'a> Context<'a> {
    fn of(record: &'a Record) -> Self {
        Self {
            kind: record.kind,
            operation: record.operation,
            actor: record.actor.as_str(),
            user: record.user,
            credential: record.credential,
            version: record.version,
            provider: record.provider.as_str(),
            model: record.model.as_str(),
            source: record.source,
            status: record.status,
            metering: record.metering,
        }
    }

    /// The first half of a SHA-256 over everything in it, so that servers that write the same one agree on its name.
    fn uid(&self) -> Uid {
        let mut digest = Sha256::new();
        let number = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
        for text in [
            REGION,
            self.kind.as_str(),
            self.operation,
            self.actor,
            &number(self.user.map(|user| user.0)),
            &text(self.credential),
            &text(self.version),
            self.provider,
            self.model,
            self.source.as_str(),
            &number(Some(i64::from(self.status))),
            self.metering.as_str(),
        ] {
            digest.update((text.len() as u64).to_be_bytes());
            digest.update(text);
        }
        let digest: [u8; 32] = digest.finalize().into();
        let mut uid = [0; 16];
        uid.copy_from_slice(&digest[..16]);
        Uid::from_bytes(uid)
    }
}

/// The contexts of some records, and which record has which.
#[derive(Default)]
struct Contexts<'a> {
    found: Vec<(Context<'a>, String)>,
    places: HashMap<Context<'a>, usize>,
    of_records: Vec<usize>,
}

impl<'a> Contexts<'a> {
    fn of(records: &'a [Record]) -> Self {
        let mut all = Self::default();
        let mut last = None;
        for record in records {
            let context = Context::of(record);
            // Most records have the context of the one before.
            let place = match last {
                Some((before, place)) if before == context => place,
                _ => *all.places.entry(context).or_insert_with(|| {
                    all.found.push((context, context.uid().to_string()));
                    all.found.len() - 1
                }),
            };
            last = Some((context, place));
            all.of_records.push(place);
        }
        all
    }

    /// In the order of their names: two servers that write the same ones do not wait for each other in a circle.
    fn in_order(&self) -> Vec<&(Context<'a>, String)> {
        let mut sorted: Vec<_> = self.found.iter().collect();
        sorted.sort_unstable_by(|one, other| one.1.cmp(&other.1));
        sorted
    }
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

impl<'a> DayKey<'a> {
    fn of(day_start_ms: i64, context: &Context<'a>) -> Self {
        Self {
            day_start_ms,
            kind: context.kind.as_str(),
            actor: context.actor,
            user: context.user.map_or(0, |user| user.0),
            credential: text(context.credential),
            version: text(context.version),
            provider: context.provider,
            model: context.model,
            source: context.source.as_str(),
        }
    }
}

/// Sums of one batch: a few hundred amounts, which stay far from the end of 64 bits.
#[derive(Clone, Copy, Default)]
struct DaySums {
    requests: i64,
    client_requests: i64,
    errors: i64,
    input: i64,
    cached_input: i64,
    cache_write: i64,
    cache_write_long: i64,
    output: i64,
    reasoning: i64,
    cost: i64,
    unpriced: i64,
    charged_tokens: i64,
    charged_nano_usd: i64,
}

impl DaySums {
    fn add(&mut self, record: &Record) {
        self.requests += record.requests;
        self.client_requests += record.client_requests;
        self.errors += i64::from(record.status == 0 || record.status >= 400);
        self.input += record.tokens.input.get();
        self.cached_input += record.tokens.cached_input.get();
        self.cache_write += record.tokens.cache_write.get();
        self.cache_write_long += record.tokens.cache_write_long.get();
        self.output += record.tokens.output.get();
        self.reasoning += record.tokens.reasoning.get();
        self.cost += record.cost_nano_usd.map_or(0, Amount::get);
        self.unpriced += i64::from(record.cost_nano_usd.is_none());
        self.charged_tokens += record.charged_tokens.get();
        self.charged_nano_usd += record.charged_nano_usd.get();
    }

    fn merge(&mut self, other: &Self) {
        self.requests += other.requests;
        self.client_requests += other.client_requests;
        self.errors += other.errors;
        self.input += other.input;
        self.cached_input += other.cached_input;
        self.cache_write += other.cache_write;
        self.cache_write_long += other.cache_write_long;
        self.output += other.output;
        self.reasoning += other.reasoning;
        self.cost += other.cost;
        self.unpriced += other.unpriced;
        self.charged_tokens += other.charged_tokens;
        self.charged_nano_usd += other.charged_nano_usd;
    }
}

fn text(uid: Option<Uid>) -> String {
    uid.map(|uid| uid.to_string()).unwrap_or_default()
}

/// Whether a line was written.
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
    execute_rows!(
        tx,
        13,
        "INSERT INTO usage_contexts (uid, region, kind, operation, actor, user_id, credential_uid, version_uid, provider, \
         model, source, status, metering)",
        "ON CONFLICT (uid) DO NOTHING",
        &contexts.in_order(),
        |one| one.1.as_str(),
        REGION,
        one.0.kind.as_str(),
        one.0.operation,
        one.0.actor,
        one.0.user.map(|user| user.0),
        one.0.credential.map(|uid| uid.to_string()),
        one.0.version.map(|uid| uid.to_string()),
        one.0.provider,
        one.0.model,
        one.0.source.as_str(),
        i64::from(one.0.status),
        one.0.metering.as_str()
    )?;
    let lines: Vec<_> = records.iter().zip(&contexts.of_records).collect();
    execute_rows!(
        tx,
        19,
        "INSERT INTO usage_lines (uid, context_uid, at_ms, requests, client_requests, input_tokens, cached_input_tokens, \
         cache_write_tokens, cache_write_long_tokens, output_tokens, reasoning_tokens, cost_nano_usd, charged_tokens, \
         charged_nano_usd, generation, first_byte_ms, total_ms, raw_usage, request_id)",
        "",
        &lines,
        |line| line.0.uid.to_string(),
        contexts.found[*line.1].1.as_str(),
        line.0.at.0,
        line.0.requests,
        line.0.client_requests,
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
    let mut sums: HashMap<(i64, usize), DaySums> = HashMap::new();
    for (record, context) in records.iter().zip(&contexts.of_records) {
        sums.entry((record.at.0 - record.at.0.rem_euclid(DAY_MS), *context)).or_default().add(record);
    }
    // Contexts that differ by what a day's sums do not tell apart come together.
    let mut days: BTreeMap<DayKey<'_>, DaySums> = BTreeMap::new();
    for ((day, context), sums) in &sums {
        days.entry(DayKey::of(*day, &contexts.found[*context].0)).or_default().merge(sums);
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
        day.1.input,
        day.1.cached_input,
        day.1.cache_write,
        day.1.cache_write_long,
        day.1.output,
        day.1.reasoning,
        day.1.cost,
        day.1.unpriced,
        day.1.charged_tokens,
        day.1.charged_nano_usd
    )?;
    Ok(())
}
