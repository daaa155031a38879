//! Options that every command takes, and the variables that stand in for them.

use std::env::{self, VarError};
use std::path::PathBuf;

use clap::Args;

use super::exit::{CliError, CliResult};
use super::output::Format;

/// Options that every command takes.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalOptions {
    /// The format of data on stdout
    #[arg(long, global = true, hide_short_help = true, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub format: Format,

    /// Answer yes to every question
    #[arg(long, short, global = true, hide_short_help = true)]
    pub yes: bool,

    /// The data directory of the server on this machine [env: STRONGROOM_DATA_DIR]
    #[arg(long, global = true, hide_short_help = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,

    /// The configuration file, instead of strongroom.toml in the working directory [env: STRONGROOM_CONFIG]
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// The server's address. Default: the server on this machine, or its data directory [env: STRONGROOM_URL]
    #[arg(long, global = true, hide_short_help = true, value_name = "URL")]
    pub url: Option<String>,

    /// A file that contains the token for that server [env: STRONGROOM_TOKEN_FILE, or the token: STRONGROOM_TOKEN]
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    pub token_file: Option<PathBuf>,

    /// Certificates (PEM) to trust in addition to those of the system [env: STRONGROOM_CA_FILE]
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,

    /// Send the token and keys unencrypted to an http:// address that is not on this machine
    #[arg(long, global = true, hide_short_help = true)]
    pub allow_plaintext: bool,
}

impl GlobalOptions {
    /// The address of the server, if one was given.
    pub(super) fn url(&self) -> CliResult<Option<String>> {
        let given = self.url.clone().filter(|url| !url.is_empty());
        if given.is_some() { Ok(given) } else { variable("STRONGROOM_URL") }
    }

    /// The file that holds the token, if one was named.
    pub(super) fn token_file(&self) -> Option<PathBuf> {
        self.token_file.clone().or_else(|| path("STRONGROOM_TOKEN_FILE"))
    }

    /// The file with certificates, if one was named.
    pub(super) fn ca_file(&self) -> Option<PathBuf> {
        self.ca_file.clone().or_else(|| path("STRONGROOM_CA_FILE"))
    }
}

/// A variable of this process; an empty one counts as unset.
pub(super) fn variable(name: &str) -> CliResult<Option<String>> {
    match env::var(name) {
        Ok(text) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(CliError::usage(format!("{name} is not UTF-8 text"))),
    }
}

fn path(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}
