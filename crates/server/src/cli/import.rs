//! `strongroom import`: moving keys in from `.env` files and from the original application's database.

use std::path::PathBuf;

use clap::Subcommand;

use super::exit::CliResult;
use super::session::Session;

mod env;
#[cfg(test)]
mod fake_api;
mod file;
mod legacy;
mod send;

/// Where keys are moved in from.
#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// Move the providers' keys in from .env files and the environment
    ///
    /// Finds the usual variables (OPENAI_API_KEY, GEMINI_API_KEY …) and their pools (OPENAI_API_KEY_2 …), shows them
    /// masked, asks, and moves in those that are not there yet. It changes no file: at the end it says which lines
    /// can go.
    Env {
        /// A file to read, more than once for several; without it ./.env, when there is one, and the environment
        #[arg(long, value_name = "FILE")]
        file: Vec<PathBuf>,
        /// Say what would be done and change nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Move credentials in that `strongroom export` wrote as JSON or YAML
    ///
    /// Those that are there already stay as they are. One that was written without its key gets none.
    File {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Say what would be done and change nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Move credentials in from the original Node application's database
    ///
    /// The source is only ever read. Every secret is sealed anew; ids are kept where they are free, and with them
    /// usage, limits, times, priorities and owners. Run twice, it changes nothing. The digests at the end prove that
    /// what is stored is what was read.
    Legacy {
        /// An SQLite file, or the postgres:// URL of the database; its password can stand in PGPASSWORD or ~/.pgpass
        #[arg(value_name = "DATABASE")]
        database: String,
        /// A file with the original's ENCRYPTION_KEY: its 64 hex digits, or the .env that has it
        #[arg(long, value_name = "FILE")]
        legacy_key_file: PathBuf,
        /// Say what would be done and change nothing
        #[arg(long)]
        dry_run: bool,
    },
}

impl ImportCommand {
    /// Whether it only says what would be done.
    pub(super) fn is_dry_run(&self) -> bool {
        match self {
            Self::Env { dry_run, .. } | Self::File { dry_run, .. } | Self::Legacy { dry_run, .. } => *dry_run,
        }
    }
}

/// Moves keys in. Row by row: one that fails stops no other and makes the exit code 1.
///
/// # Errors
/// When the source cannot be read, the person says no, or the server does not answer.
pub async fn run(command: ImportCommand, session: &Session) -> CliResult {
    match command {
        ImportCommand::Env { file, dry_run } => env::run(&file, dry_run, session).await,
        ImportCommand::File { file, dry_run } => file::run(&file, dry_run, session).await,
        ImportCommand::Legacy { database, legacy_key_file, dry_run } => {
            legacy::run(&database, &legacy_key_file, dry_run, session).await
        }
    }
}
