//! `strongroom leak respond NAME`

use clap::Args;
use strongroom_client::wire::leak::{LeakResponse, RespondToLeak};
use strongroom_model::Millis;

use crate::cli::exit::{CliResult, Exit};
use crate::cli::output::Table;
use crate::cli::secret_input::read_api_key_stdin;
use crate::cli::session::Session;

/// Options of `leak respond`.
#[derive(Debug, Args)]
#[command(after_help = "\
Within a second nobody is served from the credential: no read, no gateway call, on no
server, nor its key from a server's environment. `strongroom credential unfreeze NAME`
takes it back. With --api-key-stdin the credential goes on with the new key at once.
The leaked key still works at the provider until it is revoked there.")]
pub(in crate::cli) struct RespondOptions {
    /// The credential's name
    name: String,

    /// Read a new key from stdin and go on with it
    #[arg(long)]
    api_key_stdin: bool,

    /// Tell of what happened since this instant (2026-01-31T00:00:00Z); since the credential was made otherwise
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    since: Option<Millis>,
}

fn instant(text: &str) -> Result<Millis, String> {
    serde_json::from_value(text.into()).map_err(|_| "an instant looks like 2026-01-31T00:00:00Z".to_owned())
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
        true => format!("{name} goes on with the new key, version {}", done.credential.version),
        false => format!("{name} is frozen; `strongroom credential unfreeze {name}` takes that back"),
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
