//! What differs between the providers' APIs on the wire: where the key goes, and which call tries it.

use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue, InvalidHeaderValue};
use strongroom_model::{Provider, Secret};

use super::answer::{Answer, Verdict};
use super::{anthropic, gemini, groq, openai, openrouter};

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

/// One provider's API. Its base URL stands in [`strongroom_model::provider::KNOWN`].
#[derive(Debug)]
pub struct ProviderApi {
    /// Where the key goes.
    pub key_header: KeyHeader,
    /// Headers that every call must have, beside the key.
    pub fixed_headers: &'static [(&'static str, &'static str)],
    /// The cheapest path, below the base URL, that asks for a key and spends nothing.
    pub(super) probe_path: &'static [&'static str],
    pub(super) probe_query: Option<&'static str>,
    /// What an accepted key means here.
    pub(super) accepted: &'static str,
    /// What this provider's answers mean where they mean something else than [`Answer::by_status`] says.
    pub(super) read: fn(&Answer) -> Option<Verdict>,
}

/// Any provider that is not one of the five: it is taken to speak OpenAI's format.
static OPENAI_COMPATIBLE: ProviderApi = ProviderApi {
    key_header: KeyHeader::Bearer,
    fixed_headers: &[],
    probe_path: &["models"],
    probe_query: None,
    accepted: "The endpoint answers to the key. Some servers list their models to anybody, so that this proves little.",
    read: openai::read,
};

impl ProviderApi {
    /// The API that this provider speaks.
    #[must_use]
    pub fn of(provider: &Provider) -> &'static Self {
        match provider.as_str() {
            "openai" => &openai::API,
            "anthropic" => &anthropic::API,
            "gemini" => &gemini::API,
            "openrouter" => &openrouter::API,
            "groq" => &groq::API,
            _ => &OPENAI_COMPATIBLE,
        }
    }

    pub(super) fn verdict(&self, answer: &Answer) -> Verdict {
        (self.read)(answer).unwrap_or_else(|| answer.by_status(self.accepted))
    }
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
