//! Single usage records: listed, and those of one request.

use clap::Args;
use strongroom_client::client::RecordsOf;
use strongroom_client::wire::usage_record::{ListUsageRecords, UsageRecord};
use strongroom_model::Millis;

use crate::cli::completion::names;
use crate::cli::exit::{CliResult, Exit};
use crate::cli::instant;
use crate::cli::money::usd;
use crate::cli::output::{Table, or_dash, properties};
use crate::cli::session::Session;

/// As many as one request can ask for.
const MAX_PAGE: i64 = 1000;

/// Options of `usage records`.
#[derive(Debug, Args)]
pub(super) struct RecordsOptions {
    /// Only your own: what was done with your token, or for you as a user
    #[arg(long)]
    own: bool,

    /// Records since then: 24h, 2026-01-31, 2026-01-31T10:00, yesterday, start-of-month; UTC unless an offset is given
    #[arg(long, visible_alias = "since", value_name = "WHEN", value_parser = instant::back)]
    from: Option<Millis>,

    /// Records before then, written alike
    #[arg(long, visible_alias = "until", value_name = "WHEN", value_parser = instant::back)]
    to: Option<Millis>,

    /// Only of this provider
    #[arg(long, short, add = names::providers())]
    provider: Option<String>,

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

    /// Only answers with this status: 429, a class as 4xx, none, or failed
    #[arg(long)]
    status: Option<String>,

    /// Only records of this kind: read, recorded, call, attempt or late
    #[arg(long)]
    kind: Option<String>,

    /// The most records to list
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

/// Options of `usage show`.
#[derive(Debug, Args)]
pub(super) struct ShowOptions {
    /// The id of the request, as the answer's header x-strongroom-request-id and the log have it, or of a record
    #[arg(value_name = "ID")]
    id: String,

    /// Look only among your own
    #[arg(long)]
    own: bool,
}

const fn of(own: bool) -> RecordsOf {
    if own { RecordsOf::Me } else { RecordsOf::All }
}

pub(super) async fn list(options: RecordsOptions, session: &Session) -> CliResult {
    let wanted = options.limit as usize;
    let mut query = ListUsageRecords {
        from: options.from,
        to: options.to,
        provider: options.provider,
        model: options.model,
        credential: options.credential,
        token: options.token,
        user: options.user,
        source: None,
        kind: options.kind,
        status: options.status,
        limit: None,
        cursor: None,
    };
    let mut records: Vec<UsageRecord> = Vec::new();
    loop {
        let missing = i64::try_from(wanted - records.len()).unwrap_or(MAX_PAGE);
        query.limit = Some(missing.min(MAX_PAGE));
        let page = session.client.usage_records(of(options.own), &query).await?;
        records.extend(page.records);
        match (page.next, page.looked_back_to) {
            (_, Some(at)) if records.len() < wanted => {
                session.output.list(records.as_slice(), table)?;
                session.output.note(&format!("searched back to {at}; go on with --to {at}"));
                return Ok(Exit::Ok);
            }
            (Some(next), _) if records.len() < wanted => query.cursor = Some(next),
            _ => break,
        }
    }
    session.output.list(records.as_slice(), table)?;
    Ok(Exit::Ok)
}

pub(super) async fn show(options: ShowOptions, session: &Session) -> CliResult {
    let records = session.client.usage_record(of(options.own), &options.id).await?;
    let shown = |records: &[UsageRecord]| match records {
        [one] => details(one),
        several => table(several),
    };
    session.output.list(records.as_slice(), shown)?;
    Ok(Exit::Ok)
}

fn cost(record: &UsageRecord) -> String {
    record.cost_nano_usd.map_or_else(|| "unpriced".to_owned(), usd)
}

fn who(record: &UsageRecord) -> String {
    record.token_name.clone().unwrap_or_else(|| record.actor.clone())
}

fn status(record: &UsageRecord) -> String {
    if record.status == 0 { "none".to_owned() } else { record.status.to_string() }
}

fn table(records: &[UsageRecord]) -> Table {
    let mut table = Table::new([
        "at",
        "request",
        "by",
        "credential",
        "model",
        "status",
        "input",
        "output",
        "cost",
        "first byte",
        "total",
    ]);
    let milliseconds = |time: Option<i64>| or_dash(time.map(|time| format!("{time} ms")));
    for record in records {
        table.row([
            record.at.to_string(),
            or_dash(record.request_id.as_deref()),
            who(record),
            or_dash(record.credential.as_deref()),
            record.model.clone().unwrap_or_else(|| format!("({})", record.operation)),
            if record.kind == "attempt" { format!("{} (next)", status(record)) } else { status(record) },
            record.input_tokens.to_string(),
            record.output_tokens.to_string(),
            cost(record),
            milliseconds(record.first_byte_ms),
            milliseconds(record.total_ms),
        ]);
    }
    table
}

fn details(record: &UsageRecord) -> Table {
    let version = record.version.map_or_else(String::new, |number| format!(" v{number}"));
    let credential = record.credential.as_ref().map(|name| format!("{name}{version}"));
    let tags = record.tags.as_object().filter(|tags| !tags.is_empty());
    properties([
        ("request", or_dash(record.request_id.as_deref())),
        ("record", record.id.clone()),
        ("at", record.at.to_string()),
        ("kind", record.kind.clone()),
        ("by", format!("{} ({})", who(record), record.actor)),
        ("user", or_dash(record.user_id)),
        ("credential", or_dash(credential)),
        ("source", record.source.clone()),
        ("provider", record.provider.clone()),
        ("model", or_dash(record.model.as_deref())),
        ("operation", record.operation.clone()),
        ("tags", or_dash(tags.map(|_| record.tags.to_string()))),
        ("status", status(record)),
        (
            "input tokens",
            format!(
                "{} (cached {}, written to a cache {})",
                record.input_tokens, record.cached_input_tokens, record.cache_write_tokens
            ),
        ),
        ("output tokens", format!("{} (reasoning {})", record.output_tokens, record.reasoning_tokens)),
        ("tokens from", record.metering.clone()),
        ("cost", cost(record)),
        ("charged on limits", format!("{} tokens, {}", record.charged_tokens, usd(record.charged_nano_usd))),
        ("first byte", or_dash(record.first_byte_ms.map(|time| format!("{time} ms")))),
        ("total", or_dash(record.total_ms.map(|time| format!("{time} ms")))),
        ("reported usage", or_dash(record.reported_usage.as_ref().map(ToString::to_string))),
    ])
}
