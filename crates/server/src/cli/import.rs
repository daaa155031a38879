//! `strongroom import`: moving keys in from `.env` files and from the original application's database.

use std::path::PathBuf;

use clap::Subcommand;

use strongroom_client::wire::import::ImportRow;

use super::exit::CliResult;
use super::global::GlobalOptions;
use super::output::Output;
use super::session::Session;
use super::settings;

mod env;
#[cfg(test)]
mod fake_api;
mod file;
mod legacy;
mod send;

/// Sources that keys are moved in from.
#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// Import providers' keys from .env files and the environment
    ///
    /// Finds the usual variables (OPENAI_API_KEY, GEMINI_API_KEY …) and their pools (OPENAI_API_KEY_2 …), shows the keys
    /// masked, asks, and imports those that are not stored yet. It changes no file: at the end it says which lines
    /// can be deleted.
    Env {
        /// A file to read; can be repeated. Default: ./.env if it exists, and the environment
        #[arg(long, value_name = "FILE")]
        file: Vec<PathBuf>,
        /// Show what would be done, and change nothing
        #[arg(long)]
        dry_run: bool,
        /// When a base URL is set beside a key (OPENAI_BASE_URL …): store it as the key's endpoint, or ignore it
        #[arg(long, value_enum, value_name = "CHOICE")]
        base_url: Option<env::BaseUrl>,
    },
    /// Import credentials that `strongroom export` wrote as JSON or YAML
    ///
    /// Credentials that exist already are not changed. One that was exported without its key is stored without one.
    File {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Show what would be done, and change nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Import credentials from the original Node application's database
    ///
    /// The source is only ever read. Every secret is sealed again; ids are kept where they are free, and with them
    /// usage, limits, times, priorities and owners. Run twice, it changes nothing. The digests at the end prove that
    /// what is stored is what was read.
    Legacy {
        /// An SQLite file, or the postgres:// URL of the database; its password can stand in PGPASSWORD or ~/.pgpass
        #[arg(value_name = "DATABASE")]
        database: String,
        /// A file with the original's ENCRYPTION_KEY: its 64 hexadecimal digits, or the .env that contains it
        #[arg(long, value_name = "FILE")]
        legacy_key_file: PathBuf,
        /// Show what would be done, and change nothing
        #[arg(long)]
        dry_run: bool,
    },
}

impl ImportCommand {
    /// Tells whether it is a dry run.
    pub(super) fn is_dry_run(&self) -> bool {
        match self {
            Self::Env { dry_run, .. } | Self::File { dry_run, .. } | Self::Legacy { dry_run, .. } => *dry_run,
        }
    }
}

/// Rows that were read of a source and are to be sent.
enum Prepared {
    Env(env::Candidates),
    File(Vec<ImportRow>),
    Legacy(Box<legacy::Prepared>),
}

/// Moves keys in. Row by row: one that fails stops no other and makes the exit code 1. The source is read and the
/// person asked before anything is opened, so that an import that fails makes no installation; a dry run makes none
/// ever.
///
/// # Errors
/// When the source cannot be read, the person says no, or the server does not answer.
pub async fn run(command: ImportCommand, global: &GlobalOptions, output: &Output) -> CliResult {
    let (dry_run, yes) = (command.is_dry_run(), global.yes);
    let (prepared, is_empty) = match command {
        ImportCommand::Env { file, dry_run, base_url } => {
            let found = env::prepare(&file, env::Choices { base_url, dry_run, yes }, output)?;
            let is_empty = found.is_empty();
            (Prepared::Env(found), is_empty)
        }
        ImportCommand::File { file, dry_run } => {
            let rows = file::prepare(&file, dry_run, yes, output)?;
            let is_empty = rows.is_empty();
            (Prepared::File(rows), is_empty)
        }
        ImportCommand::Legacy { database, legacy_key_file, dry_run } => {
            match legacy::prepare(&database, &legacy_key_file, dry_run, yes, output).await? {
                Ok(prepared) => {
                    let is_empty = prepared.is_empty();
                    (Prepared::Legacy(Box::new(prepared)), is_empty)
                }
                Err(exit) => return Ok(exit),
            }
        }
    };
    // With nothing to send, no server is asked and no installation is made.
    let session =
        if is_empty { None } else { Session::open_to_import(dry_run, global, output.clone()).await? };
    let done = match prepared {
        Prepared::Env(found) => {
            // A server that is there checks by itself, and may allow other addresses than the settings here.
            let is_told_only = session.is_none() && !is_empty;
            let guard = is_told_only.then(|| settings::endpoint_guard(global)).transpose()?;
            env::send(&found, (dry_run, guard.as_ref()), output, session.as_ref()).await
        }
        Prepared::File(rows) => file::send(rows, dry_run, output, session.as_ref()).await,
        Prepared::Legacy(prepared) => legacy::send(*prepared, dry_run, output, session.as_ref()).await,
    };
    if let Some(session) = session {
        session.close().await?;
    }
    done
}
