//! `strongroom leak check`

use std::io::{self, Read};

use strongroom_client::wire::SecretText;
use strongroom_client::wire::leak::{CheckLeaks, LeakReport};
use strongroom_model::Secret;
use zeroize::Zeroizing;

use super::candidate::candidates;
use crate::cli::exit::{CliError, CliResult, Exit};
use crate::cli::output::{Table, or_dash};
use crate::cli::session::Session;

/// Keys in one request, at the most.
const BATCH_KEYS: usize = 500;

/// More than that is no list of keys.
const MAX_STDIN_BYTES: u64 = 16 * 1024 * 1024;

pub(super) async fn run(session: &Session) -> CliResult {
    let mut text = Zeroizing::new(String::new());
    io::stdin()
        .take(MAX_STDIN_BYTES)
        .read_to_string(&mut text)
        .map_err(|error| CliError::usage(format!("stdin cannot be read as text: {error}")))?;
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(candidates).collect();
    if lines.is_empty() {
        return Err(CliError::usage("there are no keys on stdin; give one per line"));
    }
    let (mut report, mut keys) = (LeakReport { keys: Vec::new(), changed_versions: Vec::new() }, Vec::new());
    let tried: Vec<(usize, &str)> = lines
        .iter()
        .enumerate()
        .flat_map(|(line, texts)| texts.iter().map(move |text| (line, *text)))
        .collect();
    // Of each line the first candidate, unless another one is ours.
    let mut of_line = None;
    for batch in tried.chunks(BATCH_KEYS) {
        let body = batch.iter().map(|(_, key)| SecretText(Secret::from(*key))).collect();
        let LeakReport { keys: checked, changed_versions } =
            session.client.check_leaks(&CheckLeaks { keys: body }).await?;
        report.changed_versions = changed_versions;
        if checked.len() != batch.len() {
            return Err(CliError::failure("the server has answered about another number of keys"));
        }
        for (&(line, key), checked) in batch.iter().zip(checked) {
            if of_line != Some(line) {
                of_line = Some(line);
                keys.push(key);
                report.keys.push(checked);
            } else if checked.is_ours && report.keys.last().is_some_and(|last| !last.is_ours) {
                keys.pop();
                keys.push(key);
                report.keys.pop();
                report.keys.push(checked);
            }
        }
    }
    session.output.data(&report, |report| table(report, &keys))?;
    let ours = report.keys.iter().filter(|key| key.is_ours).count();
    session.output.note(&format!("{ours} of {} keys are ours", report.keys.len()));
    if report.keys.iter().flat_map(|key| &key.credentials).any(|key| key.is_served) {
        session
            .output
            .warn("a key of ours is still in use: `strongroom leak respond NAME` freezes its credential");
    }
    for key in &report.keys {
        if let (Some(token), Some("live")) = (&key.token, key.token_state.as_deref()) {
            session.output.warn(&format!(
                "a token of ours still works: `strongroom token revoke {}` ends that",
                token.id
            ));
        }
    }
    super::warn_of_changed(&session.output, &report.changed_versions);
    if !report.changed_versions.is_empty() {
        return Ok(Exit::Integrity);
    }
    Ok(if ours > 0 { Exit::Ok } else { Exit::NotFound })
}

fn table(report: &LeakReport, keys: &[&str]) -> Table {
    let mut table = Table::new(["key", "ours", "version", "state", "owner", "last used", "who had access"]);
    for (key, text) in report.keys.iter().zip(keys) {
        let masked = Secret::from(*text).masked();
        for found in &key.credentials {
            let state = match (found.is_deleted, found.is_frozen, found.is_current, found.is_served) {
                (true, ..) => "deleted",
                (_, true, ..) => "frozen",
                (_, _, false, _) => "replaced",
                (.., true) => "in use",
                _ => "inactive",
            };
            table.row([
                masked.clone(),
                found.name.clone(),
                found.version.to_string(),
                state.to_owned(),
                found.user_id.map_or_else(|| "everybody".to_owned(), |user| format!("user {user}")),
                or_dash(found.last_used),
                super::shown(&found.access),
            ]);
        }
        if let Some(token) = &key.token {
            let name = format!("token {} ({})", token.name, token.id);
            let state = key
                .token_state
                .as_deref()
                .map_or_else(|| token.role.clone(), |state| format!("{state}, {}", token.role));
            table.row([masked, name, "-".into(), state, "-".into(), "-".into(), "-".into()]);
        } else if !key.is_ours {
            table.row([masked, "no".into(), "-".into(), "-".into(), "-".into(), "-".into(), "-".into()]);
        }
    }
    table
}
