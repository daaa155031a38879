//! `strongroom credential remove`

use clap::Args;

use crate::cli::completion::names;
use crate::cli::exit::{CliResult, Exit};
use crate::cli::resolve;
use crate::cli::session::Session;

/// Options of `credential remove`.
#[derive(Debug, Args)]
pub(in crate::cli) struct RemoveOptions {
    /// Its name or id
    #[arg(add = names::credentials())]
    name: String,

    /// Only if it still has this revision (see `credential show`)
    #[arg(long, value_name = "REVISION")]
    if_match: Option<i64>,
}

pub(super) async fn run(options: RemoveOptions, session: &Session) -> CliResult {
    let credential = resolve::credential(&session.client, &options.name).await?;
    session.confirm(&format!(
        "Delete credential \"{}\" (id {}, {}, used {} times)?",
        credential.name, credential.id, credential.provider, credential.usage_count
    ))?;
    let mut same = super::versions::same_keys(session, &credential, credential.version).await?;
    same.retain(|it| it.name != credential.name || it.is_deleted);
    let done = session.client.delete_credential(credential.id, options.if_match).await?;
    session.output.note(&done.message);
    session.output.note(&format!("`strongroom credential undelete {}` restores it", credential.id));
    session.output.note(&super::versions::at_the_provider(&same));
    Ok(Exit::Ok)
}
