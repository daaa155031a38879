//! `strongroom alert channel`: whom alerts are told.

use std::io::Read;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use strongroom_client::wire::SecretText;
use strongroom_client::wire::alert::{AlertChannel, MakeAlertChannel, UpdateAlertChannel};
use strongroom_model::Secret;
use zeroize::Zeroizing;

use crate::cli::exit::{CliError, CliResult, Exit};
use crate::cli::output::{Table, or_dash, properties, yes_no};
use crate::cli::session::Session;

/// `strongroom alert channel …`
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ChannelCommand {
    /// Add a channel, seal its address, and send a test to it
    Add(AddOptions),
    /// List channels
    #[command(visible_alias = "ls")]
    List,
    /// Send a test to a channel and show what it answers
    Test(ChannelName),
    /// Replace the secret of a webhook; both sign for a day
    RotateSecret(ChannelName),
    /// Turn a channel on again
    Enable(ChannelName),
    /// Turn a channel off
    Disable(ChannelName),
    /// Remove a channel
    #[command(visible_alias = "rm")]
    Remove(ChannelName),
}

/// The channel that is meant.
#[derive(Debug, Args)]
pub(in crate::cli) struct ChannelName {
    /// The channel's name
    name: String,
}

/// Kinds of channels.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum KindName {
    /// A signed webhook, as Standard Webhooks says
    Webhook,
    /// An incoming webhook of Slack
    Slack,
    /// A webhook of Discord
    Discord,
    /// A workflow of Microsoft Teams
    Teams,
    /// Events of PagerDuty; the routing key is read in place of an address
    Pagerduty,
    /// Mail by SMTP
    Mail,
}

/// Options of `alert channel add`.
#[derive(Debug, Args)]
pub(in crate::cli) struct AddOptions {
    /// The name, which no other channel has
    name: String,

    /// The kind of channel
    #[arg(long, value_enum)]
    kind: KindName,

    /// Read the address (PagerDuty: the routing key) from a file in place of stdin or a hidden prompt
    #[arg(long, value_name = "FILE")]
    address_file: Option<PathBuf>,

    /// The address that mail is from
    #[arg(long, value_name = "ADDRESS", required_if_eq("kind", "mail"))]
    from: Option<String>,

    /// An address that mail is for; may be given several times
    #[arg(long, value_name = "ADDRESS", required_if_eq("kind", "mail"))]
    to: Option<Vec<String>>,

    /// Send no test
    #[arg(long)]
    no_test: bool,
}

pub(super) async fn run(command: ChannelCommand, session: &Session) -> CliResult {
    let (client, output) = (&session.client, &session.output);
    match command {
        ChannelCommand::Add(options) => return add(options, session).await,
        ChannelCommand::List => output.list(client.list_alert_channels().await?.as_slice(), table)?,
        ChannelCommand::Test(ChannelName { name }) => return test(&name, session).await,
        ChannelCommand::RotateSecret(ChannelName { name }) => {
            output.data(&client.rotate_alert_channel_secret(&name).await?, details)?;
            output.note("the old secret signs as well for a day; this one is not shown again");
        }
        ChannelCommand::Enable(ChannelName { name }) => {
            let body = UpdateAlertChannel { is_enabled: true };
            output.data(&client.update_alert_channel(&name, &body).await?, details)?;
        }
        ChannelCommand::Disable(ChannelName { name }) => {
            let body = UpdateAlertChannel { is_enabled: false };
            output.data(&client.update_alert_channel(&name, &body).await?, details)?;
        }
        ChannelCommand::Remove(ChannelName { name }) => {
            session.confirm(&format!("Remove channel {name:?}? What waits for it is given up."))?;
            output.note(&client.remove_alert_channel(&name).await?.message);
        }
    }
    Ok(Exit::Ok)
}

async fn add(options: AddOptions, session: &Session) -> CliResult {
    let (client, output) = (&session.client, &session.output);
    let given = SecretText(read_secret(options.address_file.as_deref())?);
    let (address, secret) = match options.kind {
        KindName::Pagerduty => (None, Some(given)),
        _ => (Some(given), None),
    };
    let kind = options.kind.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    let (from, to) = (options.from, options.to);
    let body = MakeAlertChannel { name: options.name, kind, address, secret, from, to };
    let made = client.make_alert_channel(&body).await?;
    output.data(&made, details)?;
    if made.secret.is_some() {
        output.note(
            "this secret is not shown again: give it to the receiver, which verifies signatures with it",
        );
    }
    if options.no_test { Ok(Exit::Ok) } else { test(&made.name, session).await }
}

async fn test(name: &str, session: &Session) -> CliResult {
    let tested = session.client.test_alert_channel(name).await?;
    if tested.taken {
        session.output.note(&format!("the channel took a test: {}", tested.answer));
        return Ok(Exit::Ok);
    }
    session.output.problem(&format!("the channel did not take a test: {}", tested.answer));
    Ok(Exit::Failure)
}

/// The address, from a file, from stdin, or on a terminal from a prompt that shows nothing.
fn read_secret(file: Option<&std::path::Path>) -> CliResult<Secret> {
    use std::io::IsTerminal;
    const MAX_BYTES: u64 = 8192;
    let failed = |error: std::io::Error| CliError::failure(format!("the address cannot be read: {error}"));
    let mut text = Zeroizing::new(String::new());
    match file {
        Some(path) => {
            let file = std::fs::File::open(path).map_err(failed)?;
            file.take(MAX_BYTES).read_to_string(&mut text).map_err(failed)?;
        }
        None if std::io::stdin().is_terminal() => {
            *text = rpassword::prompt_password("Address: ").map_err(failed)?;
        }
        None => {
            std::io::stdin().lock().take(MAX_BYTES).read_to_string(&mut text).map_err(failed)?;
        }
    }
    let text = text.trim();
    if text.is_empty() {
        return Err(CliError::usage("no address was given")
            .hint("write it to stdin, give a file with --address-file, or run this on a terminal"));
    }
    Ok(Secret::from(text))
}

fn details(channel: &AlertChannel) -> Table {
    let mut table = properties([
        ("id", channel.id.clone()),
        ("name", channel.name.clone()),
        ("kind", channel.kind.clone()),
        ("address", channel.address.clone()),
        ("from", or_dash(channel.from.as_deref())),
        ("to", or_dash(channel.to.as_ref().map(|to| to.join(", ")))),
        ("enabled", yes_no(channel.is_enabled)),
        ("why not", or_dash(channel.disabled_reason.as_deref())),
    ]);
    if let Some(secret) = &channel.secret {
        table.row(["secret".to_owned(), secret.0.expose().to_owned()]);
    }
    table
}

fn table(channels: &[AlertChannel]) -> Table {
    let mut table = Table::new(["name", "kind", "address", "enabled", "why not"]);
    for channel in channels {
        table.row([
            channel.name.clone(),
            channel.kind.clone(),
            channel.address.clone(),
            yes_no(channel.is_enabled),
            or_dash(channel.disabled_reason.as_deref()),
        ]);
    }
    table
}
