//! A provider's answer: read up to a bound, and what of it may be repeated.

use reqwest::header::RETRY_AFTER;
use reqwest::{Response, StatusCode};
use serde_json::Value;
use strongroom_model::Secret;

use super::ProbeOutcome;

/// The longest body that is read, in bytes. Error bodies have a few hundred.
const MAX_BODY: usize = 64 * 1024;
/// Longer names are no names.
const MAX_NAME: usize = 64;
/// Number of characters of a key that may stand in a name by chance.
const MAX_SHARED: usize = 5;

/// Meaning of an answer, in our words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) outcome: ProbeOutcome,
    pub(super) words: &'static str,
}

impl Verdict {
    pub(super) const fn new(outcome: ProbeOutcome, words: &'static str) -> Self {
        Self { outcome, words }
    }
}

/// The status and what could be read of the body.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Body,
    /// Seconds, from the header `Retry-After`.
    pub(super) retry_after: Option<u32>,
}

#[derive(Debug)]
pub(super) enum Body {
    Json(Value),
    /// More than is read; a long list of models is.
    TooLong,
    Other,
}

impl Answer {
    pub(super) async fn read(mut response: Response) -> Result<Self, reqwest::Error> {
        let status = response.status();
        let retry_after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.parse().ok());
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if bytes.len() + chunk.len() > MAX_BODY {
                return Ok(Self { status, body: Body::TooLong, retry_after });
            }
            bytes.extend_from_slice(&chunk);
        }
        let body = serde_json::from_slice(&bytes).map_or(Body::Other, Body::Json);
        Ok(Self { status, body, retry_after })
    }

    /// A text of the body by its JSON pointer (RFC 6901).
    pub(super) fn text(&self, pointer: &str) -> Option<&str> {
        self.value(pointer)?.as_str()
    }

    pub(super) fn value(&self, pointer: &str) -> Option<&Value> {
        match &self.body {
            Body::Json(body) => body.pointer(pointer),
            _ => None,
        }
    }

    /// Tells whether the provider's own message, at a JSON pointer, says this. The message itself goes nowhere.
    pub(super) fn says(&self, at: &str, words: &str) -> bool {
        self.text(at)
            .is_some_and(|message| message.to_ascii_lowercase().contains(&words.to_ascii_lowercase()))
    }

    /// Tells whether the provider's own message, at a JSON pointer, begins with these words and goes on to one of these ends;
    /// of none, to any.
    pub(super) fn begins(&self, at: &str, words: &str, ends: &[&str]) -> bool {
        let Some((first, rest)) = self.text(at).and_then(|message| message.split_at_checked(words.len()))
        else {
            return false;
        };
        let rest = rest.trim_end().trim_end_matches('.').to_ascii_lowercase();
        first.eq_ignore_ascii_case(words)
            && (ends.is_empty() || rest.is_empty() || ends.iter().any(|end| rest.ends_with(end)))
    }

    /// Returns the meaning of the status alone. `accepted` are the words for a success.
    pub(super) fn by_status(&self, accepted: &'static str) -> Verdict {
        use ProbeOutcome::{BadKey, EmptyAccount, Ok, RateLimited, Unexpected};
        let (outcome, words) = match self.status.as_u16() {
            200..=299 => match &self.body {
                Body::Json(body) if body.get("error").is_some_and(|error| !error.is_null()) => {
                    (Unexpected, "The provider answered with a success and an error in it.")
                }
                Body::Json(_) | Body::TooLong => (Ok, accepted),
                Body::Other => (
                    Unexpected,
                    "The answer is not JSON: check that the endpoint is the base URL of the provider's API.",
                ),
            },
            300..=399 => (
                Unexpected,
                "The endpoint redirects elsewhere. A key does not follow a redirect: set the final address as the endpoint.",
            ),
            401 => (
                BadKey,
                "The provider does not accept the key: it is wrong, revoked or expired. Store a new one.",
            ),
            402 => (EmptyAccount, "The account has nothing left to spend: add credit, or raise its limit."),
            403 => (
                Unexpected,
                "The provider refuses this call. The key may lack a permission, or calls from this network or country \
                 may be blocked: check the key's settings there.",
            ),
            404 | 405 => (
                Unexpected,
                "There is no such call: check that the endpoint is the base URL of the provider's API.",
            ),
            429 => (RateLimited, "The key is right, and used too often just now: try again later."),
            500..=599 => (Unexpected, "The provider has trouble of its own: try again later."),
            _ => (Unexpected, "The provider's answer says nothing about the key."),
        };
        Verdict::new(outcome, words)
    }

    /// Status, error name and waiting time: what is safe to repeat.
    pub(super) fn reference(&self, key: &Secret) -> String {
        let mut reference = format!("HTTP {}", self.status.as_u16());
        if let Some(name) = self.error_names().into_iter().find(|name| speakable(name, key)) {
            reference.push_str(", ");
            reference.push_str(name);
        }
        if let (429 | 503 | 529, Some(seconds)) = (self.status.as_u16(), self.retry_after) {
            reference.push_str(&format!(", retry after {seconds} s"));
        }
        reference
    }

    /// The places where the providers put an error's name, the most telling first.
    fn error_names(&self) -> Vec<&str> {
        let of_details = self.details().filter_map(|detail| detail.get("reason")?.as_str());
        let places = [
            "/error/details/error_code",
            "/error/metadata/limit_source",
            "/error/metadata/error_type",
            "/error/code",
            "/error/type",
            "/error/status",
        ];
        of_details.chain(places.iter().filter_map(|place| self.text(place))).collect()
    }

    /// The entries of `error.details` (Google's `google.rpc.Status`).
    pub(super) fn details(&self) -> impl Iterator<Item = &Value> {
        self.value("/error/details").and_then(Value::as_array).into_iter().flatten()
    }
}

/// Tells whether an error's name may be repeated. The far side chooses it and knows the key, so a name is what has the shape
/// of one (words in one case with underscores, no digits) and shares no run of characters with the key.
fn speakable(name: &str, key: &Secret) -> bool {
    let shaped = |letter: fn(&u8) -> bool| name.bytes().all(|byte| letter(&byte) || byte == b'_');
    let is_name = (1..=MAX_NAME).contains(&name.len())
        && (shaped(u8::is_ascii_lowercase) || shaped(u8::is_ascii_uppercase));
    let key = key.expose().to_ascii_lowercase();
    let name = name.to_ascii_lowercase();
    is_name
        && !key
            .as_bytes()
            .windows(MAX_SHARED + 1)
            .any(|run| name.as_bytes().windows(run.len()).any(|window| window == run))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(status: u16, body: Body) -> Answer {
        Answer { status: StatusCode::from_u16(status).unwrap(), body, retry_after: None }
    }

    #[test]
    fn only_names_are_repeated() {
        let key = Secret::from("sk-proj-abcdefgh12345678");
        for name in ["invalid_api_key", "API_KEY_INVALID", "slow_down"] {
            assert!(speakable(name, &key), "{name}");
        }
        for name in [
            "",
            "sk-proj-abcdefgh12345678",
            "abcdefgh",
            "xx_bcdefg_xx",
            "ABCDEFGH",
            "Invalid key",
            "key_12345678",
            "invalid-api-key",
            "c2stcHJvai1hYmNkZWZnaDEyMzQ1Njc4",
            &"a".repeat(65),
        ] {
            assert!(!speakable(name, &key), "{name}");
        }
    }

    #[test]
    fn the_reference_takes_the_first_name_that_may_be_repeated() {
        let key = Secret::from("sk-canary-value");
        let body = json!({"error": {"message": "sk-canary-value", "code": "sk-canary-value", "type": "invalid_request_error"}});
        assert_eq!(answer(400, Body::Json(body)).reference(&key), "HTTP 400, invalid_request_error");
        let body = json!({"error": {"code": "canary_value", "type": "canary", "status": 7}});
        assert_eq!(answer(400, Body::Json(body)).reference(&key), "HTTP 400");
    }

    #[test]
    fn a_success_must_look_like_one() {
        let outcome = |status, body| answer(status, body).by_status("fine").outcome;
        assert_eq!(outcome(200, Body::Json(json!({"data": []}))), ProbeOutcome::Ok);
        assert_eq!(outcome(200, Body::Json(json!({"data": [], "error": null}))), ProbeOutcome::Ok);
        assert_eq!(outcome(200, Body::TooLong), ProbeOutcome::Ok);
        assert_eq!(outcome(200, Body::Json(json!({"error": {"message": "no"}}))), ProbeOutcome::Unexpected);
        assert_eq!(outcome(200, Body::Other), ProbeOutcome::Unexpected);
        assert_eq!(outcome(302, Body::Other), ProbeOutcome::Unexpected);
        assert_eq!(outcome(500, Body::TooLong), ProbeOutcome::Unexpected);
    }
}
