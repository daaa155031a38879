//! The row of the table of settings, from which name checks, the reference, the example file and `config check` follow.

use super::Config;

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
    /// The kind of value that it takes.
    pub kind: ValueKind,
    /// The value in force when nothing is set.
    pub default: DefaultValue,
    /// A line of `strongroom.toml` that sets it.
    pub sample: &'static str,
    /// Its effect, in one line.
    pub doc: &'static str,
    /// The value in force as text, fit for a terminal: no secret, no password.
    pub show: fn(&Config) -> String,
}

/// The kind of value that a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
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

/// The value in force when nothing is set.
#[derive(Debug, Clone, Copy)]
pub enum DefaultValue {
    /// This value.
    Value(&'static str),
    /// The value that this sentence describes.
    Rule(&'static str),
}

/// A section of `strongroom.toml`.
#[derive(Debug, Clone, Copy)]
pub struct Section {
    /// Its name; empty for the top of the file.
    pub name: &'static str,
    /// Its subject, in one line.
    pub doc: &'static str,
    /// Its settings, in the order in which they are documented.
    pub settings: &'static [Setting],
}

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
    /// Its effect, in one line.
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

    /// Tells whether its value is never shown, and may stand in a file of its own.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.kind == ValueKind::Secret
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
