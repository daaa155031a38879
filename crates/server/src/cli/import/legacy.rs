//! `strongroom import legacy`: moves the original application's database in, and proves that nothing is missing.

use std::error::Error as _;
use std::path::Path;

use strongroom::legacy::{LegacySource, LegacySourceError};
use strongroom_client::wire::import::ImportRow;
use strongroom_crypto::{MasterKey, OpenError};
use url::Url;

use super::send::{Sender, digest, unwrap_secrets};
use crate::cli::confirm;
use crate::cli::exit::{CliError, CliResult, Exit};
use crate::cli::output::{Format, Output, properties};
use crate::cli::progress;
use crate::cli::session::Session;
use crate::config::DatabaseUrl;

mod key_file;
mod mapping;
mod tally;
#[cfg(test)]
mod tests;

use mapping::{Mapped, Unmappable, map};
use tally::{Sent, Tally};

/// Rows that are read, opened and sent at a time.
const PAGE_ROWS: u32 = 200;

/// An open source, of which a secret opens with the key.
#[derive(Debug)]
pub(super) struct Prepared {
    source: LegacySource,
    key: MasterKey,
    count: i64,
}

impl Prepared {
    /// Tells whether the source has no rows.
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// Opens the source, tries the key on all of it, and asks; nothing of ours is opened and nothing made. `Err` in the
/// inner result is the exit code when the key opens nothing.
pub(super) async fn prepare(
    database: &str,
    key_file: &Path,
    dry_run: bool,
    yes: bool,
    output: &Output,
) -> CliResult<Result<Prepared, Exit>> {
    if has_password(database) {
        output.warn(
            "the password in the database URL is visible in the process list and in the shell's history; \
             prefer PGPASSWORD or ~/.pgpass",
        );
    }
    let database = &in_drivers_form(database)?;
    let key = key_file::read(key_file)?;
    let mut source = LegacySource::open(database).await.map_err(unreadable)?;
    let tried = try_key(&mut source, &key).await;
    source.close().await.map_err(unreadable)?;
    let (count, tally) = tried?;
    if let Some(mut tally) = tally {
        tally.sort();
        return report(&tally, dry_run, output).map(Err);
    }
    if !dry_run && count > 0 {
        let noun = if count == 1 { "credential" } else { "credentials" };
        confirm::unless(yes, &format!("Move {count} {noun} of the original's database into strongroom?"))?;
    }
    let source = LegacySource::open(database).await.map_err(unreadable)?;
    Ok(Ok(Prepared { source, key, count }))
}

/// The rows that the source counts, and when no secret opens what is to be said of each: with a wrong key even a row
/// without a secret is not moved, for then nobody knows what else is missing.
async fn try_key(source: &mut LegacySource, key: &MasterKey) -> CliResult<(i64, Option<Tally>)> {
    let count = source.count().await.map_err(unreadable)?;
    let mut tally = Tally { expected: count, ..Tally::default() };
    loop {
        let page = source.next_page(PAGE_ROWS).await.map_err(unreadable)?;
        if page.is_empty() {
            break;
        }
        for legacy in page {
            let (id, name) = (legacy.id, legacy.name.clone());
            match map(legacy, key) {
                Ok(Mapped { row, .. }) if has_secret(&row) => return Ok((count, None)),
                Ok(_) => {
                    let why = "it has no secret, and is moved only with those that have one".to_owned();
                    tally.unmappable(id, name, why, false);
                }
                Err(why) => tally.unmappable_for(id, name, &why),
            }
        }
    }
    let is_wrong = tally.wrong_key > 0;
    Ok((count, is_wrong.then_some(tally)))
}

/// Moves everything in. Without a session, for a dry run where nothing is installed, it is only told.
pub(super) async fn send(
    prepared: Prepared,
    dry_run: bool,
    output: &Output,
    session: Option<&Session>,
) -> CliResult {
    let Prepared { mut source, key, count } = prepared;
    let outcome = import(&mut source, &key, (count, dry_run), output, session).await;
    let closed = source.close().await.map_err(unreadable);
    let exit = outcome?;
    closed?;
    Ok(exit)
}

async fn import(
    source: &mut LegacySource,
    key: &MasterKey,
    (count, dry_run): (i64, bool),
    output: &Output,
    session: Option<&Session>,
) -> CliResult {
    let bar = progress::start(output, "moving credentials in", u64::try_from(count).ok());
    let sender = Sender {
        client: session.map(|session| &session.client),
        source: "legacy",
        dry_run,
        skip_known_secrets: false,
        guard: None,
    };
    let mut tally = Tally { expected: count, ..Tally::default() };
    loop {
        let page = source.next_page(PAGE_ROWS).await.map_err(unreadable)?;
        if page.is_empty() {
            break;
        }
        let (mut rows, mut sent) = (Vec::new(), Vec::new());
        for legacy in page {
            let (id, name) = (legacy.id, legacy.name.clone());
            match map(legacy, key) {
                Ok(Mapped { mut row, mut notes }) => {
                    notes.extend(unwrap_secrets(&mut row));
                    sent.push(Sent { id, name: row.name.clone(), digest: digest(&row), notes });
                    rows.push(row);
                }
                Err(why) => {
                    tally.unmappable_for(id, name, &why);
                    bar.inc(1);
                }
            }
        }
        tally.opened += rows.iter().filter(|row| has_secret(row)).count();
        let imported = sender.send(rows, |answered| bar.inc(answered)).await;
        let imported = imported.inspect_err(|_| bar.abandon())?;
        sent.into_iter().zip(imported).for_each(|(sent, imported)| tally.answered(sent, imported));
    }
    bar.finish_and_clear();
    tally.sort();
    report(&tally, dry_run, output)
}

fn report(tally: &Tally, dry_run: bool, output: &Output) -> CliResult {
    for row in &tally.rows {
        row.notes.iter().for_each(|note| output.note(&format!("{}: {note}", row.title())));
    }
    for row in &tally.rows {
        if let Some(trouble) = row.trouble(dry_run) {
            output.warn(&format!("{}: {trouble}", row.title()));
        }
    }
    let report = tally.report(dry_run);
    let summary =
        format!("migrated {}, skipped {}, failed {}", report.migrated, report.skipped, report.failed);
    match output.format() {
        Format::Table => {
            let compared = |digest: &Option<String>| digest.clone().unwrap_or_else(|| "-".to_owned());
            let table = properties([
                ("rows in the source", report.source.to_string()),
                ("migrated", report.migrated.to_string()),
                ("skipped", report.skipped.to_string()),
                ("failed", report.failed.to_string()),
                ("digest of what was read", compared(&report.digest_read)),
                ("digest of what is stored", compared(&report.digest_stored)),
                ("digests", report.verdict().to_owned()),
            ]);
            output.text(&format!("{table}{summary}"))?;
        }
        Format::Json | Format::Yaml => output.data(&report, |_| properties([]))?,
    }
    if !report.has_all_rows() {
        let (source, read) = (report.source, tally.rows.len());
        output.warn(&format!("the source counts {source} rows, and {read} could be read: it may be damaged"));
    }
    if tally.opened == 0 && tally.wrong_key > 0 {
        output.warn("no secret opened at all: the legacy key is most likely the wrong one");
    }
    if dry_run {
        output.note("nothing was changed");
    } else if report.migrated > 0 && report.is_complete() {
        output.note(
            "next: stop the original application, keep its database and its key until programs run on strongroom, \
             then destroy both; rotate the keys at their providers, since copies exist",
        );
    }
    Ok(if report.is_complete() { Exit::Ok } else { Exit::Failure })
}

impl Tally {
    fn unmappable_for(&mut self, id: i64, name: Option<String>, why: &Unmappable) {
        let is_wrong_key = matches!(why, Unmappable::Sealed { error: OpenError::Tampered, .. });
        self.unmappable(id, name, why.to_string(), is_wrong_key);
    }
}

fn has_secret(row: &ImportRow) -> bool {
    row.api_key.is_some() || row.api_secret.is_some()
}

/// The URL of a PostgreSQL server as the driver reads it, whoever wrote it; a file's path or URL as it is.
fn in_drivers_form(database: &str) -> CliResult<String> {
    let scheme = database.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    if scheme.is_none_or(|scheme| scheme.starts_with("sqlite") || scheme == "file") {
        return Ok(database.to_owned());
    }
    let url = DatabaseUrl::parse(database, Path::new("/"));
    url.map(|url| url.expose().to_owned())
        .map_err(|why| CliError::usage(format!("the database's URL: {why}")))
}

fn has_password(database: &str) -> bool {
    Url::parse(database).is_ok_and(|url| {
        url.password().is_some_and(|password| !password.is_empty())
            || url.query_pairs().any(|(key, _)| key == "password")
    })
}

fn unreadable(error: LegacySourceError) -> CliError {
    let exit = match &error {
        LegacySourceError::File { .. } | LegacySourceError::Url(_) => Exit::Usage,
        LegacySourceError::Connect(_) => Exit::Unavailable,
        _ => Exit::Failure,
    };
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    CliError::new(exit, format!("{error}{cause}"))
}
