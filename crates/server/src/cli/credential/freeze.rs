//! `strongroom credential freeze` and `unfreeze`

use clap::Args;

use crate::cli::exit::{CliResult, Exit};
use crate::cli::resolve;
use crate::cli::session::Session;

/// Options of `credential freeze` and `unfreeze`.
#[derive(Debug, Args)]
pub(in crate::cli) struct FreezeOptions {
    /// Its name or id
    name: String,
}

pub(super) async fn freeze(options: FreezeOptions, session: &Session) -> CliResult {
    let credential = resolve::credential(&session.client, &options.name).await?;
    let frozen = session.client.freeze_credential(credential.id).await?;
    session.output.data(&frozen, super::details)?;
    session.output.note("within a second nobody is served from it anywhere");
    Ok(Exit::Ok)
}

pub(super) async fn unfreeze(options: FreezeOptions, session: &Session) -> CliResult {
    let credential = resolve::credential(&session.client, &options.name).await?;
    session.confirm(&format!("Serve from \"{}\" again? Its key may have leaked", credential.name))?;
    let thawed = session.client.unfreeze_credential(credential.id).await?;
    session.output.data(&thawed, super::details)?;
    Ok(Exit::Ok)
}
