//! Meaning of a provider's refusal for the key that it was called with.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use serde_json::Value;
use strongroom_model::provider::InCalls;
use strongroom_model::{Amount, Provider};

use super::operation::Meter;
use super::usage::{Report, report_of_error};
use super::use_in_refusal::tells_of_use;
use crate::ai::answer::{Answer, Body};
use crate::ai::{ProbeOutcome, ProviderApi};

/// Statuses of 4xx that an intermediary may answer with when the provider has done its work already: it has lost its patience
/// (RFC 9110, section 15.5.9; nginx's 444 and 499; 460 of Amazon's load balancers).
const LOST: [u16; 4] = [408, 444, 460, 499];
/// Statuses of 4xx by which a request is refused before anything is done for it, whoever answers (RFC 9110, section 15.5;
/// RFC 6585). Of all others somebody has to say in an error of their own that they refused it.
const REFUSED: [u16; 19] =
    [400, 401, 402, 404, 405, 407, 409, 410, 411, 412, 413, 414, 415, 416, 417, 421, 422, 429, 431];

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
    /// Its meaning for the credential; `None`: it may not do what was asked, and is right otherwise.
    pub reason: Option<FailureReason>,
    /// Time to wait that the provider states.
    pub retry_after: Option<Duration>,
    /// `true` when it is so for the model that was asked for, and not for others.
    pub is_of_model: bool,
}

/// Returns the meaning of an answer for the key; `None` when it is about the request and would be the same with another key.
/// `body` is what was read of it, at most 64 KiB. A 403 is about the request unless the provider's file knows its words: whoever
/// calls can bring one about, for all others who use the key.
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
    let answer = Answer { status, body: error_of(body).map_or(Body::Other, Body::Json), retry_after };
    let api = ProviderApi::of(provider);
    let in_calls = api.refusal(&answer).map(|refusal| refusal.in_calls);
    let reason = match in_calls {
        Some(InCalls::Request) => return None,
        Some(InCalls::NotPermitted) => None,
        Some(InCalls::Model) => Some(FailureReason::RateLimited),
        Some(InCalls::BadKey) => Some(FailureReason::BadKey),
        Some(InCalls::Same) | None => Some(match api.verdict(&answer).outcome {
            ProbeOutcome::BadKey => FailureReason::BadKey,
            ProbeOutcome::EmptyAccount => FailureReason::EmptyAccount,
            ProbeOutcome::RateLimited => FailureReason::RateLimited,
            _ if status.is_server_error() => FailureReason::ProviderDown,
            _ => return None,
        }),
    };
    // OpenAI's clients know the finer one too.
    let retry_after = number(headers, "retry-after-ms")
        .map(|millis| Duration::from_secs_f64(millis / 1000.0))
        .or_else(|| after_seconds.map(Duration::from_secs_f64))
        .or_else(|| answer.details().find_map(retry_delay));
    Some(Refused { reason, retry_after, is_of_model: in_calls == Some(InCalls::Model) })
}

/// Tells whether a refusal for the rate of calls is about the one call: the prompt, of so many bytes, is longer by itself than the
/// tokens of a minute that the message names, or nearly all of them are left. The key is right for shorter ones:
/// <https://platform.claude.com/docs/en/api/rate-limits>.
#[must_use]
pub fn is_of_one_prompt(status: StatusCode, headers: &HeaderMap, body: &[u8], prompt_bytes: usize) -> bool {
    const BYTES_PER_TOKEN: f64 = 3.0;
    if status != StatusCode::TOO_MANY_REQUESTS {
        return false;
    }
    let of = |what: &str| number(headers, &format!("anthropic-ratelimit-input-tokens-{what}"));
    if let (Some(limit), Some(left)) = (of("limit"), of("remaining"))
        && left > limit / 2.0
    {
        return true;
    }
    let error = error_of(body);
    let message = error.as_ref().and_then(|error| error.pointer("/error/message")).and_then(Value::as_str);
    let named = message.and_then(|message| {
        const BEFORE: &str = "rate limit of ";
        let (_, limit) = message.split_once("would exceed")?.1.split_once(BEFORE)?;
        let (limit, unit) = limit.split_once(' ')?;
        unit.starts_with("input tokens").then(|| limit.replace(',', "").parse::<f64>().ok())?
    });
    named.is_some_and(|limit| prompt_bytes as f64 > limit * BYTES_PER_TOKEN)
}

/// What a provider bills for a call that it refused.
#[derive(Debug)]
pub struct RefusalBill {
    /// What it tells of its usage.
    pub report: Option<Box<Report>>,
    /// The least that it takes for the refusal, where its file knows that it takes something.
    pub fee: Option<Amount>,
    /// It may be billed, though nothing is told.
    pub may_be_billed: bool,
}

/// Reads what is billed for a call that was refused. `is_cut`: there was more of the body, and what it says of its bill may be
/// missing.
#[must_use]
pub fn refusal_bill(
    meter: Meter,
    provider: &Provider,
    status: StatusCode,
    body: &[u8],
    is_cut: bool,
) -> RefusalBill {
    let fee = refusal_fee(provider, status, body);
    RefusalBill {
        report: report_of_error(meter, provider, body).map(Box::new),
        may_be_billed: fee.is_some()
            || is_cut
            || is_unreadable(body)
            || may_be_billed(provider, status, body)
            || tells_of_use(body),
        fee,
    }
}

/// Tells whether a call that ended with this status may be billed all the same. What a provider itself refuses it does not bill,
/// and says so in an error of its own; an intermediary that lost sight of the provider (502, 504, 520 to 527), or an answer
/// of 500 and above that nobody knows, tells nothing of what the provider did.
///
/// Sources: <https://platform.openai.com/docs/guides/error-codes>, <https://platform.claude.com/docs/en/api/errors>,
/// <https://ai.google.dev/gemini-api/docs/troubleshooting>, <https://openrouter.ai/docs/api-reference/errors>,
/// <https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/>. Gemini answers 504
/// when it did not finish in time, OpenRouter 502 when the model did not answer well. A 303 (RFC 9110, section 15.4.4) is
/// how an answer to what was done may be told; other redirects come before anything is done. Google's 499 is a call that was
/// cancelled while it ran: <https://cloud.google.com/apis/design/errors>.
fn may_be_billed(provider: &Provider, status: StatusCode, body: &[u8]) -> bool {
    match status.as_u16() {
        300..=399 => status == StatusCode::SEE_OTHER,
        status if LOST.contains(&status) => true,
        // Of one that is cut, figures may be missing.
        status if REFUSED.contains(&status) => {
            matches!(body.trim_ascii_start(), [b'{' | b'[', ..]) && error_of(body).is_none()
        }
        400..=499 => !error_of(body).is_some_and(|error| {
            let others = provider.api().errors_in;
            is_own_error(provider, &error) || others.iter().any(|name| is_said(error.get(name)))
        }),
        500 | 501 | 503 | 529 => !error_of(body).is_some_and(|error| is_own_error(provider, &error)),
        _ => true,
    }
}

/// Tells whether an `error` is in the form of its provider's. Those that have a file here describe theirs by several members, of
/// it or beside it; a mere text is what any intermediary says.
fn is_own_error(provider: &Provider, error: &Value) -> bool {
    let beside = |names: &[&str]| names.iter().any(|name| is_said(error.get(name)));
    match error.get("error") {
        Some(Value::Object(members)) => members.values().any(|member| is_said(Some(member))),
        Some(Value::String(text)) => {
            !text.trim().is_empty() && (provider.known().is_none() || beside(&["code", "type"]))
        }
        Some(Value::Bool(true)) => beside(&["message"]),
        Some(Value::Array(errors)) => provider.known().is_none() && !errors.is_empty(),
        _ => false,
    }
}

/// Tells whether a body is no text, in which nobody would find a bill. A page may be in a coding of one byte a letter.
fn is_unreadable(body: &[u8]) -> bool {
    body.contains(&0) || (std::str::from_utf8(body).is_err() && !body.trim_ascii_start().starts_with(b"<"))
}

/// Tells whether a member of an error says something.
fn is_said(member: Option<&Value>) -> bool {
    match member {
        Some(Value::Bool(is_so)) => *is_so,
        Some(Value::String(text)) => !text.trim().is_empty(),
        Some(Value::Number(_)) => true,
        Some(Value::Object(members)) => !members.is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        _ => false,
    }
}

/// The least that a provider bills for a refusal, where its file knows that it does: the rest of what it bills nobody says.
fn refusal_fee(provider: &Provider, status: StatusCode, body: &[u8]) -> Option<Amount> {
    let api = ProviderApi::of(provider);
    // Most bill none, and nothing is read again for them.
    if api.facts.refusal_fee_nano_usd == 0 {
        return None;
    }
    let answer = Answer { status, body: error_of(body).map_or(Body::Other, Body::Json), retry_after: None };
    let fee = api.refusal(&answer)?.fee_nano_usd;
    (fee > 0).then(|| Amount::of(fee))
}

/// The JSON of an error. Google's streams tell theirs in an array.
pub(super) fn error_of(body: &[u8]) -> Option<Value> {
    match serde_json::from_slice(body).ok()? {
        Value::Array(errors) => errors.into_iter().next().filter(Value::is_object),
        error => Some(error),
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
        let refused = refused(&provider, status, &HeaderMap::new(), body.as_bytes());
        refused.map(|refused| refused.reason.unwrap())
    }

    #[test]
    fn refusals_of_the_key_are_told_from_refusals_of_the_request() {
        use FailureReason::{BadKey, EmptyAccount, ProviderDown, RateLimited};
        let openai_empty = r#"{"error":{"code":"insufficient_quota"}}"#;
        let low = r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low"}}"#;
        let invalid = r#"{"error":{"code":400,"details":[{"reason":"API_KEY_INVALID"}]}}"#;
        for (provider, status, body, reason) in [
            ("openai", 401, "{}", Some(BadKey)),
            ("openai", 403, "", None),
            ("openai", 429, "{}", Some(RateLimited)),
            ("openai", 429, openai_empty, Some(EmptyAccount)),
            ("openai", 400, "{}", None),
            ("openai", 401, r#"{"error":{"code":"mismatched_organization"}}"#, None),
            (
                "anthropic",
                429,
                r#"{"type":"error","error":{"type":"rate_limit_error","message":"Extra usage is required for long context requests."}}"#,
                None,
            ),
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

    /// Bodies as they were seen: <https://github.com/UKGovernmentBEIS/inspect_ai/pull/2267>,
    /// <https://github.com/RooCodeInc/Roo-Code/issues/515>, and the pages that the providers' files name.
    #[test]
    fn a_403_is_about_the_key_in_words_for_keys_alone() {
        use FailureReason::{BadKey, EmptyAccount};
        let google = |message: &str, details: &str| {
            format!(
                r#"{{"error":{{"code":403,"status":"PERMISSION_DENIED","message":"{message}","details":[{details}]}}}}"#
            )
        };
        let with = |reason: &str| {
            google(
                "x",
                &format!(r#"{{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"{reason}"}}"#),
            )
        };
        let xai = |error: &str| format!(r#"{{"code":"permission-denied","error":"{error}"}}"#);
        let openrouter = |message: &str| format!(r#"{{"error":{{"code":403,"message":"{message}"}}}}"#);
        for (provider, body, reason) in [
            ("grok", xai("Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO"), None),
            ("grok", xai("Access to the model credits is denied"), None),
            ("grok", xai("API key is currently blocked: Blocked due to API key leak"), Some(BadKey)),
            ("grok", xai("Your newly created team doesn't have any credits yet."), Some(EmptyAccount)),
            ("gemini", google("You do not have permission to access the File abc or it may not exist.", ""), None),
            ("gemini", with("SERVICE_DISABLED"), Some(BadKey)),
            ("gemini", with("BILLING_DISABLED"), Some(EmptyAccount)),
            ("gemini", with("API_KEY_IP_ADDRESS_BLOCKED"), Some(BadKey)),
            ("gemini", google("Your API key was reported as leaked. Please use another API key.", ""), Some(BadKey)),
            ("gemini", format!("[{}]", with("API_KEY_SERVICE_BLOCKED")), Some(BadKey)),
            ("gemini", google("The file 'your api key was reported as leaked' is not yours", ""), None),
            (
                "anthropic",
                r#"{"type":"error","error":{"type":"permission_error","message":"Your API key does not have permission to use the specified resource."}}"#.into(),
                None,
            ),
            ("openrouter", openrouter("This model requires moderation, and your input was flagged"), None),
            ("openrouter", openrouter("Key limit exceeded (total limit)."), Some(EmptyAccount)),
            ("openrouter", openrouter("Provider returned error"), None),
            ("groq", r#"{"error":{"code":"model_terms_required"}}"#.into(), None),
            ("openai", r#"{"error":{"code":"unsupported_country_region_territory"}}"#.into(), None),
            ("openai", r#"{"error":{"code":"invalid_api_key"}}"#.into(), Some(BadKey)),
            ("my-llm", "<html>Attention Required!</html>".into(), None),
            ("together", r#"{"error":{"message":"input token count + max_tokens is too large"}}"#.into(), None),
        ] {
            assert_eq!(of(provider, 403, &body), reason, "{provider} {body}");
        }
    }

    #[test]
    fn words_that_a_caller_wrote_say_nothing_about_the_key() {
        for (provider, status, body) in [
            (
                "anthropic",
                400,
                r#"{"error":{"message":"messages.0.your credit balance is too low: Extra inputs are not permitted"}}"#,
            ),
            ("grok", 400, r#"{"code":"x","error":"Unknown variant `Incorrect API key` at line 1"}"#),
            (
                "gemini",
                400,
                r#"{"error":{"status":"FAILED_PRECONDITION","message":"The File abc is not in an ACTIVE state"}}"#,
            ),
            (
                "openrouter",
                401,
                r#"{"error":{"message":"Provider returned error","metadata":{"provider_name":"x"}}}"#,
            ),
            (
                "openrouter",
                429,
                r#"{"error":{"message":"Provider returned error","metadata":{"provider_name":"x"}}}"#,
            ),
        ] {
            assert_eq!(of(provider, status, body), None, "{provider} {body}");
        }
        assert_eq!(
            of("groq", 400, r#"{"error":{"code":"organization_restricted"}}"#),
            Some(FailureReason::BadKey)
        );
        // Another key may do it, and this one is right for the rest.
        let scopes = br#"{"error":{"message":"You have insufficient permissions for this operation. Missing scopes: model.request."}}"#;
        for status in [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN] {
            let refused = refused(&Provider::of_known("openai"), status, &HeaderMap::new(), scopes);
            assert_eq!(refused.unwrap().reason, None);
        }
    }

    #[test]
    fn a_refusal_that_the_provider_bills_has_its_fee() {
        let fee = |provider: &'static str, status: u16, body: &str| {
            let status = StatusCode::from_u16(status).unwrap();
            refusal_fee(&Provider::of_known(provider), status, body.as_bytes()).map(Amount::get)
        };
        let body = r#"{"code":"permission-denied","error":"Content violates usage guidelines. Team: x"}"#;
        assert_eq!(fee("grok", 403, body), Some(50_000_000));
        assert_eq!(fee("grok", 400, body), None);
        assert_eq!(fee("grok", 403, r#"{"error":"Access is denied"}"#), None);
        assert_eq!(fee("openai", 403, body), None);
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
            (408, "<html>408 Request Time-out</html>", true),
            (408, own, true),
            (499, r#"{"error":{"code":499,"status":"CANCELLED"}}"#, true),
            (460, "", true),
            (403, own, false),
            (403, r#"{"detail":"no"}"#, false),
            (403, "<html>blocked by the firewall</html>", true),
            (403, "", true),
            (451, "<html>", true),
            (418, "<html>", true),
            (450, "", true),
            (418, own, false),
            (428, "<html>", true),
            (403, "{}", true),
            (403, "1", true),
            (406, r#""blocked""#, true),
            (403, r#"{"status":"blocked"}"#, true),
            (403, r#"{"message":"no"}"#, false),
            (500, r#"{"error":""}"#, true),
            (503, r#"{"error":false}"#, true),
            (503, r#"{"error":{}}"#, true),
            (500, r#"{"error":true,"message":"x"}"#, false),
            (400, r#"{"error":{"mess"#, true),
            (429, r#"[{"error":"#, true),
            (404, r#"{"detail":"Not Found"}"#, false),
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
            let of = |provider: &Provider| may_be_billed(provider, status, body.as_bytes());
            assert_eq!(of(&Provider::parse("my-llm").unwrap()), is_billed, "{status} {body}");
            assert!(of(&Provider::of_known("openai")) || !is_billed, "{status} {body}");
        }
    }

    #[test]
    fn an_intermediary_is_told_from_its_provider_by_the_form_of_its_words() {
        for (provider, status, body, is_billed) in [
            ("openai", 500, r#"{"error":"Bad gateway"}"#, true),
            ("openai", 503, r#"{"error":["x"]}"#, true),
            ("openai", 500, r#"{"error":{"a":null}}"#, true),
            ("openai", 500, r#"{"error":" "}"#, true),
            ("openai", 500, r#"{"error":{"message":"x","type":"server_error"}}"#, false),
            ("anthropic", 529, r#"{"type":"error","error":{"type":"overloaded_error"}}"#, false),
            ("gemini", 503, r#"[{"error":{"code":503,"status":"UNAVAILABLE"}}]"#, false),
            ("grok", 500, r#"{"code":"internal","error":"Service failed"}"#, false),
            ("together", 503, r#"{"error":{"message":"x","type":"overloaded"}}"#, false),
            ("together", 503, r#"{"error":"upstream overloaded"}"#, true),
            ("openai", 403, r#"{"status":"blocked","message":"Access denied by WAF"}"#, true),
            ("openai", 403, r#"{"message":"Forbidden"}"#, true),
            ("gemini", 403, r#"{"detail":"no"}"#, true),
            ("openai", 403, r#"{"error":"Forbidden"}"#, true),
            ("openai", 403, r#"{"error":{"message":"x"}}"#, false),
            ("mistral", 403, r#"{"object":"error","message":"no"}"#, false),
            ("mistral", 403, r#"{"detail":[{"msg":"no"}]}"#, false),
            ("cohere", 498, r#"{"message":"invalid token"}"#, false),
            ("my-llm", 403, r#"{"error":"no"}"#, false),
            ("my-llm", 500, r#"{"error":"the model broke down"}"#, false),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            let provider = Provider::parse(provider).unwrap();
            assert_eq!(
                may_be_billed(&provider, status, body.as_bytes()),
                is_billed,
                "{provider} {status} {body}"
            );
        }
    }

    #[test]
    fn a_limit_of_one_model_says_nothing_about_others() {
        for (provider, message, is_of_model) in [
            (
                "groq",
                "Rate limit reached for model `llama-3.3-70b-versatile` in organization `org_x` service tier `on_demand` on tokens per day (TPD): Limit 100000, Used 99900, Requested 500.",
                true,
            ),
            ("openrouter", "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000", true),
            ("openrouter", "Rate limit exceeded: free-models-per-min.", true),
            ("openrouter", "Rate limit exceeded", false),
            ("groq", "Too many requests", false),
        ] {
            let provider = Provider::parse(provider).unwrap();
            let body = serde_json::json!({ "error": { "message": message, "code": "rate_limit_exceeded" } });
            let refused = refused(
                &provider,
                StatusCode::TOO_MANY_REQUESTS,
                &HeaderMap::new(),
                body.to_string().as_bytes(),
            );
            let refused = refused.unwrap();
            assert_eq!(
                (refused.reason, refused.is_of_model),
                (Some(FailureReason::RateLimited), is_of_model),
                "{message}"
            );
        }
    }

    #[test]
    fn a_prompt_that_is_longer_than_a_minute_of_the_key_is_told_from_a_busy_key() {
        let says = |message: &str| {
            serde_json::json!({ "type": "error", "error": { "message": message } }).to_string()
        };
        let limit =
            "This request would exceed your organization's rate limit of 30,000 input tokens per minute.";
        let of = |message: &str, headers: &[(&'static str, &str)], bytes: usize| {
            let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
            let body = says(message);
            is_of_one_prompt(StatusCode::TOO_MANY_REQUESTS, &headers.collect(), body.as_bytes(), bytes)
        };
        assert!(of(limit, &[], 200_000) && !of(limit, &[], 40_000));
        assert!(!of("Number of request tokens has exceeded your per-minute rate limit", &[], 200_000));
        let left = |left: &'static str| {
            [
                ("anthropic-ratelimit-input-tokens-limit", "30000"),
                ("anthropic-ratelimit-input-tokens-remaining", left),
            ]
        };
        assert!(of(limit, &left("29000"), 40_000) && !of(limit, &left("1000"), 40_000));
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
