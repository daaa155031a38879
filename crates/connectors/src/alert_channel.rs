//! Channels of alerts: what a message looks like to each, and whether it took it.
//!
//! Names in a message may be anything that a caller made up. They come without control characters and cut to a length; what else has a
//! meaning to a channel is taken from them in its file.

mod discord;
mod mail;
mod pagerduty;
mod slack;
mod teams;
mod unreachable;
mod webhook;

use std::collections::BTreeMap;

use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use strongroom_model::alert::{Level, Notice};
use strongroom_model::{Millis, Problem, Secret};
use url::Url;

use crate::endpoint_guard::{EndpointGuard, GuardedClient};

pub use mail::MailSettings;

/// Bytes of an answer that are read.
const MAX_ANSWER_BYTES: usize = 4096;
/// Characters of an answer that are shown.
const MAX_SHOWN_CHARACTERS: usize = 200;

/// Kind of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChannelKind {
    /// A webhook of Standard Webhooks.
    Webhook,
    /// An incoming webhook of Slack.
    Slack,
    /// A webhook of Discord.
    Discord,
    /// A workflow of Microsoft Teams.
    Teams,
    /// Events of PagerDuty, version 2.
    PagerDuty,
    /// Mail by SMTP.
    Mail,
}

impl ChannelKind {
    /// All kinds.
    pub const ALL: [Self; 6] =
        [Self::Webhook, Self::Slack, Self::Discord, Self::Teams, Self::PagerDuty, Self::Mail];

    /// The name in the database and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Slack => "slack",
            Self::Discord => "discord",
            Self::Teams => "teams",
            Self::PagerDuty => "pagerduty",
            Self::Mail => "mail",
        }
    }

    /// The kind with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Reads a kind that somebody gives.
    ///
    /// # Errors
    /// [`Problem`] on the field `kind`, naming the kinds there are.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        Self::from_name(text).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            Problem::invalid("kind", format!("kind must be one of {names}"))
        })
    }
}

/// What is told of an incident, as receivers that are programs get it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IncidentData {
    /// Its identity.
    pub incident: String,
    /// The rule.
    pub rule: &'static str,
    /// Its urgency.
    pub level: &'static str,
    /// How it stands.
    pub state: &'static str,
    /// What it is about.
    pub subject: SubjectData,
    /// The figure that was seen.
    pub value: i64,
    /// The figure from which on it is seen.
    pub threshold: i64,
    /// Percent of a limit, or days before an expiry.
    pub mark: i64,
    /// The unit of the figures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<&'static str>,
    /// The window of the limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<&'static str>,
    /// When the window ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resets_at: Option<Millis>,
    /// When it fired.
    pub fired_at: Millis,
    /// When it was over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<Millis>,
    /// Why it was over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The lower thresholds that were passed on the way.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub passed: Vec<i64>,
    /// What a digest tells, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<&'static str, String>,
    /// Where the API tells of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// What an incident is about.
#[derive(Debug, Clone, Serialize)]
pub struct SubjectData {
    /// Its kind.
    pub kind: String,
    /// Its identity.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A message.
#[derive(Debug, Clone)]
pub struct Message {
    /// Its identity, the same however often it is sent.
    pub id: String,
    /// When it is sent.
    pub at: Millis,
    /// What it says.
    pub notice: Notice,
    /// Its type: `limit.threshold.firing`.
    pub event_type: String,
    /// The urgency of the most urgent incident.
    pub level: Level,
    /// What it says, in one sentence.
    pub sentence: String,
    /// A few facts by name.
    pub facts: Vec<(&'static str, String)>,
    /// The dashboard.
    pub link: Option<String>,
    /// The incidents, or the first of them.
    pub incidents: Vec<IncidentData>,
    /// How many incidents it is about beyond those.
    pub more: i64,
}

/// Settings of a channel that are no secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelSettings {
    /// Of mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<MailSettings>,
}

/// A channel with its opened address and secrets.
#[derive(Debug)]
pub struct Target {
    /// Its kind.
    pub kind: ChannelKind,
    /// A URL; of mail the server's.
    pub address: Secret,
    /// What signs its messages, the present one first; PagerDuty's routing key.
    pub secrets: Vec<Secret>,
    /// Its settings.
    pub settings: ChannelSettings,
}

/// What a channel answered when it took a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The status, with the beginning of what it said.
    pub answer: String,
}

/// Why a channel did not take a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotTaken {
    /// In our words, with the beginning of what it said.
    pub error: String,
    /// Seconds that it asked to wait for.
    pub retry_after_seconds: Option<i64>,
    /// True if it asked never to be called again.
    pub is_gone: bool,
}

impl NotTaken {
    fn because(error: impl Into<String>) -> Self {
        Self { error: error.into(), retry_after_seconds: None, is_gone: false }
    }
}

/// Ways out: to public addresses, and to those private ones that somebody has listed.
pub struct Outbound {
    public: GuardedClient,
    listed: GuardedClient,
    allowed: Vec<String>,
}

impl std::fmt::Debug for Outbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outbound").field("allowed", &self.allowed).finish_non_exhaustive()
    }
}

impl Outbound {
    /// `allowed` are `HOST` or `HOST:PORT` that may be private and be called without TLS. A proxy is the one of the guard.
    ///
    /// # Errors
    /// [`Problem`] when TLS cannot be set up.
    pub fn new(guard: &EndpointGuard, allowed: Vec<String>) -> Result<Self, Problem> {
        let proxy = guard.proxy().cloned();
        let public = EndpointGuard::new(false).by_way_of(proxy.clone()).client()?;
        let listed = EndpointGuard::new(true).by_way_of(proxy).client()?;
        let allowed = allowed.into_iter().map(|host| host.trim().to_ascii_lowercase()).collect();
        Ok(Self { public, listed, allowed })
    }

    /// Tells whether a host with this port is on the list.
    pub(crate) fn is_listed(&self, host: &str, port: Option<u16>) -> bool {
        let host = host.to_ascii_lowercase();
        let with_port = port.map(|port| format!("{host}:{port}"));
        self.allowed.iter().any(|it| *it == host || Some(it) == with_port.as_ref())
    }

    fn client_for(&self, url: &Url) -> &GuardedClient {
        match url.host_str() {
            Some(host) if self.is_listed(host, url.port_or_known_default()) => &self.listed,
            _ => &self.public,
        }
    }

    /// Reads the URL of a channel.
    ///
    /// # Errors
    /// [`Problem`] on the field `address`, which never repeats the URL: it is a secret.
    pub fn check_url(&self, address: &Secret) -> Result<Url, Problem> {
        const FORM: &str = "address must be a URL such as https://hooks.example.com/services/…";
        let text = address.expose();
        if text.len() > 4096 || text.chars().any(|it| it.is_whitespace() || it.is_control() || it == '\\') {
            return Err(Problem::invalid("address", FORM));
        }
        let url = Url::parse(text).map_err(|_| Problem::invalid("address", FORM))?;
        self.client_for(&url).post(url.clone()).map(drop).map_err(|refused| {
            let why = refused.message.strip_prefix("endpoint ").unwrap_or(&refused.message);
            let why = why.split("; http is for private").next().unwrap_or(why);
            let why = why.split("; use a public address").next().unwrap_or(why);
            Problem::invalid(
                "address",
                format!("address {why}; a private address has to be listed in STRONGROOM_ALERT_ALLOW"),
            )
        })?;
        Ok(url)
    }

    async fn post(&self, address: &Secret, headers: HeaderMap, body: String) -> Result<Taken, NotTaken> {
        let url = self.check_url(address).map_err(|problem| NotTaken::because(problem.message))?;
        let client = self.client_for(&url);
        let request = client.post(url).map_err(|problem| NotTaken::because(problem.message))?;
        let request = request.headers(headers).header("content-type", "application/json").body(body);
        let response =
            request.send().await.map_err(|error| NotTaken::because(unreachable::explain(&error, client)))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let said = beginning_of(response).await;
        read_answer(status, &headers, &said)
    }
}

async fn beginning_of(mut response: reqwest::Response) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < MAX_ANSWER_BYTES
        && let Ok(Some(chunk)) = response.chunk().await
    {
        bytes.extend_from_slice(&chunk[..chunk.len().min(MAX_ANSWER_BYTES - bytes.len())]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn read_answer(status: StatusCode, headers: &HeaderMap, said: &str) -> Result<Taken, NotTaken> {
    let said: String = said.chars().filter(|it| !it.is_control()).take(MAX_SHOWN_CHARACTERS).collect();
    let answer = match said.trim() {
        "" => format!("HTTP {}", status.as_u16()),
        said => format!("HTTP {}: {said}", status.as_u16()),
    };
    if status.is_success() {
        return Ok(Taken { answer });
    }
    let seconds =
        headers.get("retry-after").and_then(|value| value.to_str().ok()?.trim().parse::<i64>().ok());
    Err(NotTaken {
        error: if status.is_redirection() {
            format!("{answer} (redirects are not followed)")
        } else {
            answer
        },
        retry_after_seconds: seconds.filter(|seconds| *seconds >= 0),
        is_gone: status == StatusCode::GONE,
    })
}

/// Tells a channel. What it answers is shown without its address and secrets, should it repeat them.
///
/// # Errors
/// [`NotTaken`].
pub async fn send(outbound: &Outbound, target: &Target, message: &Message) -> Result<Taken, NotTaken> {
    let post = async |body: Value| outbound.post(&target.address, HeaderMap::new(), body.to_string()).await;
    let sent = match target.kind {
        ChannelKind::Webhook => {
            let (headers, body) = webhook::request(message, &target.secrets);
            outbound.post(&target.address, headers, body).await
        }
        ChannelKind::Slack => post(slack::body(message)).await,
        ChannelKind::Discord => post(discord::body(message)).await,
        ChannelKind::Teams => post(teams::body(message)).await.map(|Taken { answer }| Taken {
            answer: format!("{answer} (accepted; Teams does not tell whether it was posted)"),
        }),
        ChannelKind::PagerDuty => {
            let key = target.secrets.first().map(Secret::expose).unwrap_or_default();
            post(pagerduty::body(message, key)).await
        }
        ChannelKind::Mail => mail::send(outbound, target, message).await,
    };
    match sent {
        Ok(Taken { answer }) => Ok(Taken { answer: without_secrets(answer, target) }),
        Err(NotTaken { error, retry_after_seconds, is_gone }) => {
            Err(NotTaken { error: without_secrets(error, target), retry_after_seconds, is_gone })
        }
    }
}

fn without_secrets(mut text: String, target: &Target) -> String {
    for secret in target.secrets.iter().chain([&target.address]) {
        if !secret.is_empty() {
            text = text.replace(secret.expose(), "****");
        }
    }
    text
}

/// As much of an address as may be shown: scheme, host and port, and the first step of a path.
#[must_use]
pub fn shown_address(kind: ChannelKind, address: &Secret) -> String {
    let Ok(url) = Url::parse(address.expose()) else { return "****".to_owned() };
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    match kind {
        ChannelKind::Mail => format!("{}://{host}{port}", url.scheme()),
        _ => format!("{}://{host}{port}/****", url.scheme()),
    }
}

/// The word and colour of a message's urgency.
fn tone(message: &Message) -> (&'static str, u32) {
    match (message.notice, message.level) {
        (Notice::Resolved, _) => ("resolved", 0x002e_7d32),
        (_, Level::Critical) => ("critical", 0x00b7_1c1c),
        (_, Level::High) => ("high", 0x00e6_5100),
        (_, Level::Warn) => ("warning", 0x00f9_a825),
        (_, Level::Info) => ("info", 0x0015_65c0),
    }
}

#[cfg(test)]
mod tests;
