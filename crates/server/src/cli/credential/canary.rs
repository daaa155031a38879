//! `strongroom credential canary`

use clap::Args;
use strongroom_client::wire::version::SetCanary;

use super::show_details;
use crate::cli::completion::names;
use crate::cli::exit::{CliResult, Exit};
use crate::cli::resolve;
use crate::cli::session::Session;

/// Options of `credential canary`.
#[derive(Debug, Args)]
pub(in crate::cli) struct CanaryOptions {
    /// Its name or id
    #[arg(add = names::credentials())]
    name: String,

    /// The share of calls for the staged key, in percent; 0 sends none
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(i64).range(0..=100))]
    percent: i64,

    /// Do not ask the provider about the key first
    #[arg(long)]
    no_test: bool,

    /// Only if it still has this revision (see `credential show`)
    #[arg(long, value_name = "REVISION")]
    if_match: Option<i64>,
}

pub(super) async fn run(options: CanaryOptions, session: &Session) -> CliResult {
    let credential = resolve::credential(&session.client, &options.name).await?;
    let body = SetCanary { percent: options.percent, skip_test: options.no_test };
    let changed = session.client.set_canary(credential.id, &body, options.if_match).await?;
    show_details(&changed, session).await?;
    session.output.note(
        "if the provider refuses the staged key clearly more often than the one in use, it is aborted automatically",
    );
    Ok(Exit::Ok)
}
