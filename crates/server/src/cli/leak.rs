//! `strongroom leak`: is this key ours, and what to do when it has leaked.

mod candidate;
mod check;
mod respond;

use clap::Subcommand;
use strongroom_client::wire::leak::{ChangedVersion, Holder};

use super::exit::CliResult;
use super::output::Output;
use super::session::Session;

/// `strongroom leak …`
#[derive(Debug, Subcommand)]
pub(super) enum LeakCommand {
    /// Check whether keys are ours: one per line on stdin, as they were found; exits with 0 when one is, with 3 when none is,
    /// with 6 when versions were changed in the database
    Check,
    /// Freeze a credential everywhere, or use a new key, and report the extent of the leak
    Respond(respond::RespondOptions),
}

/// Runs the command.
pub(super) async fn run(command: LeakCommand, session: &Session) -> CliResult {
    match command {
        LeakCommand::Check => check::run(session).await,
        LeakCommand::Respond(options) => respond::run(options, session).await,
    }
}

fn shown(holders: &[Holder]) -> String {
    let names: Vec<_> = holders.iter().map(|it| format!("{} {} ({})", it.kind, it.name, it.role)).collect();
    if names.is_empty() { "-".to_owned() } else { names.join(", ") }
}

/// Says which versions were changed outside strongroom, once each.
pub(super) fn warn_of_changed(output: &Output, changed: &[ChangedVersion]) {
    for ChangedVersion { name, version } in changed {
        let what = version.map_or_else(|| "a version".to_owned(), |number| format!("version {number}"));
        output.warn(&format!(
            "{what} of credential {name:?} was changed outside strongroom, so that its key may not be known to be ours: restore \
             it from a backup, or delete the credential and make it again"
        ));
    }
}
