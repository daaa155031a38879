//! The one table of settings, from which name checks, the reference, the example file and `config check` follow.

use super::{
    Config, ai, audit, auth, credentials, data_dir, database, encryption, endpoints, fallback, gateway, http,
    log, usage,
};

/// One setting: its names, its default, and how it is shown.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The section of `strongroom.toml`; empty for the top of the file.
    pub section: &'static str,
    /// The key in that section. A secret has a second one, with `_file` at its end.
    pub key: &'static str,
    /// Environment variables, the strongest first. A secret has second ones, with `_FILE` at their ends.
    pub variables: &'static [&'static str],
    /// The command-line flag that is stronger than all of them.
    pub flag: Option<&'static str>,
    /// What a value looks like.
    pub form: Form,
    /// What holds when nothing is set.
    pub default: Standard,
    /// A line of `strongroom.toml` that sets it.
    pub sample: &'static str,
    /// What it does, in one line.
    pub doc: &'static str,
    /// The value in force as text, fit for a terminal: no secret, no password.
    pub show: fn(&Config) -> String,
}

/// What a value looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Any text.
    Text,
    /// A path; a relative one starts at the working directory, or at the folder of `strongroom.toml` when it stands there.
    Path,
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Number,
    /// A text that is never shown; given as itself, or as the path of a file that holds it.
    Secret,
}

/// What holds when nothing is set.
#[derive(Debug, Clone, Copy)]
pub enum Standard {
    /// This value.
    Value(&'static str),
    /// What this sentence says.
    Rule(&'static str),
}

/// A section of `strongroom.toml`.
#[derive(Debug, Clone, Copy)]
pub struct Section {
    /// Its name; empty for the top of the file.
    pub name: &'static str,
    /// What it is about, in one line.
    pub doc: &'static str,
    /// Its settings, in the order in which they are documented.
    pub settings: &'static [Setting],
}

/// Everything that can be set.
pub const SECTIONS: &[Section] = &[
    Section { name: "", doc: "Where everything is kept.", settings: data_dir::SETTINGS },
    Section { name: "database", doc: "The database.", settings: database::SETTINGS },
    Section {
        name: "encryption",
        doc: "The master key, and the age of the key that seals.",
        settings: encryption::SETTINGS,
    },
    Section { name: "http", doc: "The address and its TLS.", settings: http::SETTINGS },
    Section { name: "auth", doc: "Who may come in.", settings: auth::SETTINGS },
    Section { name: "endpoints", doc: "Where provider keys may be sent.", settings: endpoints::SETTINGS },
    Section { name: "gateway", doc: "How calls go on to the providers.", settings: gateway::SETTINGS },
    Section { name: "ai", doc: "Which models the AI service asks.", settings: ai::SETTINGS },
    Section {
        name: "usage",
        doc: "What calls cost, and how long the record of each is kept.",
        settings: usage::SETTINGS,
    },
    Section {
        name: "credentials",
        doc: "How many versions are kept, and for how long a deleted credential is.",
        settings: credentials::SETTINGS,
    },
    Section { name: "fallback", doc: "Keys that stand in the environment.", settings: fallback::SETTINGS },
    Section { name: "log", doc: "What is logged, and how.", settings: log::SETTINGS },
    Section { name: "audit", doc: "The audit trail.", settings: audit::SETTINGS },
];

/// The variable that names the configuration file.
pub const CONFIG_VARIABLE: &str = "STRONGROOM_CONFIG";

/// The configuration file that is read from the working directory when no other is named.
pub const CONFIG_FILE: &str = "strongroom.toml";

/// A variable that only the command line reads, and only from the real environment: a file that lies in a working
/// directory must not send anybody's token to another server.
#[derive(Debug, Clone, Copy)]
pub struct ClientVariable {
    /// The variable.
    pub name: &'static str,
    /// The key that somebody might write in a section `client`.
    pub key: &'static str,
    /// What it does, in one line.
    pub doc: &'static str,
}

/// The variables of the command line.
pub const CLIENT_VARIABLES: &[ClientVariable] = &[
    ClientVariable {
        name: "STRONGROOM_URL",
        key: "url",
        doc: "The server that the command line talks to; unset: the one of this machine.",
    },
    ClientVariable { name: "STRONGROOM_TOKEN", key: "token", doc: "The token for that server." },
    ClientVariable {
        name: "STRONGROOM_TOKEN_FILE",
        key: "token_file",
        doc: "A file that holds that token, instead of STRONGROOM_TOKEN.",
    },
    ClientVariable {
        name: "STRONGROOM_CA_FILE",
        key: "ca_file",
        doc: "Certificates (PEM) to trust for that server, beside those of the system.",
    },
];

impl Setting {
    /// `section.key`, or the key alone at the top of the file.
    #[must_use]
    pub fn name(&self) -> String {
        if self.section.is_empty() { self.key.to_owned() } else { format!("{}.{}", self.section, self.key) }
    }

    /// The name of the key that holds a path instead, for a secret.
    #[must_use]
    pub fn file_name(&self) -> Option<String> {
        self.is_secret().then(|| format!("{}_file", self.name()))
    }

    /// Whether its value is never shown, and may stand in a file of its own.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.form == Form::Secret
    }

    /// Its variables, those that hold a path included, the strongest first.
    pub fn all_variables(&self) -> impl Iterator<Item = String> {
        let secret = self.is_secret();
        self.variables.iter().flat_map(move |variable| {
            [Some((*variable).to_owned()), secret.then(|| file_variable(variable))].into_iter().flatten()
        })
    }
}

/// The variable that holds the path of a file instead of the value.
pub(super) fn file_variable(variable: &str) -> String {
    format!("{variable}_FILE")
}

/// Every setting, in the order of the reference.
pub fn settings() -> impl Iterator<Item = &'static Setting> {
    SECTIONS.iter().flat_map(|section| section.settings)
}

/// Every environment variable that means something to us, provider keys excepted. A child process of
/// `strongroom run` gets none of those that are ours alone.
pub fn variables() -> impl Iterator<Item = String> {
    settings()
        .flat_map(Setting::all_variables)
        .chain([CONFIG_VARIABLE.to_owned()])
        .chain(CLIENT_VARIABLES.iter().map(|variable| variable.name.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_name_and_no_variable_stands_for_two_things() {
        let all: Vec<String> = variables().collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        let names: Vec<String> =
            settings().flat_map(|it| [Some(it.name()), it.file_name()]).flatten().collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    }

    #[test]
    fn every_row_stands_in_its_section_and_its_sample_sets_it() {
        for section in SECTIONS {
            for setting in section.settings {
                assert_eq!(setting.section, section.name, "{}", setting.key);
                let sample: toml::Table = setting.sample.parse().unwrap();
                let key = sample.keys().next().unwrap().as_str();
                assert!(key == setting.key || key == format!("{}_file", setting.key), "{}", setting.name());
                assert!(!setting.doc.is_empty() && !setting.doc.contains(['\n', '|']), "{}", setting.name());
            }
        }
    }
}
