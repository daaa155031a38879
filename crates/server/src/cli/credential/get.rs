//! `strongroom credential get`: reads a key, masked unless it is to be revealed.

use clap::{Args, ValueEnum};
use strongroom_client::wire::SecretText;
use strongroom_client::wire::credential::RevealedCredential;

use crate::cli::completion::names;
use crate::cli::exit::{CliError, CliResult, Exit};
use crate::cli::output::{Format, Table, masked, or_dash, properties};
use crate::cli::resolve;
use crate::cli::session::Session;

/// Options of `credential get`.
#[derive(Debug, Args)]
pub(in crate::cli) struct GetOptions {
    /// Its name or id
    #[arg(add = names::credentials())]
    name: String,

    /// Print the key itself, and with --format table nothing else: key=$(strongroom credential get NAME --reveal)
    #[arg(long)]
    reveal: bool,

    /// Print only this secret
    #[arg(long, value_enum)]
    field: Option<SecretField>,

    /// Read this user's own credential; for admins
    #[arg(long, value_name = "ID", add = names::user_ids())]
    user_id: Option<i64>,
}

/// The secrets of a credential.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum SecretField {
    ApiKey,
    ApiSecret,
}

pub(super) async fn run(options: GetOptions, session: &Session) -> CliResult {
    let mut read = resolve::revealed(&session.client, &options.name, options.user_id).await?;
    if !options.reveal {
        read.api_key = masked(&read.api_key);
        read.api_secret = read.api_secret.as_ref().map(masked);
    }
    let output = &session.output;
    let plain = output.format() == Format::Table;
    match options.field {
        None if plain && options.reveal => output.text(read.api_key.0.expose())?,
        None => output.data(&read, details)?,
        Some(field) => {
            let secret = pick(&read, field)?;
            if plain { output.text(secret.0.expose())? } else { output.data(secret, |_| properties([]))? }
        }
    }
    if !options.reveal {
        output.note("the key is masked; --reveal prints it");
    }
    Ok(Exit::Ok)
}

fn pick(read: &RevealedCredential, field: SecretField) -> CliResult<&SecretText> {
    match field {
        SecretField::ApiKey => Ok(&read.api_key),
        SecretField::ApiSecret => read
            .api_secret
            .as_ref()
            .ok_or_else(|| CliError::not_found(format!("\"{}\" has no second secret", read.name))),
    }
}

/// Only called for what is masked.
fn details(read: &RevealedCredential) -> Table {
    properties([
        ("id", or_dash(read.id)),
        ("name", read.name.clone()),
        ("provider", read.provider.clone()),
        ("endpoint", or_dash(read.endpoint.as_ref())),
        ("api key", read.api_key.0.expose().to_owned()),
        ("api secret", or_dash(read.api_secret.as_ref().map(|secret| secret.0.expose()))),
        ("source", read.source.clone()),
        ("version", or_dash(read.version)),
        ("used this month", read.current_month_usage.to_string()),
        ("rate limit", or_dash(read.rate_limit)),
    ])
}
