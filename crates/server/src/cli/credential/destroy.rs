//! `strongroom credential destroy`

use clap::Args;

use super::show_details;
use crate::cli::completion::names;
use crate::cli::exit::{CliResult, Exit};
use crate::cli::resolve;
use crate::cli::session::Session;

/// Options of `credential destroy`.
#[derive(Debug, Args)]
pub(in crate::cli) struct DestroyOptions {
    /// Its name or id
    #[arg(add = names::credentials())]
    name: String,

    /// The number of the version (see `credential versions`)
    #[arg(long, value_name = "VERSION")]
    version: i64,

    /// Only if it still has this revision (see `credential show`)
    #[arg(long, value_name = "REVISION")]
    if_match: Option<i64>,
}

pub(super) async fn run(options: DestroyOptions, session: &Session) -> CliResult {
    let credential = resolve::credential(&session.client, &options.name).await?;
    session.confirm(&format!(
        "Erase the key of version {} of credential \"{}\"? It cannot be brought back",
        options.version, credential.name
    ))?;
    // Asked before: what fails after the key is erased would read as if it were not.
    let same = super::versions::same_keys(session, &credential, options.version).await?;
    let changed = session.client.destroy_version(credential.id, options.version, options.if_match).await?;
    show_details(&changed, session).await?;
    session.output.note(&format!("the key of version {} is erased", options.version));
    session.output.note(&super::versions::at_the_provider(&same));
    Ok(Exit::Ok)
}
