//! `strongroom credential health`

use clap::Args;
use strongroom_client::wire::credential::{HealthChange, ListHealthChanges};
use strongroom_model::Millis;

use crate::cli::completion::names;
use crate::cli::exit::{CliResult, Exit};
use crate::cli::output::{Table, or_dash};
use crate::cli::session::Session;
use crate::cli::{instant, resolve};

/// Options of `credential health`.
#[derive(Debug, Args)]
pub(in crate::cli) struct HealthOptions {
    /// Its name or id
    #[arg(add = names::credentials())]
    name: String,

    /// Since then: 24h, 2026-01-31, yesterday. Default: 30 days ago
    #[arg(long, visible_alias = "since", value_name = "WHEN", value_parser = instant::back)]
    from: Option<Millis>,
}

pub(super) async fn run(options: HealthOptions, session: &Session) -> CliResult {
    let credential = resolve::credential(&session.client, &options.name).await?;
    let query = ListHealthChanges { from: options.from };
    let changes = session.client.list_health_changes(credential.id, &query).await?;
    session.output.list(changes.as_slice(), table)?;
    Ok(Exit::Ok)
}

fn table(changes: &[HealthChange]) -> Table {
    let mut table = Table::new(["at", "version", "before", "state", "server"]);
    for change in changes {
        table.row([
            change.at.to_string(),
            or_dash(change.version),
            change.before.clone(),
            change.state.clone(),
            change.node.clone(),
        ]);
    }
    table
}
