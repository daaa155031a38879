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
    /// The address and port to listen on; 127.0.0.1:8420 when nothing says otherwise
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,

    /// Leave the database's schema alone; `strongroom migrate` brings it up to date
    #[arg(long)]
    no_migrate: bool,

    /// The form of the log on stderr; pretty on a terminal and json elsewhere when nothing says otherwise
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
