//! `strongroom serve`

use clap::Args;

use super::exit::{CliResult, Exit};
use super::global::GlobalOptions;
use super::output::Output;
use super::settings;
use crate::config::{LogFormat, Overrides};
use crate::wiring;

/// Options of `serve`.
#[derive(Debug, Args)]
pub(super) struct ServeOptions {
    /// The address and port to listen on. Default: the configured ones, or 127.0.0.1:8420
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,

    /// Do not update the database's schema; `strongroom migrate` does that
    #[arg(long)]
    no_migrate: bool,

    /// The format of the log on stderr. Default: the configured one, or pretty on a terminal and json elsewhere
    #[arg(long, value_enum, value_name = "FORMAT")]
    log_format: Option<LogFormat>,
}

/// Runs the command.
pub(super) async fn run(options: ServeOptions, global: &GlobalOptions, output: &Output) -> CliResult {
    let overrides = Overrides {
        listen: options.listen,
        no_migrate: options.no_migrate,
        log_format: options.log_format,
        ..settings::overrides(global)
    };
    let loaded = settings::load(&overrides, output)?;
    wiring::serve(loaded).await?;
    Ok(Exit::Ok)
}
