//! `strongroom run`: starts a command that finds the providers' keys in its environment.

mod child;
mod environment;
mod gateway;
mod keys;
mod unused;
mod variables;

use std::ffi::OsString;

use clap::Args;
use strongroom_client::wire::token::TokenLimit;

use super::completion::names;
use super::count::parse_count;
use super::duration::parse_seconds;
use super::exit::{CliError, CliResult};
use super::money::parse_usd;
use super::session::Session;

pub(super) use child::run as run_child;
pub(super) use gateway::run as through_gateway;

/// Options of `run`.
#[derive(Debug, Args)]
pub(super) struct RunOptions {
    /// Set this credential's key; can be repeated
    #[arg(long = "credential", short, value_name = "NAME", add = names::credentials())]
    credentials: Vec<String>,

    /// Set a key of this provider; can be repeated. Default without --credential: every provider
    /// that has a key you may read
    #[arg(long = "provider", short, value_name = "PROVIDER", add = names::providers())]
    providers: Vec<String>,

    /// Read this user's own credentials; for admins
    #[arg(long, value_name = "ID", add = names::user_ids())]
    user_id: Option<i64>,

    /// Set no key: the command calls providers through this server's gateway, with a token of its own that is revoked
    /// when the command ends. A program that ignores these variables goes elsewhere, without a key
    #[arg(long)]
    pub(super) gateway: bool,

    /// The longest time that the token works, such as 90d, 12h or 30m
    #[arg(long, value_name = "DURATION", value_parser = parse_seconds, default_value = "12h", requires = "gateway")]
    expires_in: i64,

    /// The most requests that the token may make
    #[arg(long, value_name = "COUNT", value_parser = parse_count, requires = "gateway")]
    requests: Option<i64>,

    /// The most tokens that it may use, of prompts and answers together
    #[arg(long, value_name = "COUNT", value_parser = parse_count, requires = "gateway")]
    tokens: Option<i64>,

    /// The most US dollars that it may spend, such as 2 or 0.5
    #[arg(long, value_name = "DOLLARS", value_parser = parse_usd, requires = "gateway")]
    usd: Option<i64>,

    /// The command and its arguments; started as they are, without a shell
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

impl RunOptions {
    /// The limits of the command's token. They never start over.
    fn limits(&self) -> Vec<TokenLimit> {
        let wanted = [("requests", self.requests), ("tokens", self.tokens), ("nano_usd", self.usd)];
        let limit = |(unit, amount): (&str, Option<i64>)| {
            Some(TokenLimit { unit: unit.to_owned(), window: "prepaid".to_owned(), amount: amount? })
        };
        wanted.into_iter().filter_map(limit).collect()
    }
}

/// A command and its environment.
pub(super) struct Prepared {
    command: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
}

/// Reads the keys; each counts one use. Nothing is started before all have been read.
pub(super) async fn prepare(options: RunOptions, session: &Session) -> CliResult<Prepared> {
    let keys = keys::read(&options, session).await?;
    if keys.is_empty() {
        return Err(CliError::not_found("there is no key that could be set")
            .hint("`strongroom credential list` shows the credentials there are"));
    }
    let variables = environment::variables(&keys);
    Ok(Prepared {
        environment: environment::compose(std::env::vars_os(), &variables),
        command: options.command,
    })
}
