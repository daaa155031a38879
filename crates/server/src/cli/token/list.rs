//! `strongroom token list`

use strongroom_client::wire::token::{Token, TokenScope};

use crate::cli::exit::{CliResult, Exit};
use crate::cli::output::{Table, or_dash};
use crate::cli::session::Session;

pub(super) async fn run(session: &Session) -> CliResult {
    let tokens = session.client.list_tokens().await?;
    session.output.data(tokens.as_slice(), table)?;
    Ok(Exit::Ok)
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
    let all: Vec<&str> = scope.credentials.iter().chain(&scope.providers).map(String::as_str).collect();
    if all.is_empty() { "everything".to_owned() } else { all.join(", ") }
}
