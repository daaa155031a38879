//! `strongroom import file`: what `strongroom export` wrote as JSON or YAML.

use std::path::Path;

use strongroom_client::wire::import::ImportRow;
use zeroize::Zeroizing;

use super::send::{Sender, digest, unwrap_secrets};
use crate::cli::confirm;
use crate::cli::exit::{CliError, CliResult, Exit};
use crate::cli::output::{Output, Table};
use crate::cli::progress;
use crate::cli::session::Session;

/// Reads the file and asks; nothing is opened and nothing made.
pub(super) fn prepare(path: &Path, dry_run: bool, yes: bool, output: &Output) -> CliResult<Vec<ImportRow>> {
    let text = std::fs::read_to_string(path).map(Zeroizing::new);
    let text =
        text.map_err(|error| CliError::usage(format!("{} cannot be read: {error}", path.display())))?;
    // YAML reads JSON too. What could not be read is not repeated: it may be a key.
    let mut rows: Vec<ImportRow> = serde_norway::from_str(&text).map_err(|error| {
        let at = error.location().map(|at| format!(" (line {})", at.line())).unwrap_or_default();
        CliError::usage(format!("{} is no list that `strongroom export` wrote{at}", path.display()))
            .hint("lines of a .env file go in with `strongroom import env --file`")
    })?;
    for row in &mut rows {
        unwrap_secrets(row).iter().for_each(|note| output.note(&format!("{}: {note}", row.name)));
    }
    if !dry_run && !rows.is_empty() {
        confirm::unless(yes, &format!("Move {} credentials into strongroom?", rows.len()))?;
    }
    Ok(rows)
}

/// Sends the rows. Without a session, for a dry run where nothing is installed, it is only told.
pub(super) async fn send(
    rows: Vec<ImportRow>,
    dry_run: bool,
    output: &Output,
    session: Option<&Session>,
) -> CliResult {
    let digests: Vec<_> = rows.iter().map(digest).collect();
    let bar = progress::start(output, "moving credentials in", u64::try_from(rows.len()).ok());
    let sender = Sender {
        client: session.map(|session| &session.client),
        source: "file",
        dry_run,
        skip_known_secrets: false,
        guard: None,
    };
    let done = sender.send(rows, |count| bar.inc(count)).await?;
    bar.finish_and_clear();
    output.data(&done, |done| {
        let mut table = Table::new(["name", "outcome", "reason"]);
        for row in done {
            table.row([row.name.clone(), row.outcome.clone(), row.reason.clone().unwrap_or_default()]);
        }
        table
    })?;
    let mut failed = 0;
    for (row, expected) in done.iter().zip(&digests) {
        let is_other = row.outcome == "migrated" && row.digest.as_ref().is_some_and(|it| it != expected);
        if is_other {
            output.warn(&format!("\"{}\" does not stand there as it was sent", row.name));
        }
        failed += usize::from(is_other || row.outcome == "failed");
    }
    Ok(if failed == 0 { Exit::Ok } else { Exit::Failure })
}
