//! `strongroom import file`: what `strongroom export` wrote as JSON or YAML.

use std::path::Path;

use strongroom_client::wire::import::ImportRow;
use zeroize::Zeroizing;

use super::send::{Sender, digest};
use crate::cli::exit::{CliError, CliResult, Exit};
use crate::cli::output::Table;
use crate::cli::progress;
use crate::cli::session::Session;

pub(super) async fn run(path: &Path, dry_run: bool, session: &Session) -> CliResult {
    let text = std::fs::read_to_string(path).map(Zeroizing::new);
    let text =
        text.map_err(|error| CliError::usage(format!("{} cannot be read: {error}", path.display())))?;
    // YAML reads JSON too. What could not be read is not repeated: it may be a key.
    let rows: Vec<ImportRow> = serde_norway::from_str(&text).map_err(|error| {
        let at = error.location().map(|at| format!(" (line {})", at.line())).unwrap_or_default();
        CliError::usage(format!("{} is no list that `strongroom export` wrote{at}", path.display()))
            .hint("lines of a .env file go in with `strongroom import env --file`")
    })?;
    if !dry_run && !rows.is_empty() {
        session.confirm(&format!("Move {} credentials into strongroom?", rows.len()))?;
    }
    let digests: Vec<_> = rows.iter().map(digest).collect();
    let bar = progress::start(&session.output, "moving credentials in", u64::try_from(rows.len()).ok());
    let sender = Sender { client: &session.client, source: "file", dry_run, skip_known_secrets: false };
    let done = sender.send(rows, |count| bar.inc(count)).await?;
    bar.finish_and_clear();
    session.output.data(&done, |done| {
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
            session.output.warn(&format!("\"{}\" does not stand there as it was sent", row.name));
        }
        failed += usize::from(is_other || row.outcome == "failed");
    }
    Ok(if failed == 0 { Exit::Ok } else { Exit::Failure })
}
