//! Sums of what was used, their proof, and prices that were corrected.

use clap::{Args, ValueEnum};
use strongroom_client::wire::usage::{RepriceUsage, ShowUsage, Usage, UsageVerification};

use crate::cli::exit::{CliResult, Exit};
use crate::cli::instant;
use crate::cli::money::usd;
use crate::cli::output::{Table, properties, yes_no};
use crate::cli::session::Session;

/// The dimension that uses are grouped by.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Group {
    Credential,
    Version,
    Provider,
    Model,
    Token,
    User,
    Day,
}

/// The report that is wanted.
#[derive(Debug, Args)]
#[group(id = "ReportOptions")]
pub(super) struct ReportOptions {
    /// Group requests, tokens and cost by this
    #[arg(long, value_enum)]
    by: Option<Group>,

    /// The first day (UTC): 2026-01-31, 30d, yesterday, last-month. Default: the first of this month
    #[arg(long, value_name = "DAY", value_parser = instant::first_day)]
    from: Option<String>,

    /// The last day (UTC), written alike. Default: today
    #[arg(long, value_name = "DAY", value_parser = instant::last_day)]
    to: Option<String>,
}

impl ReportOptions {
    pub(super) fn is_asked_for(&self) -> bool {
        self.by.is_some() || self.from.is_some() || self.to.is_some()
    }
}

/// Options of `usage reprice`.
#[derive(Debug, Args)]
pub(super) struct RepriceOptions {
    /// The first day (UTC) to price again: 2026-01-31, 30d, last-month. Default: the first of this month
    #[arg(long, value_name = "DAY", value_parser = instant::first_day)]
    from: Option<String>,
}

pub(super) async fn run(options: ReportOptions, session: &Session) -> CliResult {
    let group = options.by.and_then(|by| by.to_possible_value()).map(|value| value.get_name().to_owned());
    let query = ShowUsage { group_by: group, token: None, from: options.from, to: options.to };
    let usage = session.client.usage(&query).await?;
    session.output.data(&usage, table)?;
    let unpriced: i64 = usage.rows.iter().map(|row| row.unpriced).sum();
    if unpriced > 0 {
        session.output.warn(&format!(
            "{unpriced} uses have no known price and are not in the cost; see `usage.prices_file`"
        ));
    }
    Ok(Exit::Ok)
}

pub(super) async fn verify(session: &Session) -> CliResult {
    let found = session.client.verify_usage().await?;
    session.output.data(&found, discrepancies)?;
    if found.valid {
        return Ok(Exit::Ok);
    }
    session.output.problem("counters do not equal the ledger: somebody changed the database from outside");
    Ok(Exit::Integrity)
}

pub(super) async fn reprice(options: RepriceOptions, session: &Session) -> CliResult {
    let done = session.client.reprice_usage(&RepriceUsage { from: options.from }).await?;
    session.output.data(&done, |done| {
        properties([
            ("records", done.records.to_string()),
            ("changed", done.changed.to_string()),
            ("difference", usd(done.nano_usd)),
        ])
    })?;
    Ok(Exit::Ok)
}

fn table(usage: &Usage) -> Table {
    let mut table = Table::new([
        usage.group_by.as_str(),
        "requests",
        "errors",
        "input tokens",
        "cached",
        "output tokens",
        "reasoning",
        "cost",
        "unpriced",
    ]);
    for row in &usage.rows {
        table.row([
            if row.key.is_empty() { "-".to_owned() } else { row.key.clone() },
            row.requests.to_string(),
            row.errors.to_string(),
            row.input_tokens.to_string(),
            row.cached_input_tokens.to_string(),
            row.output_tokens.to_string(),
            row.reasoning_tokens.to_string(),
            usd(row.cost_nano_usd),
            row.unpriced.to_string(),
        ]);
    }
    table
}

fn discrepancies(found: &UsageVerification) -> Table {
    if found.discrepancies.is_empty() {
        return properties([("counters equal the ledger", yes_no(true))]);
    }
    let mut table = Table::new(["of", "unit", "window", "counted", "recorded"]);
    for one in &found.discrepancies {
        table.row([
            one.subject.clone(),
            one.unit.clone(),
            one.window.clone(),
            one.counted.to_string(),
            one.recorded.to_string(),
        ]);
    }
    table
}
