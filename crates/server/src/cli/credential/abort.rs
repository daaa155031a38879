//! `strongroom credential abort`

use clap::Args;

use super::details;
use crate::cli::exit::{CliResult, Exit};
use crate::cli::resolve;
use crate::cli::session::Session;

/// Options of `credential abort`.
#[derive(Debug, Args)]
pub(in crate::cli) struct AbortOptions {
    /// Its name or id
    name: String,

    /// Only when it still has this revision (see `credential show`)
    #[arg(long, value_name = "REVISION")]
    if_match: Option<i64>,
}

pub(super) async fn run(options: AbortOptions, session: &Session) -> CliResult {
    let credential = resolve::credential(&session.client, &options.name).await?;
    let changed = session.client.abort_version(credential.id, options.if_match).await?;
    session.output.data(&changed, details)?;
    Ok(Exit::Ok)
}
