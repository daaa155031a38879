//! `strongroom token revoke`

use clap::Args;

use crate::cli::completion::names;
use crate::cli::exit::{CliError, CliResult, Exit};
use crate::cli::session::Session;

/// Options of `token revoke`.
#[derive(Debug, Args)]
pub(in crate::cli) struct RevokeOptions {
    /// Its public id: the part between the first and the second underscore
    #[arg(add = names::tokens())]
    id: String,
}

pub(super) async fn run(options: RevokeOptions, session: &Session) -> CliResult {
    // A whole token that was pasted must not travel in a path, which others log.
    if options.id.contains('_') {
        return Err(CliError::usage("give the token's public id, not the token itself")
            .hint("`strongroom token list` shows the ids"));
    }
    let tokens = session.client.list_tokens().await?;
    let Some(token) = tokens.iter().find(|token| token.id == options.id) else {
        return Err(CliError::not_found(format!("there is no token with the id {}", options.id))
            .hint("`strongroom token list` shows the ids"));
    };
    session.confirm(&format!("Revoke token {} (\"{}\", role {})?", token.id, token.name, token.role))?;
    let done = session.client.revoke_token(&token.id).await?;
    session.output.note(&done.message);
    Ok(Exit::Ok)
}
