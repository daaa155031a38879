//! `strongroom backup`: the whole database as one sealed file, and the proof of such a file.

mod create;
mod summary;
mod verify;

use std::fs::File;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use strongroom::backup::{Contents, Proof};

use super::exit::{CliError, CliResult};
use super::global::GlobalOptions;
use super::output::Output;
use super::session::Session;

pub(super) use summary::table;

/// Summary of a backup that was proven.
pub(super) fn summary_of(contents: &Contents, proof: &Proof) -> summary::Summary {
    summary::Summary::proven(contents, proof)
}

/// Opens a backup to be read.
///
/// # Errors
/// What is wrong with it: a directory can be opened, and reads as if it were empty.
pub(super) fn opened(path: &Path) -> CliResult<File> {
    let unreadable =
        |why: &dyn std::fmt::Display| CliError::failure(format!("{} cannot be read: {why}", path.display()));
    let file = File::open(path).map_err(|error| unreadable(&error))?;
    if file.metadata().map_err(|error| unreadable(&error))?.is_dir() {
        return Err(unreadable(&"it is a directory; name the backup in it"));
    }
    Ok(file)
}

/// Options of `backup`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct BackupOptions {
    /// The file to write the backup to; - is stdout
    #[arg(value_name = "FILE", required = true)]
    file: Option<PathBuf>,

    #[command(subcommand)]
    command: Option<BackupCommand>,
}

#[derive(Debug, Subcommand)]
enum BackupCommand {
    /// Verify a backup: that it is complete and unaltered, and with the master key that everything in it opens
    Verify(verify::VerifyOptions),
}

/// Runs the command.
pub(super) async fn run(options: BackupOptions, global: &GlobalOptions, output: &Output) -> CliResult {
    match (options.command, options.file) {
        (Some(BackupCommand::Verify(options)), _) => verify::run(options, global, output).await,
        (None, Some(file)) => {
            let session = Session::open(global, output.clone()).await?;
            let done = create::run(&file, &session).await;
            let closed = session.close().await;
            done.and_then(|exit| closed.map(|()| exit))
        }
        (None, None) => Err(CliError::usage("name the file to write: strongroom backup FILE")),
    }
}
