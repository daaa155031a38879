//! `strongroom credential test`

use clap::Args;
use strongroom_client::wire::credential::TestResult;

use crate::cli::completion::names;
use crate::cli::exit::{CliResult, Exit};
use crate::cli::output::{Table, or_dash, properties};
use crate::cli::resolve;
use crate::cli::session::Session;

/// Options of `credential test`.
#[derive(Debug, Args)]
pub(in crate::cli) struct TestOptions {
    /// Its name or id
    #[arg(add = names::credentials())]
    name: String,

    /// Make the cheapest authenticated call that the provider offers as well
    #[arg(long)]
    live: bool,
}

pub(super) async fn run(options: TestOptions, session: &Session) -> CliResult {
    let credential = resolve::credential(&session.client, &options.name).await?;
    let result = session.client.test_credential(credential.id, options.live).await?;
    session.output.data(&result, details)?;
    Ok(exit(&result))
}

fn exit(result: &TestResult) -> Exit {
    match result.live.as_ref().map(|live| live.outcome.as_str()) {
        None | Some("ok") => Exit::Ok,
        Some("rate_limited") => Exit::LimitReached,
        Some(_) => Exit::Failure,
    }
}

fn details(result: &TestResult) -> Table {
    let mut table = properties([
        ("result", result.message.clone()),
        ("provider", result.provider.clone()),
        ("used this month", result.current_month_usage.to_string()),
        ("rate limit", or_dash(result.rate_limit)),
        ("used ever", result.usage_count.to_string()),
    ]);
    if let Some(live) = &result.live {
        table.row(["provider says".to_owned(), live.outcome.clone()]);
        table.row(["status".to_owned(), or_dash(live.status)]);
        table.row(["detail".to_owned(), live.detail.clone()]);
    }
    table
}
