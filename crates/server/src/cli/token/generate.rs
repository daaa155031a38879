//! `strongroom token generate`: a fresh token, made offline.

use serde::Serialize;
use strongroom_client::wire::SecretText;

use crate::cli::exit::{CliResult, Exit};
use crate::cli::output::{Format, Output, properties};

#[derive(Serialize)]
struct GeneratedToken {
    id: String,
    token: SecretText,
}

/// Runs the command.
pub(in crate::cli) fn run(output: &Output) -> CliResult {
    let fresh = strongroom_crypto::token::generate();
    if output.format() == Format::Table {
        output.text(fresh.text.expose())?;
    } else {
        output.data(&GeneratedToken { id: fresh.id, token: SecretText(fresh.text) }, |_| properties([]))?;
    }
    output.note(
        "put it in a file of mode 0600 and name that in STRONGROOM_ADMIN_TOKEN_FILE before the first start",
    );
    Ok(Exit::Ok)
}
