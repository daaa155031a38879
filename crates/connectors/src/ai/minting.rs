//! Minting: providers that make and revoke keys over an API, with a key of another kind that is good for nothing else.
//!
//! Sources: <https://openrouter.ai/docs/features/provisioning-api-keys>,
//! <https://platform.openai.com/docs/api-reference/project-service-accounts>.

use reqwest::Method;
use serde_json::{Value, json};
use strongroom_model::provider::{Minting, PROJECT};
use strongroom_model::{Problem, ProblemKind, Provider, Secret};
use url::Url;

use super::ProviderApi;
use super::answer::Answer;
use super::unreachable;
use crate::endpoint_guard::GuardedClient;

/// The longest name of a key that is taken from an answer, in bytes.
const MAX_ID: usize = 256;

/// A key that a provider has made.
#[derive(Debug)]
pub struct Minted {
    /// The key.
    pub key: Secret,
    /// Provider's id of it, to revoke it by.
    pub id: String,
}

/// Credential whose key may mint, and the address of its API.
#[derive(Debug, Clone, Copy)]
pub struct Minter<'a> {
    /// Provider whose API it is.
    pub provider: &'a Provider,
    /// A base URL in place of the provider's own.
    pub endpoint: Option<&'a str>,
    /// The key: OpenRouter's provisioning key, OpenAI's admin key.
    pub key: &'a Secret,
    /// OpenAI's project, in which the keys are made.
    pub project: Option<&'a str>,
}

/// Tells whether keys of this provider can be minted.
#[must_use]
pub fn mints(provider: &Provider) -> bool {
    provider.api().minting.is_some()
}

/// Tells whether it also has to be said in which project.
#[must_use]
pub fn needs_project(provider: &Provider) -> bool {
    provider.api().minting.as_ref().is_some_and(|minting| minting.path.contains(&PROJECT))
}

/// Has a provider make a key of this name.
///
/// # Errors
/// [`Problem`] in our words: a provider's own may repeat parts of the key.
pub async fn mint(client: &GuardedClient, minter: Minter<'_>, name: &str) -> Result<Minted, Problem> {
    let answer = call(client, minter, Method::POST, None, Some(json!({ "name": name }))).await?;
    if !answer.status.is_success() {
        return Err(refused(minter, &answer, "make a key"));
    }
    let minting = minting_of(minter.provider)?;
    let (key, id) = (answer.text(minting.key), answer.text(minting.id));
    match (key, id) {
        (Some(key), Some(id)) if !key.is_empty() && !id.is_empty() && id.len() <= MAX_ID => {
            Ok(Minted { key: Secret::from(key), id: id.to_owned() })
        }
        _ => Err(Problem::new(
            ProblemKind::BadGateway,
            "the provider's answer holds no new key; look in its console whether it has made one, and revoke that",
        )),
    }
}

/// Has a provider revoke a key that it has made. One that it does not know any more is revoked.
///
/// # Errors
/// [`Problem`] in our words.
pub async fn revoke(client: &GuardedClient, minter: Minter<'_>, id: &str) -> Result<(), Problem> {
    let answer = call(client, minter, Method::DELETE, Some(id), None).await?;
    if answer.status.is_success() || answer.status.as_u16() == 404 {
        return Ok(());
    }
    Err(refused(minter, &answer, "revoke a key"))
}

fn refused(minter: Minter<'_>, answer: &Answer, what: &str) -> Problem {
    let status = answer.status.as_u16();
    let mend = match status {
        401 | 403 => "check that the credential to rotate with holds a key that may do this",
        404 => "check the endpoint and the project",
        429 => "try again later",
        _ => "look at the provider's status page",
    };
    Problem::new(
        ProblemKind::BadGateway,
        format!("{} did not {what} (HTTP {status}): {mend}", minter.provider),
    )
}

async fn call(
    client: &GuardedClient,
    minter: Minter<'_>,
    method: Method,
    id: Option<&str>,
    body: Option<Value>,
) -> Result<Answer, Problem> {
    let base = minter.endpoint.or_else(|| minter.provider.base_url());
    let base = base.ok_or_else(|| Problem::invalid("endpoint", "no address is known for this provider"))?;
    let url = place(client.guard().check(base)?, minter, id)?;
    let (name, value) = ProviderApi::of(minter.provider).key_header.with(minter.key).map_err(|_| {
        Problem::new(ProblemKind::Unprocessable, "the key to mint with has characters that cannot be sent")
    })?;
    let request = client.request(method, url)?.header(name, value);
    let request = match body {
        Some(body) => request.json(&body),
        None => request,
    };
    let unreachable = |error: reqwest::Error| {
        let why = unreachable::explain(&error, client);
        Problem::new(ProblemKind::BadGateway, format!("{} cannot be asked: {why}", minter.provider))
    };
    let response = request.send().await.map_err(unreachable)?;
    Answer::read(response).await.map_err(unreachable)
}

fn minting_of(provider: &Provider) -> Result<&'static Minting, Problem> {
    let minting = provider.api().minting.as_ref();
    minting.ok_or_else(|| Problem::invalid("rotateWith", format!("{provider} makes no keys over an API")))
}

/// The segments of a path, with the account's project in its place.
pub(super) fn in_project<'p>(path: &[&'p str], project: &'p str) -> Vec<&'p str> {
    path.iter().map(|segment| if *segment == PROJECT { project } else { segment }).collect()
}

fn place(base: Url, minter: Minter<'_>, id: Option<&str>) -> Result<Url, Problem> {
    let mut url = base;
    let project = minter.project.unwrap_or_default();
    if needs_project(minter.provider) && project.is_empty() {
        return Err(Problem::invalid(
            "rotateWith.project",
            "keys of this provider are made in a project: name it",
        ));
    }
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(in_project(minting_of(minter.provider)?.path, project)).extend(id);
    }
    url.set_query(None);
    Ok(url)
}
