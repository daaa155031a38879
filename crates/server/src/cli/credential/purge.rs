//! `strongroom credential purge`

use clap::Args;

use crate::cli::completion::names;
use crate::cli::exit::{CliResult, Exit};
use crate::cli::resolve;
use crate::cli::session::Session;

/// Options of `credential purge`.
#[derive(Debug, Args)]
pub(in crate::cli) struct PurgeOptions {
    /// The name or id of a deleted credential
    #[arg(add = names::deleted_credentials())]
    name: String,

    /// Only if it still has this revision (see `credential list --deleted`)
    #[arg(long, value_name = "REVISION")]
    if_match: Option<i64>,
}

pub(super) async fn run(options: PurgeOptions, session: &Session) -> CliResult {
    let deleted = resolve::deleted_credential(&session.client, &options.name).await?;
    session.confirm(&format!(
        "Erase all keys of credential \"{}\" (id {}, {}, deleted {})? They cannot be brought back",
        deleted.name, deleted.id, deleted.provider, deleted.deleted_at
    ))?;
    let done = session.client.purge_credential(deleted.id, options.if_match).await?;
    session.output.note(&done.message);
    Ok(Exit::Ok)
}
