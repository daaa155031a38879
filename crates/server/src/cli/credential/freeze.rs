//! `strongroom credential freeze` and `unfreeze`

use clap::Args;

use super::show_details;
use crate::cli::completion::names;
use crate::cli::exit::{CliResult, Exit};
use crate::cli::resolve;
use crate::cli::session::Session;

/// Options of `credential freeze` and `unfreeze`.
#[derive(Debug, Args)]
pub(in crate::cli) struct FreezeOptions {
    /// Its name or id
    #[arg(add = names::credentials())]
    name: String,
}

pub(super) async fn freeze(options: FreezeOptions, session: &Session) -> CliResult {
    let credential = resolve::credential(&session.client, &options.name).await?;
    let frozen = session.client.freeze_credential(credential.id).await?;
    show_details(&frozen, session).await?;
    session.output.note("every server stops using it within a second");
    Ok(Exit::Ok)
}

pub(super) async fn unfreeze(options: FreezeOptions, session: &Session) -> CliResult {
    let credential = resolve::credential(&session.client, &options.name).await?;
    session.confirm(&format!("Serve from \"{}\" again? Its key may have leaked", credential.name))?;
    let thawed = session.client.unfreeze_credential(credential.id).await?;
    show_details(&thawed, session).await?;
    Ok(Exit::Ok)
}
