//! `strongroom limit history`: how a limit came to where it stands, and when it is used up.

use clap::Args;
use strongroom_client::wire::limit::{LimitHistory, ShowLimitHistory};
use strongroom_model::Millis;

use super::amount_of;
use crate::cli::completion::names;
use crate::cli::exit::CliResult;
use crate::cli::instant;
use crate::cli::output::Table;
use crate::cli::session::Session;

/// Options of `limit history`.
#[derive(Debug, Args)]
pub(in crate::cli) struct HistoryOptions {
    /// The limit's id
    #[arg(add = names::limits())]
    id: String,

    /// Since then: 24h, 2026-01-31, yesterday. Default: 24 hours ago
    #[arg(long, visible_alias = "since", value_name = "WHEN", value_parser = instant::back)]
    from: Option<Millis>,
}

pub(super) async fn run(options: HistoryOptions, session: &Session) -> CliResult<()> {
    let query = ShowLimitHistory { from: options.from };
    let history = session.client.limit_history(&options.id, &query).await?;
    session.output.data(&history, table)?;
    let refused: i64 = history.refusals.iter().map(|slot| slot.refused).sum();
    if refused > 0 {
        session.output.note(&format!("it has refused {refused} calls since then"));
    }
    if let Some(at) = history.used_up_at {
        session.output.note(&format!("at the rate of the last 24 hours it is used up at {at}"));
    }
    Ok(())
}

fn table(history: &LimitHistory) -> Table {
    let mut table = Table::new(["at", "used", "held", "of", "refused"]);
    for sample in &history.samples {
        table.row([
            sample.at.to_string(),
            amount_of(&history.limit, sample.used),
            amount_of(&history.limit, sample.held),
            amount_of(&history.limit, sample.amount),
            sample.refused.to_string(),
        ]);
    }
    table
}
