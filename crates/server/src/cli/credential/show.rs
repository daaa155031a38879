//! `strongroom credential show`

use clap::Args;

use super::details;
use crate::cli::exit::{CliResult, Exit};
use crate::cli::resolve;
use crate::cli::session::Session;

/// Options of `credential show`.
#[derive(Debug, Args)]
pub(in crate::cli) struct ShowOptions {
    /// Its name or id
    name: String,
}

pub(super) async fn run(options: ShowOptions, session: &Session) -> CliResult {
    let credential = resolve::credential(&session.client, &options.name).await?;
    session.output.data(&credential, details)?;
    Ok(Exit::Ok)
}
