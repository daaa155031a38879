//! `strongroom leak respond NAME`

use clap::Args;
use strongroom_client::wire::leak::{LeakResponse, RespondToLeak};
use strongroom_model::Millis;

use crate::cli::completion::names;
use crate::cli::exit::{CliResult, Exit};
use crate::cli::instant;
use crate::cli::output::Table;
use crate::cli::secret_input::read_api_key_stdin;
use crate::cli::session::Session;

/// Options of `leak respond`.
#[derive(Debug, Args)]
#[command(after_help = "\
A frozen credential is used by no server within a second: no read, no gateway call, and
no fallback to its key in a server's environment. `strongroom credential unfreeze NAME`
allows its use again. With --api-key-stdin the new key is used at once instead.
The leaked key still works at the provider until it is revoked there.")]
pub(in crate::cli) struct RespondOptions {
    /// The credential's name
    #[arg(add = names::credentials())]
    name: String,

    /// Read a new key from stdin and use it from now on
    #[arg(long)]
    api_key_stdin: bool,

    /// Report what happened since then: 7d, 2026-01-31, 2026-01-31T10:00, yesterday; UTC unless an offset is given. Default:
    /// since the credential was made
    #[arg(long, value_name = "WHEN", value_parser = instant::back)]
    since: Option<Millis>,
}

pub(super) async fn run(options: RespondOptions, session: &Session) -> CliResult {
    let api_key = if options.api_key_stdin { Some(read_api_key_stdin(&session.output)?) } else { None };
    let has_new_key = api_key.is_some();
    if !has_new_key {
        session.confirm(&format!("Freeze credential \"{}\" everywhere?", options.name))?;
    }
    let body = RespondToLeak { credential: options.name, api_key, since: options.since };
    let done = session.client.respond_to_leak(&body).await?;
    session.output.data(&done, table)?;
    let name = &done.credential.name;
    session.output.note(&match has_new_key {
        true => format!("{name} uses the new key from now on, version {}", done.credential.version),
        false => format!("{name} is frozen; `strongroom credential unfreeze {name}` allows its use again"),
    });
    session.output.note("the leaked key still works at the provider: revoke it there");
    Ok(Exit::Ok)
}

fn table(done: &LeakResponse) -> Table {
    let mut table = Table::new(["what", "who", "how much", "last"]);
    for it in &done.access {
        let who = format!("{} {} ({})", it.kind, it.name, it.id);
        table.row(["could have had it".into(), who, it.role.clone(), "-".into()]);
    }
    for it in &done.addresses {
        table.row(["read it".into(), it.address.clone(), format!("{} times", it.reads), it.last.to_string()]);
    }
    for it in &done.spent {
        let (dollars, rest) = (it.cost_nano_usd / 1_000_000_000, it.cost_nano_usd % 1_000_000_000 / 100_000);
        let much = format!("{} requests, ${dollars}.{rest:04}", it.requests);
        table.row(["spent".into(), it.actor.clone(), much, it.last_day.to_string()]);
    }
    table
}
