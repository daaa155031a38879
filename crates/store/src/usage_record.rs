//! Single records of usage, looked up: a page of those that match, and all of one request.
//!
//! The identity of a record begins with its instant, so that the key of the ledger serves every question about time; there is no
//! other index on it, which each call would have to write. A search for something rare looks at [`MAX_LOOKED_AT`] records at the
//! most and tells how far back it came.

use strongroom_model::credential::Source;
use strongroom_model::{Millis, Uid};

use crate::dynamic::Statement;
use crate::error::StoreError;
use crate::session::Session;
use crate::usage::Kind;

/// Records that one search looks at, at the most.
pub const MAX_LOOKED_AT: i64 = 50_000;
/// Records that are looked at in one statement, the first ones first: most pages are full after a few.
const STEPS: [i64; 4] = [1_000, 4_000, 15_000, 30_000];
/// Around the instant that a request's id begins with, its records are looked for: nearly always within the first.
const AROUND_MS: [(i64, i64); 2] = [(5_000, 30_000), (120_000, 900_000)];

/// Whose records may be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// Everybody's.
    All,
    /// Those of one actor, such as `token:abc`.
    Actor(String),
    /// Those of a user, by whatever token.
    User(i64),
}

/// Conditions on records; all of them hold.
#[derive(Debug, Clone)]
pub struct RecordFilter {
    /// Whose.
    pub whose: Whose,
    /// Not before.
    pub from: Millis,
    /// Before.
    pub to: Millis,
    /// The provider.
    pub provider: Option<String>,
    /// The provider's name of the model.
    pub model: Option<String>,
    /// The credential.
    pub credential: Option<Uid>,
    /// The actor, such as `token:abc`.
    pub actor: Option<String>,
    /// The user.
    pub user: Option<i64>,
    /// Where the key came from.
    pub source: Option<Source>,
    /// Why the record was written.
    pub kind: Option<Kind>,
    /// Statuses, the first and the last of a range. Several are alternatives.
    pub statuses: Vec<(u16, u16)>,
}

impl Default for RecordFilter {
    fn default() -> Self {
        Self {
            whose: Whose::All,
            from: Millis(0),
            to: Millis(i64::MAX),
            provider: None,
            model: None,
            credential: None,
            actor: None,
            user: None,
            source: None,
            kind: None,
            statuses: Vec::new(),
        }
    }
}

impl RecordFilter {
    fn put_into(&self, sql: &mut Statement) {
        whose(&self.whose, sql);
        let texts = [
            ("m.provider", self.provider.clone()),
            ("m.model", self.model.clone()),
            ("m.credential_uid", self.credential.map(|uid| uid.to_string())),
            ("m.actor", self.actor.clone()),
            ("m.source", self.source.map(|source| source.as_str().to_owned())),
            ("m.kind", self.kind.map(|kind| kind.as_str().to_owned())),
        ];
        for (column, text) in texts {
            if let Some(text) = text {
                sql.push(" AND ").push(column).push(" = ").bind(text);
            }
        }
        if let Some(user) = self.user {
            sql.push(" AND m.user_id = ").bind(user);
        }
        for (at, (first, last)) in self.statuses.iter().enumerate() {
            sql.push(if at == 0 { " AND (c.status BETWEEN " } else { " OR c.status BETWEEN " });
            sql.bind(i64::from(*first)).push(" AND ").bind(i64::from(*last));
        }
        if !self.statuses.is_empty() {
            sql.push(")");
        }
    }
}

fn whose(whose: &Whose, sql: &mut Statement) {
    match whose {
        Whose::All => {}
        Whose::Actor(actor) => {
            sql.push(" AND m.actor = ").bind(actor.as_str());
        }
        Whose::User(user) => {
            sql.push(" AND m.user_id = ").bind(*user);
        }
    }
}

/// A record with the names of what it is about.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct FoundRecord {
    /// Its identity, which is the cursor of the page behind it.
    pub uid: String,
    /// When it was admitted.
    pub at_ms: i64,
    /// Why it was written.
    pub kind: String,
    /// The operation.
    pub operation: String,
    /// The actor.
    pub actor: String,
    /// The name of the token; empty where there is none.
    pub token_name: String,
    /// The user's number; 0 without one.
    pub user_id: i64,
    /// The credential's identity; empty for a key of the environment.
    pub credential_uid: String,
    /// Its name, with the beginning of its identity when it is deleted.
    pub credential: String,
    /// The number of its version; 0 where there is none.
    pub version: i64,
    /// The provider.
    pub provider: String,
    /// The model.
    pub model: String,
    /// Where the key came from.
    pub source: String,
    /// The tags, canonical JSON; empty without.
    pub tags: String,
    /// The HTTP status of the answer; 0 when there was none.
    pub status: i64,
    /// Requests that count on the credential.
    pub requests: i64,
    /// Requests that count on token and user.
    pub client_requests: i64,
    /// Tokens of the prompt.
    pub input_tokens: i64,
    /// Of these, read from a cache.
    pub cached_input_tokens: i64,
    /// Of these, written to a cache.
    pub cache_write_tokens: i64,
    /// Tokens of the answer.
    pub output_tokens: i64,
    /// Of these, reasoning.
    pub reasoning_tokens: i64,
    /// The cost; `None` when no price is known.
    pub cost_nano_usd: Option<i64>,
    /// Tokens that limits were charged with.
    pub charged_tokens: i64,
    /// Dollars that limits were charged with.
    pub charged_nano_usd: i64,
    /// The source of the figures.
    pub metering: String,
    /// From the admission to the head of the answer.
    pub first_byte_ms: Option<i64>,
    /// From the admission to its end.
    pub total_ms: Option<i64>,
    /// The provider's own figures.
    pub raw_usage: Option<String>,
    /// The request it belongs to.
    pub request_id: Option<String>,
}

const SELECT: &str = "SELECT l.uid, l.at_ms, m.kind, m.operation, m.actor, \
    COALESCE((SELECT t.name FROM tokens t WHERE t.id = SUBSTR(m.actor, 7) AND m.actor LIKE 'token:%'), '') AS token_name, \
    m.user_id, m.credential_uid, COALESCE((SELECT a.name || CASE WHEN a.deleted_at_ms IS NULL THEN '' \
    ELSE ' (deleted, ' || SUBSTR(a.uid, 1, 8) || ')' END FROM api_credentials a WHERE a.uid = m.credential_uid), \
    m.credential_uid) AS credential, \
    COALESCE((SELECT v.number FROM credential_versions v WHERE v.uid = m.version_uid), 0) AS version, \
    m.provider, m.model, m.source, COALESCE((SELECT s.tags FROM tag_sets s WHERE s.uid = m.tag_set_uid), '') AS tags, \
    c.status, l.requests, l.client_requests, l.input_tokens, l.cached_input_tokens, \
    l.cache_write_tokens + l.cache_write_long_tokens AS cache_write_tokens, l.output_tokens, l.reasoning_tokens, \
    l.cost_nano_usd, l.charged_tokens, l.charged_nano_usd, c.metering, l.first_byte_ms, l.total_ms, l.raw_usage, l.request_id \
    FROM usage_lines l JOIN usage_contexts c ON c.uid = l.context_uid JOIN usage_dims m ON m.uid = c.dims_uid";

/// The first identity of an instant, as far as there are such instants.
fn first_uid(at: Millis) -> String {
    format!("{:012x}", at.0.clamp(0, 0xffff_ffff_ffff))
}

/// The instant that an identity begins with.
fn instant_of(uid: &str) -> Option<Millis> {
    uid.get(..12).and_then(|digits| i64::from_str_radix(digits, 16).ok()).map(Millis)
}

/// Where the records before an identity begin that are looked at together, and how many these are.
async fn floor(
    session: &mut Session,
    below: &str,
    least: &str,
    count: i64,
) -> Result<(Option<String>, i64), StoreError> {
    let mut sql = Statement::new(
        "SELECT MIN(x.uid), CAST(COUNT(*) AS BIGINT) FROM (SELECT uid FROM usage_lines WHERE uid < ",
    );
    sql.bind(below).push(" AND uid >= ").bind(least);
    sql.push(" ORDER BY uid DESC LIMIT ").bind(count).push(") x");
    let rows: Vec<(Option<String>, i64)> = sql.fetch_all(session).await?;
    Ok(rows.into_iter().next().unwrap_or_default())
}

/// A page of records, and where the search ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundPage {
    /// The records, the newest first.
    pub records: Vec<FoundRecord>,
    /// Where to go on: at records with lower identities. `None` at the end.
    pub next: Option<String>,
    /// How far back it has looked, if it was given up before the page was full.
    pub looked_back_to: Option<Millis>,
}

/// The newest records that match and have lower identities than this one.
///
/// # Errors
/// [`StoreError`].
pub async fn list(
    session: &mut Session,
    filter: &RecordFilter,
    before: Option<Uid>,
    count: usize,
) -> Result<FoundPage, StoreError> {
    let least = first_uid(filter.from);
    let mut below =
        before.map_or_else(|| first_uid(filter.to), |uid| uid.to_string().min(first_uid(filter.to)));
    let mut records: Vec<FoundRecord> = Vec::new();
    for step in STEPS {
        let (Some(floor), looked_at) = floor(session, &below, &least, step).await? else {
            return Ok(FoundPage { records, next: None, looked_back_to: None });
        };
        let mut sql = Statement::new(SELECT);
        sql.push(" WHERE l.uid < ").bind(below.as_str()).push(" AND l.uid >= ").bind(floor.as_str());
        filter.put_into(&mut sql);
        let wanted = i64::try_from(count - records.len()).unwrap_or(i64::MAX);
        sql.push(" ORDER BY l.uid DESC LIMIT ").bind(wanted);
        records.extend(sql.fetch_all::<FoundRecord>(session).await?);
        if records.len() >= count {
            let next = records.last().map(|last| last.uid.clone());
            return Ok(FoundPage { records, next, looked_back_to: None });
        }
        if looked_at < step {
            return Ok(FoundPage { records, next: None, looked_back_to: None });
        }
        below = floor;
    }
    Ok(FoundPage { records, looked_back_to: instant_of(&below), next: Some(below) })
}

/// The records of a request, by its id or by that of one of them, in the order of time: a call has one for each credential that
/// was tried. An id that does not begin with the instant of its request is looked for among the newest [`MAX_LOOKED_AT`] records.
///
/// # Errors
/// [`StoreError`].
pub async fn find(session: &mut Session, id: Uid, seen_by: &Whose) -> Result<Vec<FoundRecord>, StoreError> {
    let id = id.to_string();
    let mut sql = Statement::new(SELECT);
    sql.push(" WHERE l.uid = ").bind(id.as_str());
    whose(seen_by, &mut sql);
    let one: Vec<FoundRecord> = sql.fetch_all(session).await?;
    let (request, at) = match one.first() {
        None => (id.clone(), instant_of(&id)),
        Some(FoundRecord { request_id: Some(request), at_ms, .. }) => (request.clone(), Some(Millis(*at_ms))),
        Some(_) => return Ok(one),
    };
    let mut found = Vec::new();
    for (back, ahead) in AROUND_MS {
        let Some(at) = at else { break };
        let (least, below) = (first_uid(Millis(at.0 - back)), first_uid(Millis(at.0 + ahead)));
        found = of_request(session, &request, (&least, &below), seen_by).await?;
        // The last record of a call is none of an attempt.
        if found.last().is_some_and(|last| last.kind != Kind::Attempt.as_str()) {
            return Ok(found);
        }
    }
    if found.is_empty() {
        let below = first_uid(Millis(i64::MAX));
        if let (Some(least), _) = floor(session, &below, "", MAX_LOOKED_AT).await? {
            found = of_request(session, &request, (&least, &below), seen_by).await?;
        }
    }
    Ok(if found.is_empty() { one } else { found })
}

async fn of_request(
    session: &mut Session,
    request: &str,
    (least, below): (&str, &str),
    seen_by: &Whose,
) -> Result<Vec<FoundRecord>, StoreError> {
    let mut sql = Statement::new(SELECT);
    sql.push(" WHERE l.uid >= ").bind(least).push(" AND l.uid < ").bind(below);
    sql.push(" AND l.request_id = ").bind(request);
    whose(seen_by, &mut sql);
    sql.push(" ORDER BY l.uid");
    sql.fetch_all(session).await
}
