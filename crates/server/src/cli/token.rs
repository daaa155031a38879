//! `strongroom token`: what programs show to be let in, one command per file.

mod create;
mod generate;
mod list;
mod revoke;

use clap::Subcommand;

use super::exit::CliResult;
use super::session::Session;

pub(super) use generate::run as generate;

/// `strongroom token …`
#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Make a token and print it; it is never shown again
    Create(create::CreateOptions),
    /// List tokens, without their secrets; those of `strongroom run` only with --all
    #[command(visible_alias = "ls")]
    List(list::ListOptions),
    /// Revoke a token: it stops working at once
    Revoke(revoke::RevokeOptions),
    /// Print a new token for STRONGROOM_ADMIN_TOKEN_FILE; this needs no server, and the token is not stored
    Generate,
}

/// Runs the command.
pub(super) async fn run(command: TokenCommand, session: &Session) -> CliResult {
    match command {
        TokenCommand::Create(options) => create::run(options, session).await,
        TokenCommand::List(options) => list::run(&options, session).await,
        TokenCommand::Revoke(options) => revoke::run(options, session).await,
        TokenCommand::Generate => generate(&session.output),
    }
}
