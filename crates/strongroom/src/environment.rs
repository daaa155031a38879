//! Keys from the environment: they serve a provider that the database knows nothing of.

use strongroom_model::provider::KNOWN;
use strongroom_model::{Provider, Secret};

/// The provider keys that the process was started with.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    variables: Vec<(String, Secret)>,
    is_enabled: bool,
}

impl Environment {
    /// Keys by the names of their variables; empty ones are as good as unset.
    #[must_use]
    pub fn of(variables: Vec<(String, Secret)>) -> Self {
        let variables = variables.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        Self { variables, is_enabled: true }
    }

    /// No key from the environment is ever used.
    #[must_use]
    pub fn disabled() -> Self {
        Self::default()
    }

    /// Tells whether it may be used.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.is_enabled
    }

    /// All keys, each with its variable and its provider.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (&str, Provider, &Secret)> {
        self.variables.iter().filter_map(|(name, key)| {
            let known = KNOWN.iter().find(|known| known.variables.contains(&name.as_str()))?;
            Some((name.as_str(), Provider::parse(known.name).ok()?, key))
        })
    }

    /// The provider's variable and key, by the order of its variables.
    pub(crate) fn key_of(&self, provider: &Provider) -> Option<(&'static str, &Secret)> {
        provider.known()?.variables.iter().find_map(|&name| {
            self.variables.iter().find(|(set, _)| set == name).map(|(_, value)| (name, value))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_of_a_provider_that_is_set_counts() {
        let gemini = Provider::parse("gemini").unwrap();
        let set = |name: &str, value: &str| (name.to_owned(), Secret::from(value));
        let both = Environment::of(vec![set("GOOGLE_API_KEY", "a"), set("GEMINI_API_KEY", "b")]);
        assert_eq!(both.key_of(&gemini).unwrap().0, "GEMINI_API_KEY");
        let all: Vec<_> = both.keys().map(|(name, provider, _)| (name, provider == gemini)).collect();
        assert_eq!(all, [("GOOGLE_API_KEY", true), ("GEMINI_API_KEY", true)]);
        let empty = Environment::of(vec![set("GEMINI_API_KEY", ""), set("GOOGLE_API_KEY", "a")]);
        assert_eq!(empty.key_of(&gemini).unwrap().0, "GOOGLE_API_KEY");
        assert!(Environment::disabled().key_of(&gemini).is_none());
    }
}
