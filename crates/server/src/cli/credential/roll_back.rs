//! `strongroom credential rollback`

use clap::Args;

use super::show_details;
use crate::cli::completion::names;
use crate::cli::exit::{CliResult, Exit};
use crate::cli::resolve;
use crate::cli::session::Session;

/// Options of `credential rollback`.
#[derive(Debug, Args)]
pub(in crate::cli) struct RollBackOptions {
    /// Its name or id
    #[arg(add = names::credentials())]
    name: String,

    /// The number of the version whose key is to be in use again (see `credential versions`)
    #[arg(long, value_name = "VERSION")]
    to: i64,

    /// Only if it still has this revision (see `credential show`)
    #[arg(long, value_name = "REVISION")]
    if_match: Option<i64>,
}

pub(super) async fn run(options: RollBackOptions, session: &Session) -> CliResult {
    let credential = resolve::credential(&session.client, &options.name).await?;
    let changed = session.client.roll_back_credential(credential.id, options.to, options.if_match).await?;
    show_details(&changed, session).await?;
    session.output.note(&format!("version {} has the key of version {}", changed.version, options.to));
    Ok(Exit::Ok)
}
