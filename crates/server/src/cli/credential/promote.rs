//! `strongroom credential promote`

use clap::Args;

use super::show_details;
use crate::cli::completion::names;
use crate::cli::exit::{CliResult, Exit};
use crate::cli::resolve;
use crate::cli::session::Session;

/// Options of `credential promote`.
#[derive(Debug, Args)]
pub(in crate::cli) struct PromoteOptions {
    /// Its name or id
    #[arg(add = names::credentials())]
    name: String,

    /// Do not ask the provider about the key first
    #[arg(long)]
    no_test: bool,

    /// Only if it still has this revision (see `credential show`)
    #[arg(long, value_name = "REVISION")]
    if_match: Option<i64>,
}

pub(super) async fn run(options: PromoteOptions, session: &Session) -> CliResult {
    let credential = resolve::credential(&session.client, &options.name).await?;
    let changed = session.client.promote_version(credential.id, options.no_test, options.if_match).await?;
    show_details(&changed, session).await?;
    session.output.note(&format!(
        "version {} is in use; calls under way end with version {}, and `credential versions` says when none is left",
        changed.version, credential.version
    ));
    if let Some(at) = changed.expires_at {
        session.output.warn(&format!(
            "it still expires at {at}; `strongroom credential update --expires` sets another date"
        ));
    }
    Ok(Exit::Ok)
}
