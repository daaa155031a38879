//! `strongroom completion`: scripts that complete commands, options and names in a shell.

pub(in crate::cli) mod names;

use std::ffi::OsString;

use clap::Args;
use clap_complete::env::Shells;
use clap_complete::{CompleteEnv, Shell};

use super::exit::{CliError, CliResult, Exit};
use super::output::Output;

/// The variable by which a shell asks for completions. The usual name, `COMPLETE`, says nothing about whose it is.
const VARIABLE: &str = "STRONGROOM_COMPLETE";

const PROGRAM: &str = "strongroom";

/// Options of `completion`.
#[derive(Debug, Args)]
pub(super) struct CompletionOptions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,

    /// Complete names of credentials, providers, tokens and users as well
    ///
    /// The script then asks this program at each press of the key, and the program asks the running server: the one of
    /// STRONGROOM_URL, or the one on this machine. It waits for 300 ms at most, and without a server only commands and
    /// options are completed. Keys and tokens are never read. Make the script again after an update.
    #[arg(long)]
    names: bool,
}

/// Runs the command.
pub(super) fn run(options: &CompletionOptions, output: &Output) -> CliResult {
    let unwritable =
        |error: &dyn std::fmt::Display| CliError::failure(format!("the script cannot be written: {error}"));
    let mut script = Vec::new();
    if options.names {
        let name = options.shell.to_string();
        let shells = Shells::builtins();
        let shell = shells.completer(&name).ok_or_else(|| unwritable(&format!("{name} has none")))?;
        shell
            .write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut script)
            .map_err(|error| unwritable(&error))?;
    } else {
        clap_complete::generate(options.shell, &mut super::command(), PROGRAM, &mut script);
    }
    let script = String::from_utf8(script).map_err(|error| unwritable(&error))?;
    output.text(script.trim_end())?;
    Ok(Exit::Ok)
}

/// Answers a shell that asks for completions; false when none does, and the arguments are a command line.
///
/// # Errors
/// When the shell is none that is known.
pub(super) fn answer(arguments: &[OsString]) -> clap::error::Result<bool> {
    let folder = std::env::current_dir().ok();
    CompleteEnv::with_factory(super::command)
        .var(VARIABLE)
        .bin(PROGRAM)
        .try_complete(arguments.iter().cloned(), folder.as_deref())
}
