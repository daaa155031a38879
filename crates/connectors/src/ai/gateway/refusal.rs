//! What a provider's refusal says about the key that it was called with.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use serde_json::Value;
use strongroom_model::Provider;

use crate::ai::answer::{Answer, Body};
use crate::ai::{ProbeOutcome, ProviderApi};

/// What ails a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ailment {
    /// The key is not accepted.
    BadKey,
    /// Nothing is left to spend.
    EmptyAccount,
    /// Used too often just now.
    RateLimited,
    /// The provider is in trouble.
    ProviderDown,
}

impl Ailment {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::BadKey, Self::EmptyAccount, Self::RateLimited, Self::ProviderDown];

    /// A stable name for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadKey => "bad_key",
            Self::EmptyAccount => "empty_account",
            Self::RateLimited => "rate_limited",
            Self::ProviderDown => "provider_down",
        }
    }
}

/// A refusal that another credential may not meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// What it says about the credential.
    pub ailment: Ailment,
    /// When the provider says to come back.
    pub retry_after: Option<Duration>,
}

/// What an answer says about the key; `None` when it is about the request and would be the same with another key.
/// `body` is what was read of it, at most 64 KiB.
#[must_use]
pub fn refused(provider: &Provider, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Option<Refused> {
    if status.as_u16() < 400 {
        return None;
    }
    let after_seconds = number(headers, header::RETRY_AFTER.as_str());
    let answer = Answer {
        status,
        body: serde_json::from_slice(body).map_or(Body::Other, Body::Json),
        retry_after: after_seconds.map(|seconds| seconds as u32),
    };
    let ailment = match ProviderApi::of(provider).verdict(&answer).outcome {
        ProbeOutcome::BadKey => Ailment::BadKey,
        ProbeOutcome::EmptyAccount => Ailment::EmptyAccount,
        ProbeOutcome::RateLimited => Ailment::RateLimited,
        _ => match status.as_u16() {
            401 | 403 => Ailment::BadKey,
            500..=599 => Ailment::ProviderDown,
            _ => return None,
        },
    };
    // OpenAI's clients know the finer one too.
    let retry_after = number(headers, "retry-after-ms")
        .map(|millis| Duration::from_secs_f64(millis / 1000.0))
        .or_else(|| after_seconds.map(Duration::from_secs_f64))
        .or_else(|| answer.details().find_map(retry_delay));
    Some(Refused { ailment, retry_after })
}

/// A header's number, as far as a day goes.
fn number(headers: &HeaderMap, name: &str) -> Option<f64> {
    let number: f64 = headers.get(name)?.to_str().ok()?.trim().parse().ok()?;
    (number.is_finite() && number >= 0.0).then(|| number.min(86_400_000.0))
}

/// Google's `google.rpc.RetryInfo`: `{"retryDelay": "12.5s"}`.
fn retry_delay(detail: &Value) -> Option<Duration> {
    let seconds: f64 = detail.get("retryDelay")?.as_str()?.strip_suffix('s')?.parse().ok()?;
    (seconds.is_finite() && seconds >= 0.0).then(|| Duration::from_secs_f64(seconds.min(86_400.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(provider: &str, status: u16, body: &str) -> Option<Ailment> {
        let provider = Provider::parse(provider).unwrap();
        let status = StatusCode::from_u16(status).unwrap();
        refused(&provider, status, &HeaderMap::new(), body.as_bytes()).map(|refused| refused.ailment)
    }

    #[test]
    fn refusals_of_the_key_are_told_from_refusals_of_the_request() {
        use Ailment::{BadKey, EmptyAccount, ProviderDown, RateLimited};
        let openai_empty = r#"{"error":{"code":"insufficient_quota"}}"#;
        let low = r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low"}}"#;
        let invalid = r#"{"error":{"code":400,"details":[{"reason":"API_KEY_INVALID"}]}}"#;
        for (provider, status, body, ailment) in [
            ("openai", 401, "{}", Some(BadKey)),
            ("openai", 403, "", Some(BadKey)),
            ("openai", 429, "{}", Some(RateLimited)),
            ("openai", 429, openai_empty, Some(EmptyAccount)),
            ("openai", 400, "{}", None),
            ("openai", 404, "{}", None),
            ("openai", 500, "oops", Some(ProviderDown)),
            ("anthropic", 400, low, Some(EmptyAccount)),
            ("anthropic", 400, "{}", None),
            ("anthropic", 529, "{}", Some(RateLimited)),
            ("gemini", 400, invalid, Some(BadKey)),
            ("gemini", 400, "{}", None),
            ("openrouter", 402, "{}", Some(EmptyAccount)),
            ("groq", 503, "", Some(ProviderDown)),
            ("groq", 200, "{}", None),
        ] {
            assert_eq!(of(provider, status, body), ailment, "{provider} {status} {body}");
        }
    }

    #[test]
    fn the_time_to_come_back_is_read_wherever_it_stands() {
        let gemini = Provider::parse("gemini").unwrap();
        let wait = |name: &'static str, value: &str, body: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            refused(&gemini, StatusCode::TOO_MANY_REQUESTS, &headers, body.as_bytes()).unwrap().retry_after
        };
        assert_eq!(wait("retry-after", "7", ""), Some(Duration::from_secs(7)));
        assert_eq!(wait("retry-after-ms", "250", ""), Some(Duration::from_millis(250)));
        assert_eq!(wait("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT", ""), None);
        let info = r#"{"error":{"details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"1.5s"}]}}"#;
        assert_eq!(wait("x-other", "1", info), Some(Duration::from_millis(1500)));
        assert_eq!(wait("retry-after", "-1", ""), None);
    }
}
