//! `strongroom audit`: the trail of what was done, one command per file.

mod anchors;
mod export;
mod list;
mod verify;

use clap::Subcommand;

use super::exit::CliResult;
use super::session::Session;

/// `strongroom audit …`
#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// List entries, the newest first
    #[command(visible_alias = "ls")]
    List(list::ListOptions),
    /// Verify every entry; exits with 6 and names the entry if one does not verify
    Verify(verify::VerifyOptions),
    /// Write all entries, the oldest first, one JSON object per line
    Export(export::ExportOptions),
}

/// Runs the command.
pub(super) async fn run(command: AuditCommand, session: &Session) -> CliResult {
    match command {
        AuditCommand::List(options) => list::run(options, session).await,
        AuditCommand::Verify(options) => verify::run(options, session).await,
        AuditCommand::Export(options) => export::run(options, session).await,
    }
}
