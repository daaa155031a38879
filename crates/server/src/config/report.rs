//! Report of `strongroom config check`: every setting, its value and where that comes from, without any secret.

use serde::Serialize;

use super::{Environment, Loaded, Overrides, load, settings};

/// One setting as it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SettingReport {
    /// `section.key`.
    pub name: String,
    /// Its value; a secret is `set` or `unset`, a URL is without its password.
    pub value: String,
    /// The flag, the variable or the field that it comes from, or `default`.
    pub source: String,
}

/// The configuration as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckReport {
    /// True when the server would start with it, as far as the configuration goes.
    pub ok: bool,
    /// Problems, with the remedy.
    pub problems: Vec<String>,
    /// Oddities.
    pub warnings: Vec<String>,
    /// Every setting, in the order of the reference; empty when something is wrong.
    pub settings: Vec<SettingReport>,
    /// The variables with keys of providers that were found in the environment or in `.env`; names only.
    pub provider_variables: Vec<String>,
}

/// Every setting, its value and where that comes from.
#[must_use]
pub fn describe(loaded: &Loaded) -> Vec<SettingReport> {
    settings()
        .map(|setting| {
            let name = setting.name();
            let source = loaded.origins.get(&name).map_or("default", String::as_str).to_owned();
            SettingReport { value: (setting.show)(&loaded.config), source, name }
        })
        .collect()
}

/// Checks the configuration that a server started here and now would have. `faults` says what is wrong with what its settings
/// lead to.
#[must_use]
pub fn check(overrides: &Overrides, faults: impl FnOnce(&Loaded) -> Vec<String>) -> CheckReport {
    let loaded =
        super::working_directory().and_then(|here| load(overrides, &Environment::from_process(), &here));
    match loaded {
        Ok(loaded) => {
            let problems = faults(&loaded);
            CheckReport {
                ok: problems.is_empty(),
                problems,
                settings: describe(&loaded),
                provider_variables: loaded.provider_environment.into_iter().map(|(name, _)| name).collect(),
                warnings: loaded.warnings,
            }
        }
        Err(error) => CheckReport {
            ok: false,
            problems: error.problems,
            warnings: error.warnings,
            settings: Vec::new(),
            provider_variables: Vec::new(),
        },
    }
}
