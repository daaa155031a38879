//! Sums of what was used, their proof, and prices that were corrected.

use clap::Args;
use strongroom_client::wire::usage::{
    RepriceUsage, ShowOwnUsage, ShowUsage, Usage, UsageForecast, UsageVerification,
};

use super::chart;
use crate::cli::completion::names;
use crate::cli::exit::{CliError, CliResult, Exit};
use crate::cli::instant;
use crate::cli::money::usd;
use crate::cli::output::{Format, Table, properties, yes_no};
use crate::cli::session::Session;

/// The report that is wanted.
#[derive(Debug, Args)]
#[group(id = "ReportOptions")]
pub(super) struct ReportOptions {
    /// Group requests, tokens and cost by this: credential, version, provider, model, token, user, source, operation, day, hour,
    /// status, or tag:KEY
    #[arg(long, value_name = "DIMENSION")]
    by: Option<String>,

    /// Split each group by this, of the same list
    #[arg(long, value_name = "DIMENSION")]
    split: Option<String>,

    /// The first day (UTC): 2026-01-31, 30d, yesterday, last-month. Default: the first of this month
    #[arg(long, value_name = "DAY", value_parser = instant::first_day)]
    from: Option<String>,

    /// The last day (UTC), written alike. Default: today
    #[arg(long, value_name = "DAY", value_parser = instant::last_day)]
    to: Option<String>,

    /// Only your own: what was done with your token, or for you as a user; by days
    #[arg(long, conflicts_with_all = ["compare", "csv", "forecast"])]
    own: bool,

    /// Only of this model, by the provider's name of it
    #[arg(long)]
    model: Option<String>,

    /// Only with this credential
    #[arg(long, value_name = "NAME", add = names::credentials())]
    credential: Option<String>,

    /// Only of the token with this public id
    #[arg(long, value_name = "ID")]
    token: Option<String>,

    /// Only of the user with this number
    #[arg(long, value_name = "N")]
    user: Option<i64>,

    /// Only with this tag: project=search
    #[arg(long, value_name = "KEY=VALUE")]
    tag: Option<String>,

    /// Show beside each cost that of as many days before
    #[arg(long)]
    compare: bool,

    /// Tell what this month is going to cost
    #[arg(long, conflicts_with = "csv")]
    forecast: bool,

    /// Print comma-separated values, with amounts in billionths of a US dollar
    #[arg(long, conflicts_with = "compare")]
    csv: bool,

    /// Draw the cost of each group as a bar
    #[arg(long, conflicts_with_all = ["csv", "compare"])]
    chart: bool,
}

impl ReportOptions {
    pub(super) fn is_asked_for(&self) -> bool {
        let texts = [
            &self.by,
            &self.split,
            &self.from,
            &self.to,
            &self.model,
            &self.credential,
            &self.token,
            &self.tag,
        ];
        texts.into_iter().any(Option::is_some)
            || self.user.is_some()
            || self.own
            || self.compare
            || self.forecast
            || self.csv
            || self.chart
    }

    fn query(self, provider: Option<String>) -> ShowUsage {
        ShowUsage {
            group_by: self.by,
            split_by: self.split,
            from: self.from,
            to: self.to,
            provider,
            model: self.model,
            credential: self.credential,
            token: self.token,
            user: self.user,
            tag: self.tag,
            compare: self.compare.then(|| "previous".to_owned()),
            forecast: self.forecast.then_some(true),
            ..ShowUsage::default()
        }
    }
}

/// Options of `usage reprice`.
#[derive(Debug, Args)]
pub(super) struct RepriceOptions {
    /// The first day (UTC) to price again: 2026-01-31, 30d, last-month. Default: the first of this month
    #[arg(long, value_name = "DAY", value_parser = instant::first_day)]
    from: Option<String>,
}

pub(super) async fn run(options: ReportOptions, provider: Option<String>, session: &Session) -> CliResult {
    let (is_csv, is_chart, is_own) = (options.csv, options.chart, options.own);
    let query = options.query(provider);
    if is_csv {
        let text = session.client.usage_csv(&query).await?;
        session.output.text(text.trim_end())?;
        return Ok(Exit::Ok);
    }
    let usage = if is_own {
        session.client.own_usage(&own(query)?).await?
    } else {
        session.client.usage(&query).await?
    };
    if is_chart && session.output.format() == Format::Table {
        session.output.text(chart::of(&usage, session.output.columns()).trim_end())?;
    } else {
        session.output.data(&usage, table)?;
    }
    if let Some(forecast) = &usage.forecast {
        session.output.note(&told(forecast));
    }
    let unpriced: i64 = usage.rows.iter().map(|row| row.unpriced).sum();
    if unpriced > 0 {
        session.output.warn(&format!(
            "{unpriced} uses have no known price and are not in the cost; see `usage.prices_file`"
        ));
    }
    Ok(Exit::Ok)
}

/// The same question about one's own usage, which knows no conditions.
fn own(query: ShowUsage) -> CliResult<ShowOwnUsage> {
    let ShowUsage { group_by, split_by, from, to, provider, model, credential, token, user, tag, .. } = query;
    let conditions = [provider, model, credential, token, tag];
    if conditions.into_iter().any(|one| one.is_some()) || user.is_some() {
        return Err(CliError::usage("--own goes with --by, --split, --from and --to alone"));
    }
    Ok(ShowOwnUsage { group_by, split_by, from, to })
}

/// The forecast in words.
fn told(forecast: &UsageForecast) -> String {
    let UsageForecast { month, spent_nano_usd, expected_nano_usd, low_nano_usd, high_nano_usd } = forecast;
    let spent = usd(*spent_nano_usd);
    match (expected_nano_usd, low_nano_usd, high_nano_usd) {
        (Some(expected), Some(low), Some(high)) => format!(
            "{month} has cost {spent} so far, and is going to cost {} ({} to {})",
            usd(*expected),
            usd(*low),
            usd(*high)
        ),
        _ => {
            format!("{month} has cost {spent} so far; with less than 24 hours of calls there is no forecast")
        }
    }
}

pub(super) async fn verify(session: &Session) -> CliResult {
    let found = session.client.verify_usage().await?;
    session.output.data(&found, discrepancies)?;
    if found.valid {
        return Ok(Exit::Ok);
    }
    session.output.problem("counters or sums do not equal the ledger: somebody changed the database from outside; `strongroom usage rebuild` makes \
         sums again");
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

pub(super) async fn rebuild(session: &Session) -> CliResult {
    let done = session.client.rebuild_usage().await?;
    session.output.data(&done, |done| {
        properties([
            ("days from their records", done.days_of_records.to_string()),
            ("days from their sums", done.days.to_string()),
        ])
    })?;
    Ok(Exit::Ok)
}

fn shown(key: &str) -> String {
    if key.is_empty() { "-".to_owned() } else { key.to_owned() }
}

/// The group and, where groups are split, the part.
fn table(usage: &Usage) -> Table {
    let columns =
        ["requests", "errors", "input tokens", "cached", "output tokens", "reasoning", "cost", "unpriced"];
    let mut header = vec![usage.group_by.as_str()];
    header.extend(usage.split_by.as_deref());
    header.extend(columns);
    header.extend(usage.previous.as_ref().map(|_| "cost before"));
    let mut table = Table::of_columns(&header);
    for row in &usage.rows {
        let mut cells = vec![shown(&row.key)];
        cells.extend(row.split_key.as_deref().map(shown));
        cells.extend([
            row.requests.to_string(),
            row.errors.to_string(),
            row.input_tokens.to_string(),
            row.cached_input_tokens.to_string(),
            row.output_tokens.to_string(),
            row.reasoning_tokens.to_string(),
            usd(row.cost_nano_usd),
            row.unpriced.to_string(),
        ]);
        cells.extend(usage.previous.as_ref().map(|previous| {
            let before =
                previous.rows.iter().find(|it| (&it.key, &it.split_key) == (&row.key, &row.split_key));
            usd(before.map_or(0, |before| before.cost_nano_usd))
        }));
        table.row_of(&cells);
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
