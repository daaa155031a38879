//! `strongroom audit list`

use clap::{Args, ValueEnum};
use strongroom_client::wire::audit::{AuditEntry, ListAudit};
use strongroom_model::Millis;

use crate::cli::exit::{CliResult, Exit};
use crate::cli::instant;
use crate::cli::output::{Table, or_dash};
use crate::cli::session::Session;

/// As many as one request can ask for.
const MAX_PAGE: i64 = 1000;

/// Options of `audit list`.
#[derive(Debug, Args)]
pub(in crate::cli) struct ListOptions {
    /// Only this action, or all actions of a noun when it ends in a dot: credential.
    #[arg(long)]
    action: Option<String>,

    /// Only this actor, such as token:ID, user:N or local:NAME
    #[arg(long)]
    actor: Option<String>,

    /// Only entries about the target of this name
    #[arg(long, value_name = "NAME")]
    target: Option<String>,

    /// Only entries with this outcome
    #[arg(long, value_enum)]
    outcome: Option<OutcomeName>,

    /// Entries since then: 24h, 2026-01-31, 2026-01-31T10:00, yesterday, start-of-month; UTC unless an offset is given
    #[arg(long, visible_alias = "since", value_name = "WHEN", value_parser = instant::back)]
    from: Option<Millis>,

    /// Entries before then, written alike
    #[arg(long, visible_alias = "until", value_name = "WHEN", value_parser = instant::back)]
    to: Option<Millis>,

    /// The most entries to list
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,

    /// List the oldest first
    #[arg(long)]
    oldest_first: bool,
}

/// Outcomes of an operation.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum OutcomeName {
    Success,
    Denied,
    Failed,
}

pub(super) async fn run(options: ListOptions, session: &Session) -> CliResult {
    let wanted = options.limit as usize;
    let outcome = options.outcome.and_then(|outcome| outcome.to_possible_value());
    let mut query = ListAudit {
        action: options.action,
        actor: options.actor,
        target: options.target,
        outcome: outcome.map(|value| value.get_name().to_owned()),
        from: options.from,
        to: options.to,
        limit: Some(i64::from(options.limit).min(MAX_PAGE)),
        cursor: None,
        order: options.oldest_first.then(|| "asc".to_owned()),
    };
    let mut entries: Vec<AuditEntry> = Vec::new();
    loop {
        let page = session.client.list_audit(&query).await?;
        entries.extend(page.items);
        match page.next {
            Some(next) if entries.len() < wanted => query.cursor = Some(next),
            _ => break,
        }
    }
    entries.truncate(wanted);
    session.output.list(entries.as_slice(), table)?;
    Ok(Exit::Ok)
}

fn table(entries: &[AuditEntry]) -> Table {
    let mut table = Table::new(["chain", "seq", "at", "actor", "action", "target", "outcome", "detail"]);
    for entry in entries {
        table.row([
            entry.chain_id.clone(),
            entry.seq.to_string(),
            entry.at.to_string(),
            entry.actor.clone(),
            entry.action.clone(),
            or_dash(entry.target_name.as_ref().or(entry.target_id.as_ref())),
            entry.outcome.clone(),
            detail(entry),
        ]);
    }
    table
}

fn detail(entry: &AuditEntry) -> String {
    match &entry.detail {
        serde_json::Value::Object(fields) if fields.is_empty() => "-".to_owned(),
        serde_json::Value::Null => "-".to_owned(),
        detail => detail.to_string(),
    }
}
