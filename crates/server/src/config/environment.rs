//! The environment variables that mean something here, taken once, so that nothing else reads the process environment.

use std::collections::BTreeMap;

use strongroom_model::{Secret, provider};

use super::variables;

/// Environment variables by name. Its `Debug` form shows names only.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, Secret>,
    not_text: Vec<String>,
}

impl Environment {
    /// Takes what may concern us from the environment of this process; nothing else is copied.
    #[must_use]
    pub fn from_process() -> Self {
        let mut environment = Self::default();
        let ours: Vec<String> = variables().collect();
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else { continue };
            let concerns_us = name.starts_with("STRONGROOM_")
                || ours.contains(&name)
                || provider_variables().any(|variable| variable == name)
                || ["HOME", "XDG_DATA_HOME"].contains(&name.as_str())
                || PROXY_VARIABLES.contains(&name.as_str());
            if !concerns_us {
                continue;
            }
            match value.into_string() {
                Ok(value) => {
                    environment.variables.insert(name, Secret::new(value));
                }
                Err(_) => environment.not_text.push(name),
            }
        }
        environment
    }

    /// The value of a variable.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(Secret::expose)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.variables.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Variables whose values are no UTF-8 and are therefore left out.
    #[must_use]
    pub fn not_text(&self) -> &[String] {
        &self.not_text
    }
}

impl<N: Into<String>, V: Into<Secret>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let variables = pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { variables, not_text: Vec::new() }
    }
}

/// Variables by which other programs are told of a proxy for outgoing calls.
pub(super) const PROXY_VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// The variables that usually hold keys of providers.
pub(super) fn provider_variables() -> impl Iterator<Item = &'static str> {
    provider::KNOWN.iter().flat_map(|known| known.variables.iter().copied())
}
