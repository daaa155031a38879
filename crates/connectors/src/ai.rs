//! The AI providers: how each takes its key, and what it says when a key is tried.

mod answer;
pub mod chat;
pub mod gateway;
pub mod last_use;
pub mod minting;
mod provider_api;
mod unreachable;

use std::time::{Duration, Instant};

use strongroom_model::provider::Api;
use strongroom_model::{Provider, Secret};
use url::Url;

pub use provider_api::{KeyHeader, ProviderApi};
pub use strongroom_model::provider::ProbeOutcome;

use crate::endpoint_guard::GuardedClient;
use answer::{Answer, Verdict};

/// A key, and where it is used.
#[derive(Debug, Clone, Copy)]
pub struct Account<'a> {
    /// The provider whose key it is.
    pub provider: &'a Provider,
    /// A base URL in place of the provider's own.
    pub endpoint: Option<&'a str>,
    /// The key.
    pub key: &'a Secret,
}

/// Result of a live test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeReport {
    /// The provider's verdict.
    pub outcome: ProbeOutcome,
    /// The HTTP status of its answer, when there was one.
    pub status: Option<u16>,
    /// Meaning and remedy, in our words: a provider's own may repeat parts of the key.
    pub detail: String,
    /// From the call's start to the end of the answer.
    pub latency: Duration,
}

/// Tries a key with the cheapest authenticated call that the provider offers; it spends nothing. A provider that is not
/// known is taken to speak OpenAI's format at its `endpoint`.
///
/// Never fails: whatever goes wrong is the finding.
pub async fn probe(
    client: &GuardedClient,
    provider: &Provider,
    endpoint: Option<&str>,
    key: &Secret,
) -> ProbeReport {
    let started = Instant::now();
    let found = ask(client, provider, endpoint, key).await;
    ProbeReport {
        outcome: found.outcome,
        status: found.status,
        detail: found.detail,
        latency: started.elapsed(),
    }
}

struct Finding {
    outcome: ProbeOutcome,
    status: Option<u16>,
    detail: String,
}

impl Finding {
    fn without_answer(outcome: ProbeOutcome, detail: impl Into<String>) -> Self {
        Self { outcome, status: None, detail: detail.into() }
    }
}

async fn ask(client: &GuardedClient, provider: &Provider, endpoint: Option<&str>, key: &Secret) -> Finding {
    let api = ProviderApi::of(provider);
    let Some(base) = endpoint.or_else(|| provider.base_url()) else {
        return Finding::without_answer(
            ProbeOutcome::Unreachable,
            format!("No address is known for the provider \"{provider}\": set the credential's endpoint."),
        );
    };
    let base = match client.guard().check(base) {
        Ok(base) => base,
        Err(problem) => {
            return Finding::without_answer(ProbeOutcome::Unreachable, format!("Not called: {problem}."));
        }
    };
    let Ok((name, value)) = api.key_header.with(key) else {
        return Finding::without_answer(
            ProbeOutcome::BadKey,
            "The key has characters that cannot be sent, such as a line break: store it again without them.",
        );
    };
    let url = probe_url(base, api.facts);
    // A path that is wrong is seen only when it is told. The guard lets no password pass, and the key is in a header.
    let asked = format!("asked: GET {}", without_query(&url));
    let request = match client.get(url) {
        Ok(request) => request,
        Err(problem) => {
            return Finding::without_answer(
                ProbeOutcome::Unreachable,
                format!("Not called: {problem}; {asked}."),
            );
        }
    };
    let request =
        api.fixed_headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let answer = match request.header(name, value).send().await {
        Ok(response) => Answer::read(response).await,
        Err(error) => Err(error),
    };
    match answer {
        Ok(answer) => {
            let Verdict { outcome, words } = api.verdict(&answer);
            let reference = answer.reference(key);
            let detail = match outcome {
                ProbeOutcome::Ok => format!("{words} ({reference})"),
                _ => format!("{words} ({reference}; {asked})"),
            };
            Finding { outcome, status: Some(answer.status.as_u16()), detail }
        }
        Err(error) => {
            let why = unreachable::explain(&error, client);
            Finding::without_answer(ProbeOutcome::Unreachable, format!("{why} ({asked})"))
        }
    }
}

fn without_query(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.into()
}

fn probe_url(base: Url, api: &Api) -> Url {
    let mut url = base;
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty();
        for segment in api.probe.path {
            match *segment {
                ".." => segments.pop(),
                segment => segments.push(segment),
            };
        }
    }
    url.set_query(api.probe.query);
    url
}

#[cfg(test)]
mod tests;
