//! The configuration of the server on this machine, as commands see it.

use std::path::PathBuf;

use strongroom_connectors::EndpointGuard;

use super::exit::{CliError, CliResult};
use super::global::GlobalOptions;
use super::output::Output;
use crate::config::{self, Config, ConfigError, Loaded, Overrides};

/// Settings that the global options override.
pub(super) fn overrides(options: &GlobalOptions) -> Overrides {
    Overrides { config: options.config.clone(), data_dir: options.data_dir.clone(), ..Overrides::default() }
}

/// The same for a command that sends secrets somewhere.
pub(super) fn command_overrides(options: &GlobalOptions) -> Overrides {
    Overrides { is_command: true, ..overrides(options) }
}

/// Loads the configuration and tells on stderr what is odd about it.
pub(super) fn load(overrides: &Overrides, output: &Output) -> CliResult<Loaded> {
    let loaded = config::load_from_process(overrides)?;
    for warning in &loaded.warnings {
        output.warn(warning);
    }
    Ok(loaded)
}

/// Guard of the addresses to which a server on this machine may send keys. Warnings are left to [`load`].
pub(super) fn endpoint_guard(options: &GlobalOptions) -> CliResult<EndpointGuard> {
    Ok(config::load_from_process(&command_overrides(options))?.config.endpoints.guard())
}

/// Socket file on which the server on this machine listens for the command line.
pub(super) fn socket_file(config: &Config) -> PathBuf {
    crate::wiring::socket_file::of(&config.data_dir)
}

/// File in which the server keeps the master key that it made itself.
pub(super) fn master_key_file(config: &Config) -> PathBuf {
    config.encryption.key_file.clone().unwrap_or_else(|| config.data_dir.join("master.key"))
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        Self::usage(error.to_string())
            .hint("`strongroom config check` shows every setting and where it comes from")
    }
}
