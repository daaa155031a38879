//! `strongroom credential undelete`

use clap::Args;

use super::show_details;
use crate::cli::completion::names;
use crate::cli::exit::{CliResult, Exit};
use crate::cli::resolve;
use crate::cli::session::Session;

/// Options of `credential undelete`.
#[derive(Debug, Args)]
pub(in crate::cli) struct UndeleteOptions {
    /// Its name or id
    #[arg(add = names::deleted_credentials())]
    name: String,

    /// Only if it still has this revision (see `credential list --deleted`)
    #[arg(long, value_name = "REVISION")]
    if_match: Option<i64>,
}

pub(super) async fn run(options: UndeleteOptions, session: &Session) -> CliResult {
    let deleted = resolve::deleted_credential(&session.client, &options.name).await?;
    let changed = session.client.undelete_credential(deleted.id, options.if_match).await?;
    show_details(&changed, session).await?;
    Ok(Exit::Ok)
}
