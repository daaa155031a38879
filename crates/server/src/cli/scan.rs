//! `strongroom scan PATH`: keys of providers and tokens of strongroom in files and in the history of a git repository.

mod files;
mod findings;
mod history;
mod unpacked;

use std::path::PathBuf;

use clap::Args;
use strongroom_client::wire::SecretText;
use strongroom_client::wire::leak::CheckLeaks;

use self::findings::{Findings, Ours};
use super::exit::{CliError, CliResult, Exit};
use super::global::GlobalOptions;
use super::output::Output;
use super::session::Session;
use super::{progress, settings};

/// Keys in one question to the server.
const BATCH_KEYS: usize = 500;

/// Options of `scan`.
#[derive(Debug, Args)]
#[command(after_help = "\
The exit code is 0 when nothing was found and 1 when something was, as scanners do.
Keys are never shown whole. If a server is reachable (STRONGROOM_URL, or one on this
machine), the report says which keys are ours; they are sent to that server only.")]
pub(super) struct ScanOptions {
    /// A file or a folder; of a git repository the whole history is searched as well
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,

    /// Search the files only, not the git history
    #[arg(long)]
    no_history: bool,
}

/// Runs the command.
pub(super) async fn run(options: ScanOptions, global: &GlobalOptions, output: &Output) -> CliResult {
    if !options.path.exists() {
        return Err(CliError::usage(format!("{} does not exist", options.path.display())));
    }
    let mut findings = Findings::default();
    let bar = progress::start(output, "files", None);
    files::scan(&options.path, &mut findings, &|| bar.inc(1));
    bar.finish_and_clear();
    if !options.no_history {
        let bar = progress::start(output, "commits", None);
        let done = history::scan(&options.path, &mut findings, &|| bar.inc(1)).await;
        bar.finish_and_clear();
        match done? {
            history::Outcome::Read(commits) => output.note(&format!("{commits} commits read")),
            history::Outcome::NoRepository => {}
            history::Outcome::NoGit => {
                output.warn("git is not installed: only the files as they are were read, not their history");
            }
        }
    }
    for skipped in &findings.skipped {
        output.warn(skipped);
    }
    let ours = compare(&findings, global, output).await?;
    output.data(&findings.report(&ours), findings::table)?;
    output.note(&format!("{} files read, {} keys found", findings.files, findings.keys.len()));
    if findings.archives > 0 {
        output.warn(&format!(
            "{} archives were not opened (zip and documents that are zips, bzip2, xz, zstd, 7z, rar and others): unpack what may \
             hold keys, and scan that",
            findings.archives
        ));
    }
    Ok(if findings.keys.is_empty() { Exit::Ok } else { Exit::Failure })
}

/// Asks the server which of the keys are ours. Without a server no installation is made for that.
async fn compare(findings: &Findings, global: &GlobalOptions, output: &Output) -> CliResult<Ours> {
    if findings.keys.is_empty() {
        return Ok(Ours::default());
    }
    let loaded = settings::load(&settings::command_overrides(global), output)?;
    if global.url()?.is_none() && !settings::socket_file(&loaded.config).exists() {
        output.note("no server is at hand, so it is not known which of them are ours");
        return Ok(Ours::default());
    }
    let session = match Session::open(global, output.clone()).await {
        Ok(session) => session,
        Err(error) => {
            output.warn(&format!("it is not known which of them are ours: {}", error.message));
            return Ok(Ours::default());
        }
    };
    let (mut ours, mut changed) = (Ours::default(), Vec::new());
    let keys: Vec<_> = findings.keys.keys().cloned().collect();
    for batch in keys.chunks(BATCH_KEYS) {
        let body = CheckLeaks { keys: batch.iter().cloned().map(SecretText).collect() };
        match session.client.check_leaks(&body).await {
            Ok(report) => {
                batch.iter().cloned().zip(report.keys).for_each(|(key, found)| ours.add(key, &found));
                changed = report.changed_versions;
            }
            Err(error) => {
                output.warn(&format!("it is not known which of them are ours: {}", error.message));
                break;
            }
        }
    }
    super::leak::warn_of_changed(output, &changed);
    session.close().await?;
    Ok(ours)
}
