//! `strongroom import env`: reads `.env` files and the environment, shows what is there, and moves it in.

use std::io::{self, IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use strongroom_client::wire::SecretText;
use strongroom_client::wire::import::{ImportRow, ImportedRow};
use strongroom_connectors::{EndpointGuard, dotenv, key_pattern};
use strongroom_model::Secret;
use strongroom_model::provider::{KNOWN, key_like_variable, key_variable};
use zeroize::Zeroizing;

use super::send::Sender;
use crate::cli::confirm;
use crate::cli::exit::{CliError, CliResult, Exit};
use crate::cli::output::{Format, Output, Table, or_dash};
use crate::cli::session::Session;

mod address;
mod base_url;
mod candidates;
mod cleanup_advice;
mod doubt;
mod place;
#[cfg(test)]
mod tests;

use address::is_about_address;
pub(super) use base_url::BaseUrl;
pub(super) use candidates::Candidates;
use candidates::{CandidateKey, find};
use cleanup_advice::CleanupAdvice;
use place::{Place, Variable};

/// The most bytes of a file: no `.env` comes near.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// The file that is read when none is named.
const DEFAULT_FILE: &str = ".env";

/// Keys that were found, with their outcomes.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    dry_run: bool,
    migrated: usize,
    skipped: usize,
    failed: usize,
    rows: Vec<ReportRow>,
    /// Lines that only held keys which are stored now, such as `.env:3`.
    removable: Vec<String>,
}

/// One key.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ReportRow {
    name: String,
    provider: &'static str,
    /// At most a quarter of the key.
    key: String,
    places: Vec<String>,
    outcome: String,
    reason: Option<String>,
}

/// Choices of the command line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Choices {
    pub(super) base_url: Option<BaseUrl>,
    pub(super) dry_run: bool,
    pub(super) yes: bool,
}

/// Reads, shows and asks; nothing is opened and nothing made.
pub(super) fn prepare(files: &[PathBuf], choices: Choices, output: &Output) -> CliResult<Candidates> {
    let mut found = find(gather(files, output)?);
    let follows_addresses = choices.base_url != Some(BaseUrl::Ignore);
    found.leave_out_doubtful(choices.yes || !io::stdin().is_terminal(), follows_addresses);
    let settled = found.settle_addresses(choices.base_url, choices.yes, choices.dry_run);
    found.notes.iter().for_each(|note| output.note(note));
    found.warnings.iter().for_each(|warning| output.warn(warning));
    settled?;
    if found.keys.is_empty() {
        let titles: Vec<_> = KNOWN.iter().map(|known| known.title).collect();
        output.note(&format!("no key of a provider was found; known are {}", titles.join(", ")));
    } else {
        output.note(preview(&found.keys).to_string().trim_end());
        if !choices.dry_run {
            let count = found.keys.len();
            let keys = if count == 1 { "this key" } else { &format!("these {count} keys") };
            confirm::unless(choices.yes, &format!("Move {keys} into strongroom?"))?;
        }
    }
    Ok(found)
}

/// Moves in what was found. Without a session, for a dry run where nothing is installed, it is only told, and the guard says
/// which addresses would be refused.
pub(super) async fn send(
    found: &Candidates,
    (dry_run, guard): (bool, Option<&EndpointGuard>),
    output: &Output,
    session: Option<&Session>,
) -> CliResult {
    let client = session.map(|session| &session.client);
    let sender = Sender { client, source: "env", dry_run, skip_known_secrets: true, guard };
    let imported = sender.send(found.keys.iter().map(row).collect(), |_| {}).await?;
    let advice = CleanupAdvice::of(found, &imported, dry_run, client).await?;
    let report = report(&found.keys, &imported, dry_run, &advice);
    match output.format() {
        Format::Table => output.text(&text(&report))?,
        Format::Json | Format::Yaml => output.data(&report, |_| Table::new(["name"]))?,
    }
    if dry_run {
        output.note("nothing was changed");
    } else {
        advice.lines().iter().for_each(|line| output.note(line));
    }
    Ok(if report.failed == 0 { Exit::Ok } else { Exit::Failure })
}

/// The variables of these files; without any, those of the environment and of `./.env`.
fn gather(files: &[PathBuf], output: &Output) -> CliResult<Vec<Variable>> {
    let mut variables = Vec::new();
    if files.is_empty() {
        // The environment wins over the file, here as where the keys are used.
        variables.extend(std::env::vars_os().filter_map(|(name, value)| {
            let (name, value) = (name.into_string().ok()?, value.into_string().ok()?);
            // Only what can be a provider's key, or leads it elsewhere, is copied.
            let is_known = key_variable(&name).is_some()
                || key_like_variable(&name).is_some()
                || is_about_address(&name);
            if !is_known && key_pattern::find(value.as_bytes()).is_empty() {
                return None;
            }
            Some(Variable { name, value: Secret::new(value), place: Place::Environment, is_replaced: false })
        }));
        // `vars_os` has no order of its own.
        variables.sort_by(|one, other| one.name.cmp(&other.name));
        // A folder of that name is a Python environment.
        let file = Path::new(DEFAULT_FILE);
        if file.exists() && !file.is_dir() {
            variables.extend(read(file, output)?);
        }
    }
    for file in files {
        variables.extend(read(file, output)?);
    }
    Ok(variables)
}

/// The variables of a file. Lines that cannot be read are named.
fn read(file: &Path, output: &Output) -> CliResult<Vec<Variable>> {
    let unreadable =
        |why: &dyn std::fmt::Display| CliError::usage(format!("{} cannot be read: {why}", file.display()));
    let opened = std::fs::File::open(file).map_err(|error| unreadable(&error))?;
    let mut bytes = Zeroizing::new(Vec::new());
    opened.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(unreadable(&format!("it is longer than {MAX_FILE_BYTES} bytes, which no .env is")));
    }
    let narrow = Zeroizing::new(key_pattern::in_eight_bits(&bytes).into_owned());
    let content = std::str::from_utf8(&narrow).map_err(|_| unreadable(&"it is not UTF-8 text"))?;
    // Programs of the old Macintosh end lines with this alone.
    let unbroken = (content.contains('\r') && !content.contains('\n'))
        .then(|| Zeroizing::new(content.replace('\r', "\n")));
    let content = unbroken.as_ref().map_or(content, |lines| lines.as_str());
    let document = dotenv::parse_any(content);
    for malformed in &document.malformed {
        output.warn(&format!(
            "{}:{} is not understood: {}",
            file.display(),
            malformed.line,
            malformed.reason
        ));
    }
    for (line, kind) in keys_outside(content, &document) {
        output.note(&format!(
            "{}:{line} holds what looks like a key of {kind} and is passed over: it is in a comment, or in no line that \
             sets a variable",
            file.display()
        ));
    }
    let path = Arc::new(file.to_path_buf());
    let variable = |entry: dotenv::Entry, is_replaced| Variable {
        name: entry.name,
        value: entry.value,
        place: Place::File { path: path.clone(), line: entry.line, last_line: entry.last_line },
        is_replaced,
    };
    let effective = document.entries.into_iter().map(|entry| variable(entry, false));
    Ok(effective.chain(document.replaced.into_iter().map(|entry| variable(entry, true))).collect())
}

/// Lines with keys that no assignment holds, and whose keys these look like.
fn keys_outside(content: &str, document: &dotenv::Document) -> Vec<(usize, &'static str)> {
    let entries = || document.entries.iter().chain(&document.replaced);
    let (mut line, mut counted, mut outside) = (1, 0, Vec::new());
    for hit in key_pattern::find(content.as_bytes()) {
        line += content.as_bytes()[counted..hit.at].iter().filter(|byte| **byte == b'\n').count();
        counted = hit.at;
        let holds = |entry: &dotenv::Entry| {
            (entry.line..=entry.last_line).contains(&line) && entry.value.expose().contains(hit.text)
        };
        if !entries().any(holds) {
            outside.push((line, hit.kind));
        }
    }
    outside
}

fn row(key: &CandidateKey) -> ImportRow {
    ImportRow {
        id: None,
        name: key.name.clone(),
        provider: key.provider.name.to_owned(),
        api_key: Some(SecretText(key.value.clone())),
        api_secret: None,
        endpoint: key.endpoint.clone(),
        priority: None,
        is_active: true,
        is_global: true,
        user_id: None,
        rate_limit: None,
        expires_at: None,
        rotate_after_days: None,
        usage_count: 0,
        current_month_usage: 0,
        last_used: None,
        created_at: None,
        updated_at: None,
    }
}

fn places(key: &CandidateKey) -> Vec<String> {
    key.places.iter().map(|(_, place)| place.to_string()).collect()
}

fn preview(keys: &[CandidateKey]) -> Table {
    let mut table = Table::new(["name", "provider", "key", "found in"]);
    for key in keys {
        let provider = key.provider.name.to_owned();
        table.row([key.name.clone(), provider, key.value.masked(), places(key).join(", ")]);
    }
    table
}

fn report(keys: &[CandidateKey], imported: &[ImportedRow], dry_run: bool, advice: &CleanupAdvice) -> Report {
    let count = |outcome: &str| imported.iter().filter(|row| row.outcome == outcome).count();
    let row = |(key, imported): (&CandidateKey, &ImportedRow)| ReportRow {
        name: key.name.clone(),
        provider: key.provider.name,
        key: key.value.masked(),
        places: places(key),
        outcome: imported.outcome.clone(),
        reason: imported.reason.clone(),
    };
    Report {
        dry_run,
        migrated: count("migrated"),
        skipped: count("skipped"),
        failed: imported.len() - count("migrated") - count("skipped"),
        rows: keys.iter().zip(imported).map(row).collect(),
        // Of a dry run nothing is stored.
        removable: if dry_run { Vec::new() } else { advice.removable() },
    }
}

fn text(report: &Report) -> String {
    let Report { dry_run, migrated, skipped, failed, rows, .. } = report;
    let mut table = Table::new(["name", "outcome", "reason"]);
    for row in rows {
        let outcome = match row.outcome.as_str() {
            "migrated" if *dry_run => "would migrate",
            outcome => outcome,
        };
        table.row([row.name.clone(), outcome.to_owned(), or_dash(row.reason.as_ref())]);
    }
    let table = if rows.is_empty() { String::new() } else { table.to_string() };
    if *dry_run {
        return format!(
            "{table}dry run, nothing was stored: would migrate {migrated}, would skip {skipped}, would fail {failed}"
        );
    }
    format!("{table}migrated {migrated}, skipped {skipped}, failed {failed}")
}
