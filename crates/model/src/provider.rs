//! Providers of AI models: their names, aliases, priorities and the variables their keys usually stand in.

use std::borrow::Cow;
use std::fmt;

use crate::problem::Problem;

/// A provider's name: lower case, `[a-z0-9]` then up to 63 of `[a-z0-9._-]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Provider(Cow<'static, str>);

/// What is known of a provider before anybody configures it.
#[derive(Debug)]
pub struct KnownProvider {
    /// Its name in lower case.
    pub name: &'static str,
    /// Environment variables that usually hold its key; the first is the one we set.
    pub variables: &'static [&'static str],
    /// Lower is tried first.
    pub priority: i64,
    /// The base URL of its API, when its wire format is one we speak by ourselves.
    pub base_url: Option<&'static str>,
}

/// The five providers of the mission, then those that later versions of the original read from the environment.
/// Sources of the base URLs: the providers' own API references.
pub const KNOWN: &[KnownProvider] = &[
    KnownProvider {
        name: "gemini",
        variables: &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
        priority: 10,
        base_url: Some("https://generativelanguage.googleapis.com"),
    },
    KnownProvider {
        name: "groq",
        variables: &["GROQ_API_KEY"],
        priority: 20,
        base_url: Some("https://api.groq.com/openai/v1"),
    },
    KnownProvider {
        name: "openrouter",
        variables: &["OPENROUTER_API_KEY"],
        priority: 30,
        base_url: Some("https://openrouter.ai/api/v1"),
    },
    KnownProvider {
        name: "openai",
        variables: &["OPENAI_API_KEY"],
        priority: 40,
        base_url: Some("https://api.openai.com/v1"),
    },
    KnownProvider {
        name: "anthropic",
        variables: &["ANTHROPIC_API_KEY"],
        priority: 50,
        base_url: Some("https://api.anthropic.com"),
    },
    KnownProvider {
        name: "grok",
        variables: &["GROK_API_KEY", "XAI_API_KEY"],
        priority: 100,
        base_url: None,
    },
    KnownProvider { name: "deepseek", variables: &["DEEPSEEK_API_KEY"], priority: 100, base_url: None },
    KnownProvider { name: "together", variables: &["TOGETHER_API_KEY"], priority: 100, base_url: None },
    KnownProvider { name: "perplexity", variables: &["PERPLEXITY_API_KEY"], priority: 100, base_url: None },
    KnownProvider { name: "mistral", variables: &["MISTRAL_API_KEY"], priority: 100, base_url: None },
    KnownProvider { name: "cohere", variables: &["COHERE_API_KEY"], priority: 100, base_url: None },
];

/// The priority of a provider that nothing is known of.
pub const DEFAULT_PRIORITY: i64 = 100;

impl Provider {
    /// Reads a provider's name: lower-cased, `google` becomes `gemini`.
    ///
    /// # Errors
    /// [`Problem`] on the field `provider` when it is empty, too long, or has other characters.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let name = text.trim().to_ascii_lowercase();
        let name = if name == "google" { "gemini".to_owned() } else { name };
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
        match KNOWN.iter().find(|known| known.name == name) {
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

    /// What is known of it, if anything.
    #[must_use]
    pub fn known(&self) -> Option<&'static KnownProvider> {
        KNOWN.iter().find(|known| known.name == self.0)
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
}
