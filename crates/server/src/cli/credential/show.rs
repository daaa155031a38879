//! `strongroom credential show`

use clap::Args;

use super::show_details;
use crate::cli::completion::names;
use crate::cli::exit::{CliResult, Exit};
use crate::cli::resolve;
use crate::cli::session::Session;

/// Options of `credential show`.
#[derive(Debug, Args)]
pub(in crate::cli) struct ShowOptions {
    /// Its name or id
    #[arg(add = names::credentials())]
    name: String,
}

pub(super) async fn run(options: ShowOptions, session: &Session) -> CliResult {
    let credential = resolve::credential(&session.client, &options.name).await?;
    show_details(&credential, session).await?;
    Ok(Exit::Ok)
}
