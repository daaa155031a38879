//! Words of a refusal that the caller may have put into it: they say nothing about the key.

use http::StatusCode;
use memchr::memmem;
use strongroom_model::Provider;
use strongroom_model::provider::Refusal;

use super::refusal::error_of;
use crate::ai::ProviderApi;
use crate::ai::answer::{Answer, Body};

/// Tells whether a refusal that is known by the words of its message may have them from the call: they stand in one of the
/// texts that the call consists of, or those are not at hand. A code or a status is the provider's own.
#[must_use]
pub fn may_be_callers(
    provider: &Provider,
    status: StatusCode,
    error: &[u8],
    asked: Option<&[&[u8]]>,
) -> bool {
    let answer = Answer { status, body: error_of(error).map_or(Body::Other, Body::Json), retry_after: None };
    let Some(words) = ProviderApi::of(provider).refusal(&answer).and_then(telling) else { return false };
    let Some(asked) = asked else { return true };
    let words = words.to_ascii_lowercase();
    let has = |text: &[u8]| memmem::find(&text.to_ascii_lowercase(), words.as_bytes()).is_some();
    asked.iter().any(|text| has(text) || (text.contains(&b'\\') && has(&unescaped(text))))
}

/// The words that tell a refusal from others: of two the longer ones.
fn telling(refusal: &Refusal) -> Option<&'static str> {
    let words = [refusal.message, refusal.message_begins].into_iter().flatten();
    words.map(|(_, words)| words).max_by_key(|words| words.len())
}

/// A text as a reader of JSON sees its ASCII (RFC 8259, section 7).
fn unescaped(text: &[u8]) -> Vec<u8> {
    let (mut seen, mut rest) = (Vec::with_capacity(text.len()), text);
    while let [first, behind @ ..] = rest {
        let code = |digits: &[u8]| {
            let digits = std::str::from_utf8(digits.get(..4)?).ok()?;
            u8::try_from(u32::from_str_radix(digits, 16).ok()?).ok()
        };
        let (byte, behind) = match behind {
            [b'u', digits @ ..] if *first == b'\\' => {
                (code(digits).unwrap_or(0), digits.get(4..).unwrap_or_default())
            }
            [byte, behind @ ..] if *first == b'\\' => (*byte, behind),
            _ => (*first, behind),
        };
        seen.push(byte);
        rest = behind;
    }
    seen
}

#[cfg(test)]
mod tests {
    use strongroom_model::provider::{InCalls, KNOWN, ProbeOutcome};

    use super::*;

    /// An answer that is this refusal by its message, and the words of it.
    fn said(refusal: &Refusal, message: &str) -> (StatusCode, Vec<u8>) {
        let (at, _) = refusal.message_begins.or(refusal.message).unwrap();
        let mut error = serde_json::Value::from(message);
        for name in at.rsplit('/').filter(|name| !name.is_empty()) {
            error = serde_json::json!({ name: error });
        }
        (StatusCode::from_u16(refusal.statuses[0]).unwrap(), error.to_string().into_bytes())
    }

    #[test]
    fn no_words_of_any_provider_that_a_call_holds_are_the_providers() {
        let mut tried = 0;
        for known in KNOWN {
            let provider = Provider::of_known(known.name);
            let resting =
                |it: &&Refusal| it.in_calls == InCalls::Same && it.outcome != ProbeOutcome::Unexpected;
            for refusal in provider.api().refusals.iter().filter(resting) {
                let Some(words) = telling(refusal) else { continue };
                let begins = refusal.message_begins.map_or("", |(_, begins)| begins);
                let end = refusal.message_ends.first().copied().unwrap_or_default();
                let whole =
                    if begins == words { format!("{begins}{end}") } else { format!("{begins}team {words}") };
                let (status, error) = said(refusal, &whole);
                let is_callers = |asked: Option<&[&[u8]]>| may_be_callers(&provider, status, &error, asked);
                assert!(!is_callers(Some(&[br#"{"model":"m","messages":[]}"#])), "{whole}");
                assert!(is_callers(None), "{whole}");
                let escaped: String = words.bytes().map(|byte| format!("\\u{byte:04X}")).collect();
                for text in [words.to_owned(), words.to_uppercase(), escaped] {
                    let body = format!(r#"{{"{text}":1}}"#);
                    assert!(is_callers(Some(&[b"x", body.as_bytes()])), "{body}");
                }
                tried += 1;
            }
        }
        assert!(tried > 5, "{tried}");
    }

    #[test]
    fn an_empty_account_is_one_whatever_a_prompt_is_about() {
        let grok = Provider::of_known("grok");
        for message in [
            "Your team has either used all available credits or reached its monthly spending limit.",
            "Your newly created team doesn't have any credits or licenses yet.",
        ] {
            let error = serde_json::json!({ "code": "x", "error": message }).to_string();
            let prompt: &[u8] = br#"{"messages":[{"content":"who has credits, and who spent them?"}]}"#;
            assert!(
                !may_be_callers(&grok, StatusCode::FORBIDDEN, error.as_bytes(), Some(&[prompt])),
                "{message}"
            );
        }
    }

    #[test]
    fn a_code_is_the_providers_whatever_the_call_holds() {
        let error = br#"{"error":{"code":"insufficient_quota"}}"#;
        let openai = Provider::of_known("openai");
        assert!(!may_be_callers(
            &openai,
            StatusCode::TOO_MANY_REQUESTS,
            error,
            Some(&[b"insufficient_quota"])
        ));
    }
}
