//! `strongroom config`: the configuration a server started here would have.

use clap::Subcommand;

use super::exit::{CliResult, Exit};
use super::global::GlobalOptions;
use super::output::{Output, Table};
use super::settings;
use crate::config::{CheckReport, check};
use crate::wiring;

/// `strongroom config …`
#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Check the configuration: show every setting and its source, and every error
    Check,
}

/// Runs the command.
pub(super) fn run(command: &ConfigCommand, options: &GlobalOptions, output: &Output) -> CliResult {
    match command {
        ConfigCommand::Check => {
            let report = check(&settings::overrides(options), wiring::faults);
            output.data(&report, table)?;
            report.warnings.iter().for_each(|warning| output.warn(warning));
            report.problems.iter().for_each(|problem| output.problem(problem));
            Ok(if report.ok { Exit::Ok } else { Exit::Usage })
        }
    }
}

fn table(report: &CheckReport) -> Table {
    let mut table = Table::new(["setting", "value", "from"]);
    for setting in &report.settings {
        table.row([setting.name.clone(), setting.value.clone(), setting.source.clone()]);
    }
    for name in &report.provider_variables {
        table.row([name.clone(), "set".to_owned(), "a provider's key".to_owned()]);
    }
    table
}
