//! `strongroom export`: credentials for people, as a list or as lines of a `.env` file; their keys only on request.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use strongroom_client::wire::SecretText;
use strongroom_client::wire::credential::{Credential, ListCredentials};
use strongroom_client::wire::import::ImportRow;
use strongroom_model::Provider;
use zeroize::Zeroizing;

use super::completion::names;
use super::exit::{CliError, CliResult, Exit};
use super::output::Format;
use super::session::Session;
use super::whole_file::WholeFile;

/// Options of `export`.
#[derive(Debug, Args)]
#[command(after_help = "\
With --format dotenv (the default) lines of a .env file are written, with json or yaml a
list for `strongroom import file`. None of them contains a key without --reveal.
`strongroom backup` writes the whole database, with all keys sealed.")]
pub(super) struct ExportOptions {
    /// Write the keys as well: each counts one use and is recorded in the audit trail
    #[arg(long)]
    reveal: bool,

    /// The file to write, readable by its owner only. Default: stdout
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,

    /// Only credentials of this provider
    #[arg(long, short, value_name = "PROVIDER", add = names::providers())]
    provider: Option<String>,
}

pub(super) async fn run(options: ExportOptions, session: &Session) -> CliResult {
    if let Some(path) = options.file.as_deref().filter(|path| path.exists()) {
        // Before keys are read, which counts.
        return Err(CliError::new(Exit::Conflict, format!("{} is there already", path.display()))
            .hint("an export overwrites no file; name another one, or move this one away"));
    }
    let query = ListCredentials { provider: options.provider.clone(), ..ListCredentials::default() };
    let found = session.client.all_credentials(query).await?;
    let (mut rows, mut failed) = (Vec::with_capacity(found.len()), 0);
    let is_dotenv = session.output.format() == Format::Table;
    let mut left_out = Vec::new();
    for credential in found {
        let mut row = row(&credential);
        let missing = missing(&credential, is_dotenv);
        if !missing.is_empty() {
            left_out.push(format!("\"{}\" ({})", credential.name, missing.join(", ")));
        }
        if options.reveal {
            match session.client.reveal_credential(&credential.name, credential.user_id).await {
                Ok(read) => (row.api_key, row.api_secret) = (Some(read.api_key), read.api_secret),
                Err(error) => {
                    session.output.warn(&format!("the key of \"{}\" is left out: {error}", credential.name));
                    failed += 1;
                }
            }
        }
        rows.push(row);
    }
    let text = Zeroizing::new(match session.output.format() {
        Format::Table => dotenv(&rows),
        Format::Json => serde_json::to_string_pretty(&rows).map_err(unwritable)? + "\n",
        Format::Yaml => serde_norway::to_string(&rows).map_err(unwritable)?,
    });
    match &options.file {
        Some(path) => {
            let mut file = WholeFile::create(path)?;
            file.write_all(text.as_bytes())?;
            file.finish()?;
        }
        None => {
            let mut stdout = io::stdout().lock();
            stdout.write_all(text.as_bytes())?;
            stdout.flush()?;
        }
    }
    let exported = rows.len() - failed;
    session.output.note(&match failed {
        0 => format!("{exported} credentials exported"),
        _ => format!("{exported} credentials exported with their keys, {failed} without"),
    });
    if !left_out.is_empty() {
        session
            .output
            .warn(&format!("not in what was written: {}; set it again after an import", left_out.join("; ")));
    }
    if options.reveal {
        session.output.warn("the output contains the keys in plain text: delete it as soon as you can");
    } else {
        session.output.note("without their keys; --reveal writes them");
    }
    Ok(if failed == 0 { Exit::Ok } else { Exit::Failure })
}

fn unwritable(error: impl std::fmt::Display) -> CliError {
    CliError::failure(format!("the list cannot be written in this format: {error}"))
}

/// Names of the settings of a credential that an export leaves out.
fn missing(credential: &Credential, is_dotenv: bool) -> Vec<&'static str> {
    let of_dotenv = [
        (credential.expires_at.is_some(), "expiry"),
        (credential.rotate_after_days.is_some(), "rotation"),
        (credential.endpoint.is_some(), "endpoint"),
        (credential.rate_limit.is_some(), "rate limit"),
    ];
    let of_dotenv = of_dotenv.into_iter().filter(|_| is_dotenv);
    let all = [(credential.frozen_at.is_some(), "frozen")];
    all.into_iter().chain(of_dotenv).filter(|(has, _)| *has).map(|(_, what)| what).collect()
}

fn row(credential: &Credential) -> ImportRow {
    ImportRow {
        id: Some(credential.id),
        name: credential.name.clone(),
        provider: credential.provider.clone(),
        api_key: None,
        api_secret: None,
        endpoint: credential.endpoint.clone(),
        priority: Some(credential.priority),
        is_active: credential.is_active,
        is_global: credential.is_global,
        user_id: credential.user_id,
        rate_limit: credential.rate_limit,
        expires_at: credential.expires_at,
        rotate_after_days: credential.rotate_after_days,
        usage_count: credential.usage_count,
        current_month_usage: credential.current_month_usage,
        last_used: credential.last_used,
        created_at: Some(credential.created_at),
        updated_at: Some(credential.updated_at),
    }
}

/// A line per key: the provider's usual variable, with a number from the second key of a provider on.
fn dotenv(rows: &[ImportRow]) -> String {
    let mut numbers: BTreeMap<String, u32> = BTreeMap::new();
    let mut text = String::new();
    for row in rows {
        let known = Provider::parse(&row.provider).ok().and_then(|it| it.known()?.variables.first().copied());
        let plain = || {
            let letters = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
            format!("{}_API_KEY", row.provider.chars().map(letters).collect::<String>().to_ascii_uppercase())
        };
        let variable = known.map_or_else(plain, str::to_owned);
        let number = numbers.entry(variable.clone()).or_default();
        *number += 1;
        let variable = if *number == 1 { variable } else { format!("{variable}_{number}") };
        // A name that was moved in may hold anything, also a line break.
        let name = super::printable::printable(&row.name).replace('\n', "\\n");
        let state = if row.is_active { "" } else { ", inactive" };
        text.push_str(&format!("# {name} ({}{state})\n", row.provider));
        match &row.api_key {
            Some(key) => text.push_str(&format!("{variable}={}\n", &*quoted(key))),
            None => text.push_str(&format!("# {variable}=\n")),
        }
    }
    text
}

/// Single quotes take everything as it stands but themselves.
fn quoted(key: &SecretText) -> Zeroizing<String> {
    let key = key.0.expose();
    Zeroizing::new(if key.contains('\'') {
        format!("\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$"))
    } else {
        format!("'{key}'")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_written_is_named() {
        let json = r#"{"id":1,"uid":"","name":"a","provider":"openai","priority":1,"isActive":true,"isGlobal":true,
            "usageCount":0,"currentMonthUsage":0,"createdAt":"2026-01-01T00:00:00Z","updatedAt":"2026-01-01T00:00:00Z",
            "revision":1,"version":1,"expiresAt":"2026-03-31T00:00:00Z","rotateAfterDays":90,
            "endpoint":"https://llm.example.com/","rateLimit":5}"#;
        let credential: Credential = serde_json::from_str(json).unwrap();
        assert!(missing(&credential, false).is_empty());
        assert_eq!(missing(&credential, true), ["expiry", "rotation", "endpoint", "rate limit"]);
        let frozen = Credential { frozen_at: Some(credential.updated_at), ..credential };
        assert_eq!(missing(&frozen, false), ["frozen"]);
    }
}
