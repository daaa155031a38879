//! Meaning of a provider's refusal for the key that it was called with.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use serde_json::Value;
use strongroom_model::Provider;

use crate::ai::answer::{Answer, Body};
use crate::ai::{ProbeOutcome, ProviderApi};

/// Reason why a credential fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureReason {
    /// The key is not accepted.
    BadKey,
    /// The account has nothing left to spend.
    EmptyAccount,
    /// Used too often just now.
    RateLimited,
    /// The provider is in trouble.
    ProviderDown,
}

impl FailureReason {
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
    /// Its meaning for the credential.
    pub reason: FailureReason,
    /// Time to wait that the provider states.
    pub retry_after: Option<Duration>,
}

/// Returns the meaning of an answer for the key; `None` when it is about the request and would be the same with another key.
/// `body` is what was read of it, at most 64 KiB.
#[must_use]
pub fn refused(provider: &Provider, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Option<Refused> {
    if status.as_u16() < 400 {
        return None;
    }
    let after_seconds = number(headers, header::RETRY_AFTER.as_str());
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float that does not fit becomes the nearest figure that does"
    )]
    let retry_after = after_seconds.map(|seconds| seconds as u32);
    let answer =
        Answer { status, body: serde_json::from_slice(body).map_or(Body::Other, Body::Json), retry_after };
    let reason = match ProviderApi::of(provider).verdict(&answer).outcome {
        ProbeOutcome::BadKey => FailureReason::BadKey,
        ProbeOutcome::EmptyAccount => FailureReason::EmptyAccount,
        ProbeOutcome::RateLimited => FailureReason::RateLimited,
        _ => match status.as_u16() {
            401 | 403 => FailureReason::BadKey,
            500..=599 => FailureReason::ProviderDown,
            _ => return None,
        },
    };
    // OpenAI's clients know the finer one too.
    let retry_after = number(headers, "retry-after-ms")
        .map(|millis| Duration::from_secs_f64(millis / 1000.0))
        .or_else(|| after_seconds.map(Duration::from_secs_f64))
        .or_else(|| answer.details().find_map(retry_delay));
    Some(Refused { reason, retry_after })
}

/// Tells whether a call that ended with this status may be billed all the same. What a provider itself refuses it does not bill,
/// and says so in an error of its own; an intermediary that lost sight of the provider (502, 504, 520 to 527), or an answer
/// of 500 and above that nobody knows, tells nothing of what the provider did.
///
/// Sources: <https://platform.openai.com/docs/guides/error-codes>, <https://platform.claude.com/docs/en/api/errors>,
/// <https://ai.google.dev/gemini-api/docs/troubleshooting>, <https://openrouter.ai/docs/api-reference/errors>,
/// <https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/>. Gemini answers 504
/// when it did not finish in time, OpenRouter 502 when the model did not answer well. A 303 (RFC 9110, section 15.4.4) is
/// how an answer to what was done may be told; other redirects come before anything is done.
#[must_use]
pub fn may_be_billed(status: StatusCode, body: &[u8]) -> bool {
    match status.as_u16() {
        300..=499 => status == StatusCode::SEE_OTHER,
        500 | 501 | 503 | 529 => {
            let error = serde_json::from_slice::<Value>(body).ok();
            // Google's streams tell theirs in an array.
            let error = error.as_ref().map(|error| error.get(0).unwrap_or(error));
            error.is_none_or(|error| error.get("error").is_none_or(serde_json::Value::is_null))
        }
        _ => true,
    }
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

    fn of(provider: &str, status: u16, body: &str) -> Option<FailureReason> {
        let provider = Provider::parse(provider).unwrap();
        let status = StatusCode::from_u16(status).unwrap();
        refused(&provider, status, &HeaderMap::new(), body.as_bytes()).map(|refused| refused.reason)
    }

    #[test]
    fn refusals_of_the_key_are_told_from_refusals_of_the_request() {
        use FailureReason::{BadKey, EmptyAccount, ProviderDown, RateLimited};
        let openai_empty = r#"{"error":{"code":"insufficient_quota"}}"#;
        let low = r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low"}}"#;
        let invalid = r#"{"error":{"code":400,"details":[{"reason":"API_KEY_INVALID"}]}}"#;
        for (provider, status, body, reason) in [
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
            assert_eq!(of(provider, status, body), reason, "{provider} {status} {body}");
        }
    }

    #[test]
    fn only_what_the_provider_itself_refuses_is_not_billed() {
        let own = r#"{"error":{"message":"overloaded"}}"#;
        for (status, body, is_billed) in [
            (301, "", false),
            (303, "", true),
            (307, "", false),
            (400, "<html>", false),
            (401, own, false),
            (429, "", false),
            (500, own, false),
            (503, own, false),
            (503, r#"[{"error":{"code":503}}]"#, false),
            (529, r#"{"type":"error","error":{"type":"overloaded_error"}}"#, false),
            (500, "", true),
            (500, "[]", true),
            (503, r#"{"error":null}"#, true),
            (503, "upstream connect error or disconnect/reset before headers", true),
            (502, own, true),
            (504, own, true),
            (520, "<html>", true),
            (524, "<html>", true),
            (599, own, true),
            (200, own, true),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(may_be_billed(status, body.as_bytes()), is_billed, "{status} {body}");
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
