//! `strongroom migrate`

use std::path::PathBuf;

use clap::Args;
use strongroom_model::Secret;

use super::exit::{CliError, CliResult, Exit};
use super::global::GlobalOptions;
use super::output::Output;
use super::secret_input::read_secret_file;
use super::settings;
use crate::config::DatabaseUrl;
use crate::wiring;

/// Options of `migrate`.
#[derive(Debug, Args)]
pub(super) struct MigrateOptions {
    /// The database, as a role that may change its schema. Default: the configured one. A password in it is visible in
    /// the process list and in the shell's history
    #[arg(long, visible_alias = "owner-url", value_name = "URL", value_parser = secret, conflicts_with = "database_url_file")]
    database_url: Option<Secret>,

    /// A file that contains that URL
    #[arg(long, visible_alias = "owner-url-file", value_name = "FILE")]
    database_url_file: Option<PathBuf>,
}

fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::from(text))
}

/// Runs the command.
pub(super) async fn run(options: MigrateOptions, global: &GlobalOptions, output: &Output) -> CliResult {
    let mut config = settings::load(&settings::overrides(global), output)?.config;
    let from_file = options.database_url_file.as_deref().map(read_secret_file).transpose()?;
    if let Some(text) = options.database_url.as_ref().or(from_file.as_ref()) {
        let url = DatabaseUrl::parse(text.expose(), &std::env::current_dir()?)
            .map_err(|reason| CliError::usage(format!("--database-url: {reason}")))?;
        let (shown, whole) = (Secret::from(url.to_string()), Secret::from(url.expose()));
        if options.database_url.is_some() && shown != whole {
            output.warn(
                "the password in --database-url is visible in the process list and in the shell's history; \
                 prefer --database-url-file",
            );
        }
        config.database.url = url;
    }
    wiring::migrate(&config).await?;
    output.note(&format!("the schema of {} is up to date", config.database.url));
    Ok(Exit::Ok)
}
