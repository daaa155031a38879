//! `strongroom completion`: scripts that complete commands and options in a shell.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Cli;
use super::exit::{CliError, CliResult, Exit};
use super::output::Output;

/// Options of `completion`.
#[derive(Debug, Args)]
pub(super) struct CompletionOptions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Runs the command.
pub(super) fn run(options: &CompletionOptions, output: &Output) -> CliResult {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Cli::command(), "strongroom", &mut script);
    let script = String::from_utf8(script).map_err(|error| CliError::failure(error.to_string()))?;
    output.text(script.trim_end())?;
    Ok(Exit::Ok)
}
