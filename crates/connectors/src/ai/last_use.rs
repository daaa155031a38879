//! Last use: what providers tell of when a key was last used, by whomever.
//!
//! Sources: <https://platform.openai.com/docs/api-reference/project-api-keys> (`last_used_at`, for an admin key),
//! <https://openrouter.ai/docs/api-reference/limits> (what was spent in the present UTC day, week and month, for the key
//! itself). The other providers tell nothing of the kind over an API.

use reqwest::Method;
use serde_json::Value;
pub use strongroom_model::provider::Teller;
use strongroom_model::{Millis, Problem, ProblemKind, Provider, Secret, month};
use url::Url;

use super::answer::{Answer, Body};
use super::minting::{Minter, in_project};
use super::unreachable;
use super::{Account, ProviderApi};
use crate::endpoint_guard::GuardedClient;

const DAY_MS: i64 = 86_400_000;
/// Keys of a project in one answer: with more it could be longer than is read.
const PAGE: usize = 50;
/// Pages of a project that are read at the most.
const MOST_PAGES: usize = 40;
/// Fewer characters at the end of a key that is shown in part do not tell it from others.
const LEAST_END: usize = 3;

/// Returns the call by which this provider tells.
#[must_use]
pub fn teller(provider: &Provider) -> Teller {
    provider.api().last_use
}

/// Last use of a key, as its provider tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastUse {
    /// It was used at this instant, and not since.
    At(Millis),
    /// It was used at some time since this instant.
    Since(Millis),
    /// It was used at some time before this instant, and not since.
    Before(Millis),
    /// It was never used.
    Never,
    /// The provider does not accept it any more.
    Refused,
    /// The provider's list of keys does not have it.
    Unlisted,
}

/// Asks a provider that tells [`Teller::Key`].
///
/// # Errors
/// [`Problem`] in our words.
pub async fn of_key(client: &GuardedClient, account: Account<'_>, now: Millis) -> Result<LastUse, Problem> {
    let provider = account.provider;
    let answer = get(client, account, provider.api().last_use_path, &[]).await?;
    match answer.status.as_u16() {
        200..=299 => spent(&answer, now).ok_or_else(|| unclear(provider)),
        401 => Ok(LastUse::Refused),
        _ => Err(refused(provider, &answer)),
    }
}

/// Returns the amount spent in a period that began at an instant; `None` when it is not said.
fn in_period(answer: &Answer, period: &str) -> Option<f64> {
    let number = |name: String| answer.value(&name).and_then(Value::as_f64);
    let own = number(format!("/data/usage{period}"))?;
    // Of calls with a key that the account brought along; older answers do not have it.
    Some(own + number(format!("/data/byok_usage{period}")).unwrap_or(0.0))
}

fn spent(answer: &Answer, now: Millis) -> Option<LastUse> {
    let day = now.0 - now.0.rem_euclid(DAY_MS);
    // The epoch was a Thursday; OpenRouter's weeks begin on Mondays.
    let week = day - (day / DAY_MS + 3).rem_euclid(7) * DAY_MS;
    if in_period(answer, "")? <= 0.0 {
        return Some(LastUse::Never);
    }
    let periods = [("_daily", day), ("_weekly", week), ("_monthly", month::start(now).0)];
    let mut unused_since = None;
    for (period, start) in periods {
        if in_period(answer, period)? <= 0.0 {
            unused_since = Some(unused_since.map_or(start, |since: i64| since.min(start)));
        }
    }
    Some(unused_since.map_or(LastUse::Since(Millis(day)), |since| LastUse::Before(Millis(since))))
}

/// A key as a list of OpenAI's shows it.
#[derive(Debug, Clone)]
struct Listed {
    /// The first and the last characters of the key.
    ends: (String, String),
    /// Name of the service account whose key it is.
    owner: Option<String>,
    last_used: Option<Millis>,
}

/// The keys of a project, as [`Teller::Minter`] tells them.
#[derive(Debug, Clone)]
pub struct Listing(Vec<Listed>);

/// Asks a provider that tells [`Teller::Minter`] for all keys of the minter's project.
///
/// # Errors
/// [`Problem`] in our words.
pub async fn list(client: &GuardedClient, minter: Minter<'_>) -> Result<Listing, Problem> {
    let Minter { provider, endpoint, key, project } = minter;
    let project = project.filter(|project| !project.is_empty()).ok_or_else(|| {
        Problem::invalid("rotateWith.project", "keys of this provider are listed by project: name it")
    })?;
    let path = in_project(provider.api().last_use_path, project);
    let (mut listed, mut after) = (Vec::new(), None::<String>);
    for _ in 0..MOST_PAGES {
        let limit = PAGE.to_string();
        let mut query = vec![("limit", limit.as_str())];
        query.extend(after.as_deref().map(|after| ("after", after)));
        let answer = get(client, Account { provider, endpoint, key }, &path, &query).await?;
        if !answer.status.is_success() {
            return Err(refused(provider, &answer));
        }
        let page = answer.value("/data").and_then(Value::as_array).ok_or_else(|| unclear(provider))?;
        listed.extend(page.iter().filter_map(shown));
        let last = page.last().and_then(|it| it.get("id")?.as_str()).map(str::to_owned);
        let has_more = answer.value("/has_more").and_then(Value::as_bool).unwrap_or(false);
        match last.filter(|last| has_more && after.as_ref() != Some(last)) {
            Some(last) => after = Some(last),
            None => return Ok(Listing(listed)),
        }
    }
    Err(Problem::new(
        ProblemKind::BadGateway,
        format!("the project has more than {} keys; look in the provider's console", PAGE * MOST_PAGES),
    ))
}

fn shown(item: &Value) -> Option<Listed> {
    let text = item.get("redacted_value")?.as_str()?;
    let of_key = |letter: &char| letter.is_ascii_alphanumeric() || ['-', '_'].contains(letter);
    let first: String = text.chars().take_while(of_key).collect();
    let mut last: Vec<char> = text.chars().rev().take_while(of_key).collect();
    last.reverse();
    let last_used = item.get("last_used_at").and_then(Value::as_i64);
    Some(Listed {
        ends: (first, last.into_iter().collect()),
        owner: item.pointer("/owner/service_account/id").and_then(Value::as_str).map(str::to_owned),
        last_used: last_used.filter(|at| (1..1 << 40).contains(at)).map(|at| Millis(at * 1000)),
    })
}

impl Listing {
    /// Returns the last use of a key: of one that the provider has made for us by its name there, of another one by its ends. Where
    /// several look alike, of the one that was used last.
    #[must_use]
    pub fn of(&self, key: &Secret, provider_key: Option<&str>) -> LastUse {
        let key = key.expose();
        let is_it = |listed: &&Listed| {
            let (first, last) = &listed.ends;
            let is_same =
                last.len() >= LEAST_END && key.starts_with(first.as_str()) && key.ends_with(last.as_str());
            is_same || provider_key.is_some_and(|name| listed.owner.as_deref() == Some(name))
        };
        let mut found = self.0.iter().filter(is_it).peekable();
        if found.peek().is_none() {
            return LastUse::Unlisted;
        }
        found.filter_map(|listed| listed.last_used).max().map_or(LastUse::Never, LastUse::At)
    }
}

fn unclear(provider: &Provider) -> Problem {
    Problem::new(
        ProblemKind::BadGateway,
        format!("the answer of {provider} does not say when the key was used: check the endpoint"),
    )
}

fn refused(provider: &Provider, answer: &Answer) -> Problem {
    let status = answer.status.as_u16();
    let mend = match status {
        401 | 403 => "check that the credential to rotate with holds a key that may list keys",
        404 => "check the endpoint and the project",
        429 => "try again later",
        _ => "look at the provider's status page",
    };
    Problem::new(
        ProblemKind::BadGateway,
        format!("{provider} did not tell of its keys (HTTP {status}): {mend}"),
    )
}

async fn get(
    client: &GuardedClient,
    account: Account<'_>,
    path: &[&str],
    query: &[(&str, &str)],
) -> Result<Answer, Problem> {
    let Account { provider, endpoint, key } = account;
    let base = endpoint.or_else(|| provider.base_url());
    let base = base.ok_or_else(|| Problem::invalid("endpoint", "no address is known for this provider"))?;
    let url = place(client.guard().check(base)?, path, query);
    let (name, value) = ProviderApi::of(provider).key_header.with(key).map_err(|_| {
        Problem::new(ProblemKind::Unprocessable, "the key to ask with has characters that cannot be sent")
    })?;
    let unreachable = |error: reqwest::Error| {
        let why = unreachable::explain(&error, client);
        Problem::new(ProblemKind::BadGateway, format!("{provider} cannot be asked: {why}"))
    };
    let response = client.request(Method::GET, url)?.header(name, value).send().await.map_err(unreachable)?;
    let answer = Answer::read(response).await.map_err(unreachable)?;
    match answer.body {
        Body::TooLong => Err(unclear(provider)),
        _ => Ok(answer),
    }
}

fn place(base: Url, path: &[&str], query: &[(&str, &str)]) -> Url {
    let mut url = base;
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty();
        segments.extend(path);
    }
    url.set_query(None);
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    url
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Thursday, 2026-01-15T12:00:00Z; the day began at midnight, the week on Monday the 12th.
    const NOON: Millis = Millis(1_768_478_400_000);
    const MIDNIGHT: Millis = Millis(1_768_435_200_000);
    const MONDAY: Millis = Millis(1_768_176_000_000);
    const NEW_YEAR: Millis = Millis(1_767_225_600_000);

    fn told(data: Value) -> Option<LastUse> {
        let body = Body::Json(json!({ "data": data }));
        spent(&Answer { status: reqwest::StatusCode::OK, body, retry_after: None }, NOON)
    }

    #[test]
    fn what_was_spent_in_a_period_tells_since_when_a_key_is_idle() {
        let of = |all: f64, month: f64, week: f64, day: f64| {
            told(json!({ "usage": all, "usage_monthly": month, "usage_weekly": week, "usage_daily": day }))
        };
        assert_eq!(of(3.0, 2.0, 1.0, 0.5), Some(LastUse::Since(MIDNIGHT)));
        assert_eq!(of(3.0, 2.0, 1.0, 0.0), Some(LastUse::Before(MIDNIGHT)));
        assert_eq!(of(3.0, 2.0, 0.0, 0.0), Some(LastUse::Before(MONDAY)));
        assert_eq!(of(3.0, 0.0, 0.0, 0.0), Some(LastUse::Before(NEW_YEAR)));
        assert_eq!(of(0.0, 0.0, 0.0, 0.0), Some(LastUse::Never));
        let brought = json!({ "usage": 1, "usage_monthly": 1, "usage_weekly": 0, "usage_daily": 0,
            "byok_usage": 1, "byok_usage_monthly": 1, "byok_usage_weekly": 1, "byok_usage_daily": 1 });
        assert_eq!(told(brought), Some(LastUse::Since(MIDNIGHT)));
        // An answer of another kind is not taken for idleness.
        for odd in [json!({}), json!({ "usage": 1 }), json!({ "usage": "1", "usage_daily": 0 })] {
            assert_eq!(told(odd), None);
        }
    }

    #[test]
    fn a_key_is_known_by_its_ends_or_by_what_its_provider_calls_it() {
        let item = |text: &str, at: Value, owner: &str| json!({ "redacted_value": text, "last_used_at": at, "owner": { "service_account": { "id": owner } } });
        let items = [
            item("sk-proj-ab...wxyz", json!(1_700_000_000), "a"),
            item("sk-proj-ab...wxyz", json!(1_600_000_000), "b"),
            item("sk-svc********1234", Value::Null, "c"),
            item("sk-...z", json!(1_750_000_000), "d"),
        ];
        let listing = Listing(items.iter().filter_map(shown).collect());
        let of = |key: &str, name| listing.of(&Secret::from(key), name);
        assert_eq!(of("sk-proj-abcdefwxyz", None), LastUse::At(Millis(1_700_000_000_000)));
        assert_eq!(of("sk-svc-other-1234", None), LastUse::Never);
        assert_eq!(of("sk-nothing-alike-z", None), LastUse::Unlisted, "one character tells nothing");
        assert_eq!(of("sk-nothing-alike-z", Some("d")), LastUse::At(Millis(1_750_000_000_000)));
        assert_eq!(of("sk-proj-abcdefwxy", None), LastUse::Unlisted);
    }
}
