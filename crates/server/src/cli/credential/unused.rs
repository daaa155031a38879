//! `strongroom credential unused`

use clap::Args;

use crate::cli::exit::{CliResult, Exit};
use crate::cli::session::Session;

/// Options of `credential unused`.
#[derive(Debug, Args)]
pub(in crate::cli) struct UnusedOptions {
    /// The number of days without a use
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(i64).range(1..=3660))]
    days: i64,
}

pub(super) async fn run(options: UnusedOptions, session: &Session) -> CliResult {
    let found = session.client.list_unused_credentials(options.days).await?;
    session.output.list(found.as_slice(), super::list::table)?;
    Ok(Exit::Ok)
}
