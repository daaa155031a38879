//! `strongroom restore FILE`: a backup on its way into an empty database of this machine.

use std::io::BufReader;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use strongroom::backup::{OpenWindows, Step};

use super::backup::table;
use super::exit::{CliError, CliResult, Exit};
use super::global::GlobalOptions;
use super::output::Output;
use super::{backup, progress, settings};
use crate::wiring;

/// Options of `restore`.
#[derive(Debug, Args)]
#[command(after_help = "\
The database is the configured one (STRONGROOM_DATABASE_URL, or strongroom.db in the
data directory) and must be empty. A backup of SQLite can be restored into PostgreSQL
and the reverse. The master key must be the one of the backup. Stop the old servers first.
A restore that is interrupted leaves a database that refuses all use: run it again.")]
pub(super) struct RestoreOptions {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// What to do with limits whose window is still open: the use since the backup is not known
    #[arg(long, value_enum, default_value_t = Limits::Close, value_name = "WHAT")]
    limits: Limits,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Limits {
    /// Refuse calls until the next window
    Close,
    /// Continue from the use at the time of the backup; limits may be exceeded
    Keep,
}

/// Runs the command.
pub(super) async fn run(options: RestoreOptions, global: &GlobalOptions, output: &Output) -> CliResult {
    if global.url()?.is_some() {
        return Err(CliError::usage("a backup is restored on the machine itself, not through a server")
            .hint("leave out --url and STRONGROOM_URL, and name the database: STRONGROOM_DATABASE_URL"));
    }
    let file = backup::opened(&options.file)?;
    let loaded = settings::load(&settings::overrides(global), output)?;
    let windows = match options.limits {
        Limits::Close => OpenWindows::Close,
        Limits::Keep => OpenWindows::Keep,
    };
    let bar = progress::start(output, "rows", None);
    let mut watch = |step| {
        match step {
            Step::Filling { rows } => bar.set_position(rows),
            Step::Checking => bar.set_message("checking"),
            Step::Filled => bar.set_message("rows, all there"),
            Step::Proving => bar.set_message("rows, opening everything"),
            Step::Settling => bar.set_message("rows, closing what is open"),
        }
        Ok(())
    };
    let mut file = BufReader::new(file);
    let restored = wiring::restore(&loaded, &mut file, windows, &mut watch).await?;
    bar.finish_and_clear();
    output.data(&backup::summary_of(&restored.contents, &restored.proof), table)?;
    output.note(&format!("restored into {}", loaded.config.database.url));
    match windows {
        OpenWindows::Close if restored.closed > 0 => output.note(&format!(
            "windows of limits that are closed until they end: {}; docs/backup.md says how to open one before",
            restored.closed
        )),
        OpenWindows::Close => {}
        OpenWindows::Keep => {
            output.warn(
                "limits go on from where the backup knows them to be: what was spent since may exceed them",
            );
        }
    }
    match restored.proof.faults.first() {
        Some(first) => Err(CliError::new(
            Exit::Integrity,
            format!("all is restored, but not all of it verifies: {first}"),
        )),
        None => Ok(Exit::Ok),
    }
}
