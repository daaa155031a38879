//! The providers' answers: paths, headers that they demand, statuses, golden bodies and the headers that go with them.
//!
//! Sources: <https://platform.openai.com/docs/api-reference/models/list>, <https://developers.openai.com/docs/guides/error-codes>,
//! <https://platform.claude.com/docs/en/api/errors>, <https://platform.claude.com/docs/en/api/rate-limits>,
//! <https://ai.google.dev/api/models>, <https://ai.google.dev/gemini-api/docs/troubleshooting>,
//! <https://openrouter.ai/docs/api-reference/limits>, <https://openrouter.ai/docs/errors>,
//! <https://console.groq.com/docs/errors>, <https://console.groq.com/docs/rate-limits>.

use axum::body::Body;
use axum::response::Response;

use super::SeenRequest;
use super::behaviour::Behaviour;

/// A provider that the fake can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Api {
    /// OpenAI.
    OpenAi,
    /// Anthropic.
    Anthropic,
    /// Gemini.
    Gemini,
    /// OpenRouter.
    OpenRouter,
    /// Groq.
    Groq,
    /// xAI.
    Grok,
    /// DeepSeek.
    DeepSeek,
    /// Together.
    Together,
    /// Perplexity.
    Perplexity,
    /// Mistral.
    Mistral,
    /// Cohere.
    Cohere,
    /// Some other server that speaks OpenAI's format.
    Compatible,
}

/// A call that the fake knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// The one that tells whether a key is right.
    Probe,
    /// OpenRouter's list of models, which needs no key.
    PublicModels,
}

/// xAI's errors are texts: <https://docs.x.ai/docs/key-information/debugging>.
const XAI_WRONG_KEY: &str = r#"{"code":"Client specified an invalid argument","error":"Incorrect API key provided: {key_hint}. You can obtain an API key from https://console.x.ai."}"#;
const XAI_EMPTY: &str = r#"{"code":"Some resource has been exhausted","error":"Your team has either used all available credits or reached its monthly spending limit."}"#;
/// What has no code says all with its status.
const PLAIN_REFUSAL: &str = r#"{"message":"no"}"#;

macro_rules! golden {
    ($provider:literal, $case:literal) => {
        include_str!(concat!("../../golden/", $provider, "/", $case, ".json"))
    };
}

impl Api {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::OpenAi,
        Self::Anthropic,
        Self::Gemini,
        Self::OpenRouter,
        Self::Groq,
        Self::Grok,
        Self::DeepSeek,
        Self::Together,
        Self::Perplexity,
        Self::Mistral,
        Self::Cohere,
        Self::Compatible,
    ];

    /// The name under which strongroom knows the provider.
    #[must_use]
    pub const fn provider(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::OpenRouter => "openrouter",
            Self::Groq => "groq",
            Self::Grok => "grok",
            Self::DeepSeek => "deepseek",
            Self::Together => "together",
            Self::Perplexity => "perplexity",
            Self::Mistral => "mistral",
            Self::Cohere => "cohere",
            Self::Compatible => "my-llm",
        }
    }

    /// Where the provider's base URL is on the fake; it ends as the real one does.
    pub(super) const fn base_path(self) -> &'static str {
        match self {
            Self::OpenAi => "/openai/v1",
            Self::Anthropic => "/anthropic",
            Self::Gemini => "/gemini",
            Self::OpenRouter => "/openrouter/api/v1",
            Self::Groq => "/groq/openai/v1",
            Self::Grok => "/grok/v1",
            Self::DeepSeek => "/deepseek/v1",
            Self::Together => "/together/v1",
            Self::Perplexity => "/perplexity",
            Self::Mistral => "/mistral/v1",
            Self::Cohere => "/cohere/compatibility/v1",
            Self::Compatible => "/compatible/v1",
        }
    }

    pub(super) fn of_path(path: &str) -> Option<(Self, Call)> {
        // Beside the API that calls go to.
        if path == "/cohere/v1/models" {
            return Some((Self::Cohere, Call::Probe));
        }
        let (api, call) =
            Self::ALL.into_iter().find_map(|api| Some((api, path.strip_prefix(api.base_path())?)))?;
        match (api, call) {
            (Self::Anthropic, "/v1/models")
            | (Self::Gemini, "/v1beta/models")
            | (Self::Perplexity, "/v1/models")
            | (Self::OpenRouter, "/key") => Some((api, Call::Probe)),
            (Self::OpenRouter, "/models") => Some((api, Call::PublicModels)),
            (Self::Cohere | Self::Perplexity, _) => None,
            (_, "/models") if !matches!(api, Self::Anthropic | Self::Gemini) => Some((api, Call::Probe)),
            _ => None,
        }
    }

    /// The key, from the one header in which this provider looks for it.
    fn key(self, request: &SeenRequest) -> Option<&str> {
        match self {
            Self::Anthropic => request.header("x-api-key"),
            Self::Gemini => request.header("x-goog-api-key"),
            _ => request.header("authorization")?.strip_prefix("Bearer "),
        }
    }

    pub(super) async fn answer(self, call: Call, request: &SeenRequest) -> Response<Body> {
        if request.method != "GET" {
            return json(405, r#"{"error":{"message":"Method not allowed"}}"#.to_owned());
        }
        if call == Call::PublicModels {
            return json(200, golden!("openrouter", "models").to_owned());
        }
        let Some(key) = self.key(request) else {
            return self.missing_key();
        };
        if self == Self::Anthropic && request.header("anthropic-version").is_none() {
            return json(400, golden!("anthropic", "missing_version").to_owned());
        }
        match Behaviour::of_key(key) {
            Behaviour::Redirect => {
                let mut response = json(302, String::new());
                response.headers_mut().insert("location", axum::http::HeaderValue::from_static("/elsewhere"));
                response
            }
            Behaviour::Silent => std::future::pending().await,
            Behaviour::Endless => {
                let block =
                    futures::stream::repeat_with(|| Ok::<_, std::convert::Infallible>(" ".repeat(4096)));
                typed(200, "application/json", Body::from_stream(block))
            }
            Behaviour::WebPage => typed(200, "text/html", Body::from("<!doctype html><title>Log in</title>")),
            Behaviour::Echo => json(
                500,
                format!(
                    r#"{{"error":{{"message":"{key}","type":"{key}","code":"{key}","status":"{key}","details":[{{"reason":"{key}"}}]}}}}"#
                ),
            ),
            known => {
                let (status, body, headers) = self.golden(known);
                let mut response = json(status, filled(body, key));
                for (name, value) in headers {
                    response.headers_mut().insert(*name, axum::http::HeaderValue::from_static(value));
                }
                response
            }
        }
    }

    fn missing_key(self) -> Response<Body> {
        let (status, body) = match self {
            Self::OpenAi | Self::Compatible => (401, golden!("openai", "missing_key")),
            Self::Anthropic => (401, golden!("anthropic", "missing_key")),
            Self::Gemini => (403, golden!("gemini", "missing_key")),
            Self::OpenRouter => (401, golden!("openrouter", "missing_key")),
            Self::Groq => (401, golden!("groq", "missing_key")),
            _ => (401, golden!("openai", "missing_key")),
        };
        json(status, body.to_owned())
    }

    /// Status, body and headers.
    fn golden(self, behaviour: Behaviour) -> (u16, &'static str, &'static [(&'static str, &'static str)]) {
        use Behaviour::{EmptyAccount, Ok, RateLimited, WrongKey};
        match (self, behaviour) {
            (Self::Grok, EmptyAccount) => (429, XAI_EMPTY, &[]),
            (Self::Grok, Ok | RateLimited) => Self::OpenAi.golden(behaviour),
            (Self::Grok, _) => (400, XAI_WRONG_KEY, &[]),
            (Self::DeepSeek | Self::Together | Self::Cohere, EmptyAccount) => (402, PLAIN_REFUSAL, &[]),
            (Self::Mistral | Self::Cohere, RateLimited) => (429, PLAIN_REFUSAL, &[("retry-after", "2")]),
            (Self::Cohere | Self::Mistral | Self::DeepSeek, WrongKey) => (401, PLAIN_REFUSAL, &[]),
            (Self::DeepSeek | Self::Together | Self::Perplexity | Self::Mistral | Self::Cohere, _) => {
                Self::OpenAi.golden(behaviour)
            }
            (Self::OpenAi | Self::Compatible, Ok) => (200, golden!("openai", "ok"), &[]),
            (Self::OpenAi | Self::Compatible, EmptyAccount) => (429, golden!("openai", "empty_account"), &[]),
            (Self::OpenAi | Self::Compatible, RateLimited) => (
                429,
                golden!("openai", "rate_limited"),
                &[
                    ("retry-after", "20"),
                    ("x-ratelimit-limit-requests", "3"),
                    ("x-ratelimit-remaining-requests", "0"),
                    ("x-ratelimit-reset-requests", "20s"),
                ],
            ),
            (Self::OpenAi | Self::Compatible, _) => (401, golden!("openai", "wrong_key"), &[]),
            (Self::Anthropic, Ok) => (200, golden!("anthropic", "ok"), &[]),
            (Self::Anthropic, EmptyAccount) => (400, golden!("anthropic", "empty_account"), &[]),
            (Self::Anthropic, RateLimited) => (
                429,
                golden!("anthropic", "rate_limited"),
                &[
                    ("retry-after", "41"),
                    ("anthropic-ratelimit-requests-limit", "50"),
                    ("anthropic-ratelimit-requests-remaining", "0"),
                    ("anthropic-ratelimit-requests-reset", "2026-02-04T00:01:00Z"),
                ],
            ),
            (Self::Anthropic, _) => (401, golden!("anthropic", "wrong_key"), &[]),
            (Self::Gemini, Ok) => (200, golden!("gemini", "ok"), &[]),
            (Self::Gemini, EmptyAccount) => (429, golden!("gemini", "empty_account"), &[]),
            (Self::Gemini, RateLimited) => (429, golden!("gemini", "rate_limited"), &[]),
            (Self::Gemini, _) => (400, golden!("gemini", "wrong_key"), &[]),
            (Self::OpenRouter, Ok) => (200, golden!("openrouter", "ok"), &[]),
            (Self::OpenRouter, EmptyAccount) => (402, golden!("openrouter", "empty_account"), &[]),
            (Self::OpenRouter, RateLimited) => (
                429,
                golden!("openrouter", "rate_limited"),
                &[
                    ("x-ratelimit-limit", "20"),
                    ("x-ratelimit-remaining", "0"),
                    ("x-ratelimit-reset", "1770163260000"),
                ],
            ),
            (Self::OpenRouter, _) => (401, golden!("openrouter", "wrong_key"), &[]),
            (Self::Groq, Ok) => (200, golden!("groq", "ok"), &[]),
            (Self::Groq, EmptyAccount) => (400, golden!("groq", "empty_account"), &[]),
            (Self::Groq, RateLimited) => (
                429,
                golden!("groq", "rate_limited"),
                &[("retry-after", "2"), ("x-ratelimit-remaining-requests", "0")],
            ),
            (Self::Groq, _) => (401, golden!("groq", "wrong_key"), &[]),
        }
    }
}

/// `{key_hint}` as OpenAI fills it: the first 8 characters, stars, and the last 4.
fn filled(body: &str, key: &str) -> String {
    let characters: Vec<char> = key.chars().collect();
    let tail = characters.len().saturating_sub(4);
    let head = tail.min(8);
    let hint: String = characters[..head]
        .iter()
        .copied()
        .chain(std::iter::repeat_n('*', tail - head))
        .chain(characters[tail..].iter().copied())
        .collect();
    body.replace("{key_hint}", &hint).replace("{key}", key)
}

pub(super) fn json(status: u16, body: String) -> Response<Body> {
    typed(status, "application/json", Body::from(body))
}

fn typed(status: u16, content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = axum::http::StatusCode::from_u16(status).unwrap_or_default();
    response.headers_mut().insert("content-type", axum::http::HeaderValue::from_static(content_type));
    response
}
