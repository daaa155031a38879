//! Providers of AI models: their names, and what the files in `providers/` say of those that are known.

mod api;
mod key_form;
mod known;
mod variable;

use std::borrow::Cow;
use std::fmt;

pub use api::{
    AddedField, Api, ApiPath, BoundField, Dialect, FieldEffect, FilesEffect, InCalls, KeyHeader, Meter,
    Minting, Operation, PROJECT, Probe, ProbeOutcome, Refusal, Teller, Verb,
};
pub use key_form::{Alphabet, MarkedKey, UnmarkedKey};
pub use known::{
    ADDED_FIELDS, COMPATIBLE, KNOWN, KnownProvider, MARKED_KEYS, MODEL_ROUTES, ModelEffect, ModelMatch,
    PriceSource, RunVariables, SPECIAL_MODELS, UNMARKED_KEYS, find, speaker_of,
};
pub use variable::{
    AddressVariable, ElsewhereSwitch, KeyVariable, address_variable, elsewhere_switch, is_nobodys_address,
    is_nobodys_key, key_like_variable, key_variable, named_provider,
};

use crate::problem::Problem;

/// A provider's name: lower case, `[a-z0-9]` then up to 63 of `[a-z0-9._-]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Provider(Cow<'static, str>);

/// The priority of a provider that nothing is known of.
pub const DEFAULT_PRIORITY: i64 = 100;

impl Provider {
    /// Reads a provider's name: lower-cased, an alias becomes the name, so that `google` is `gemini`.
    ///
    /// # Errors
    /// [`Problem`] on the field `provider` when it is empty, too long, or has other characters.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let name = text.trim().to_ascii_lowercase();
        if let Some(known) = KNOWN.iter().find(|known| known.aliases.contains(&&*name)) {
            return Ok(Self::of_known(known.name));
        }
        let mut bytes = name.bytes();
        let starts_well = bytes.next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        let goes_on_well = bytes.all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        if !starts_well || !goes_on_well || name.len() > 64 {
            return Err(Problem::invalid(
                "provider",
                "provider must be 1 to 64 of a-z, 0-9, '.', '_' or '-', starting with a letter or digit, \
                 such as openai, anthropic, gemini, openrouter or groq",
            ));
        }
        Ok(Self::stored(name))
    }

    /// A name that is already in the database, taken as it is.
    #[must_use]
    pub fn stored(name: String) -> Self {
        // Names of known providers are everywhere: they are not copied.
        match find(&name) {
            Some(known) => Self::of_known(known.name),
            None => Self(Cow::Owned(name)),
        }
    }

    /// A provider of [`KNOWN`], by its name.
    #[must_use]
    pub const fn of_known(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the facts that its file states, if it has one.
    #[must_use]
    pub fn known(&self) -> Option<&'static KnownProvider> {
        find(&self.0)
    }

    /// Its API: what its file says, or what is taken for granted of one that has none.
    #[must_use]
    pub fn api(&self) -> &'static Api {
        self.known().map_or(&COMPATIBLE, |known| &known.api)
    }

    /// The base URL of its API, where it is known.
    #[must_use]
    pub fn base_url(&self) -> Option<&'static str> {
        self.known().map(|known| known.base_url)
    }

    /// Lower is tried first.
    #[must_use]
    pub fn default_priority(&self) -> i64 {
        self.known().map_or(DEFAULT_PRIORITY, |known| known.priority)
    }
}

impl From<Provider> for Cow<'static, str> {
    /// Its name.
    fn from(provider: Provider) -> Self {
        provider.0
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lower_cased_and_google_is_gemini() {
        assert_eq!(Provider::parse("OpenAI").unwrap().as_str(), "openai");
        assert_eq!(Provider::parse("Google").unwrap().default_priority(), 10);
        assert_eq!(Provider::parse("my-llm.v2").unwrap().default_priority(), 100);
    }

    #[test]
    fn anything_that_is_not_a_plain_name_is_refused() {
        for bad in ["", " ", "..", "-x", "a/b", "a b", "a%2e", "ünï", "a\0", &"x".repeat(65)] {
            assert_eq!(Provider::parse(bad).unwrap_err().field.as_deref(), Some("provider"), "{bad:?}");
        }
    }

    #[test]
    fn every_dialect_has_the_provider_whose_own_it_is() {
        for dialect in [Dialect::OpenAi, Dialect::Anthropic, Dialect::Gemini] {
            assert_eq!(speaker_of(dialect).api.dialect, dialect);
        }
        assert_eq!(speaker_of(Dialect::OpenAi).name, "openai");
        assert_eq!(Provider::parse("my-llm").unwrap().api().probe.path, ["models"]);
    }

    #[test]
    fn the_most_telling_beginnings_of_keys_come_first() {
        for (place, one) in MARKED_KEYS.iter().enumerate() {
            for later in &MARKED_KEYS[place + 1..] {
                assert!(!later.prefix.starts_with(one.prefix) || later.prefix == one.prefix, "{later:?}");
            }
        }
        assert_eq!(MARKED_KEYS.iter().filter(|key| key.kind == "openai").count(), 5);
    }
}
