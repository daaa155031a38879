//! `strongroom credential abort`

use clap::Args;

use super::show_details;
use crate::cli::completion::names;
use crate::cli::exit::{CliResult, Exit};
use crate::cli::resolve;
use crate::cli::session::Session;

/// Options of `credential abort`.
#[derive(Debug, Args)]
pub(in crate::cli) struct AbortOptions {
    /// Its name or id
    #[arg(add = names::credentials())]
    name: String,

    /// Only if it still has this revision (see `credential show`)
    #[arg(long, value_name = "REVISION")]
    if_match: Option<i64>,
}

pub(super) async fn run(options: AbortOptions, session: &Session) -> CliResult {
    let credential = resolve::credential(&session.client, &options.name).await?;
    let changed = session.client.abort_version(credential.id, options.if_match).await?;
    show_details(&changed, session).await?;
    Ok(Exit::Ok)
}
