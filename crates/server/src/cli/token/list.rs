//! `strongroom token list`

use clap::Args;
use strongroom_client::wire::token::{Token, TokenScope};

use crate::cli::completion::names::RUN_TOKEN_NAME;
use crate::cli::exit::{CliResult, Exit};
use crate::cli::output::{Table, or_dash};
use crate::cli::session::Session;

/// Options of `token list`.
#[derive(Debug, Args)]
pub(in crate::cli) struct ListOptions {
    /// List the tokens of `strongroom run` too
    #[arg(long)]
    all: bool,
}

pub(super) async fn run(options: &ListOptions, session: &Session) -> CliResult {
    let mut tokens = session.client.list_tokens().await?;
    let there = tokens.len();
    if !options.all {
        tokens.retain(|token| !is_of_a_run(token));
    }
    session.output.list(tokens.as_slice(), table)?;
    let left_out = there - tokens.len();
    if left_out > 0 {
        session.output.note(&format!("{left_out} of `strongroom run --gateway` left out; --all lists them"));
    }
    Ok(Exit::Ok)
}

/// Each run makes one and revokes it: in time there are more of them than of all others.
fn is_of_a_run(token: &Token) -> bool {
    token.name == RUN_TOKEN_NAME && token.role == "gateway"
}

fn table(tokens: &[Token]) -> Table {
    let mut table = Table::new(["id", "name", "role", "scope", "user", "created", "expires", "revoked"]);
    for token in tokens {
        table.row([
            token.id.clone(),
            token.name.clone(),
            token.role.clone(),
            reach(&token.scope),
            or_dash(token.user_id),
            token.created_at.to_string(),
            or_dash(token.expires_at),
            or_dash(token.revoked_at),
        ]);
    }
    table
}

fn reach(scope: &TokenScope) -> String {
    let all: Vec<&str> =
        scope.credentials.iter().chain(&scope.providers).chain(&scope.models).map(String::as_str).collect();
    if all.is_empty() { "everything".to_owned() } else { all.join(", ") }
}
