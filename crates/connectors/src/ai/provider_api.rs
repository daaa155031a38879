//! Differences between the providers' APIs on the wire: where the key goes, and which call tries it.

use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue, InvalidHeaderValue};
use strongroom_model::provider::{self, Api, Refusal};
use strongroom_model::{Provider, Secret};

use super::answer::{Answer, Verdict};

/// The header that a provider takes its key in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyHeader {
    /// `Authorization: Bearer <key>`.
    Bearer,
    /// The key by itself, in a header of this name (lower case).
    Named(&'static str),
}

impl KeyHeader {
    /// The header with the key in it, marked as sensitive, so that nothing prints it and HTTP/2 does not index it.
    ///
    /// # Errors
    /// When the key has characters that no header can carry.
    pub fn with(self, key: &Secret) -> Result<(HeaderName, HeaderValue), InvalidHeaderValue> {
        let (name, mut value) = match self {
            Self::Bearer => {
                // Of just its length, and handed over: there is no second copy of the key.
                (AUTHORIZATION, HeaderValue::try_from(["Bearer ", key.expose()].concat())?)
            }
            Self::Named(name) => (HeaderName::from_static(name), HeaderValue::from_str(key.expose())?),
        };
        value.set_sensitive(true);
        Ok((name, value))
    }
}

/// One provider's API, as its file describes it.
#[derive(Debug, Clone, Copy)]
pub struct ProviderApi {
    /// Header that takes the key.
    pub key_header: KeyHeader,
    /// Headers that every call must have, beside the key.
    pub fixed_headers: &'static [(&'static str, &'static str)],
    /// `true` when a stream tells its usage without being asked to.
    pub tells_usage_unasked: bool,
    pub(super) facts: &'static Api,
}

impl ProviderApi {
    /// The API that this provider speaks. One that is not known is taken to speak OpenAI's format.
    #[must_use]
    pub fn of(provider: &Provider) -> Self {
        let facts = provider.api();
        let key_header = match facts.key_header {
            provider::KeyHeader::Bearer => KeyHeader::Bearer,
            provider::KeyHeader::Named(name) => KeyHeader::Named(name),
        };
        Self {
            key_header,
            fixed_headers: facts.fixed_headers,
            tells_usage_unasked: facts.tells_usage_unasked,
            facts,
        }
    }

    pub(super) fn verdict(&self, answer: &Answer) -> Verdict {
        self.refusal(answer).map_or_else(
            || answer.by_status(self.facts.probe.accepted),
            |refusal| Verdict::new(refusal.outcome, refusal.words),
        )
    }

    /// The first refusal of the provider's file that an answer is.
    pub(super) fn refusal(&self, answer: &Answer) -> Option<&'static Refusal> {
        self.facts.refusals.iter().find(|refusal| fits(refusal, answer))
    }
}

/// Tells whether an answer has all that a refusal is known by.
fn fits(refusal: &Refusal, answer: &Answer) -> bool {
    let detail_has = |name: &str, wanted: &str| {
        answer.details().any(|detail| detail.get(name).and_then(|value| value.as_str()) == Some(wanted))
    };
    let number = |pointer: &str| answer.value(pointer).and_then(serde_json::Value::as_f64);
    (refusal.statuses.is_empty() || refusal.statuses.contains(&answer.status.as_u16()))
        && refusal.text.is_none_or(|(at, values)| answer.text(at).is_some_and(|text| values.contains(&text)))
        && refusal.message.is_none_or(|(at, words)| answer.says(at, words))
        && refusal.message_begins.is_none_or(|(at, words)| answer.begins(at, words, refusal.message_ends))
        && (refusal.reasons.is_empty() || refusal.reasons.iter().any(|reason| detail_has("reason", reason)))
        && refusal.without_detail.is_none_or(|kind| !detail_has("@type", kind))
        && refusal.nothing_left_at.is_none_or(|at| number(at).is_some_and(|left| left <= 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_carries_the_key_and_does_not_print_it() {
        let key = Secret::from("sk-canary");
        let (name, value) = KeyHeader::Bearer.with(&key).unwrap();
        assert_eq!((name.as_str(), value.as_bytes()), ("authorization", b"Bearer sk-canary".as_slice()));
        assert!(!format!("{value:?}").contains("canary"));
        let (name, value) = KeyHeader::Named("x-api-key").with(&key).unwrap();
        assert_eq!((name.as_str(), value.as_bytes()), ("x-api-key", b"sk-canary".as_slice()));
        assert!(!format!("{value:?}").contains("canary"));
        assert!(KeyHeader::Bearer.with(&Secret::from("sk-a\nx-evil: 1")).is_err());
    }
}
