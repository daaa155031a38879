//! `strongroom run --gateway`: the command finds the gateway's addresses and a token of its own, and no key of a provider.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use strongroom_client::Transport;
use strongroom_client::wire::token::{CreateToken, TokenScope};
use strongroom_model::{Clock, Secret};

use super::{Prepared, RunOptions, child, unused, variables};
use crate::cli::completion::names::RUN_TOKEN_NAME;
use crate::cli::exit::{CliError, CliResult};
use crate::cli::provider_name::warn_if_misspelt;
use crate::cli::resolve;
use crate::cli::session::{ConnectionMode, Session};

/// Runs the command to its end, tells which variables it did not heed, then revokes its token; tells its exit code.
pub(in crate::cli) async fn run(options: RunOptions, session: &Session) -> CliResult<u8> {
    let base = address(session).await?;
    warn_if_misspelt(&options.providers, &session.output);
    let doubtful = variables::doubtful(std::env::vars_os());
    if !doubtful.is_empty() {
        session.output.warn(&format!(
            "the command still sees {}: it holds what looks like a provider's key; unset what it does not need",
            doubtful.join(", ")
        ));
    }
    let (token, made) = token(&options, session).await?;
    let prepared = Prepared {
        environment: variables::environment(std::env::vars_os(), &base, &token),
        command: options.command,
    };
    let running = child::run(prepared, |error| session.output.error(&error));
    let code = match &made {
        Some(id) => tokio::select! {
            code = running => code,
            never = prolong(id, session) => match never {},
        },
        None => running.await,
    };
    if let Some(id) = made {
        unused::tell(&id, (&options.credentials, &options.providers), session).await;
        if let Err(error) = session.client.revoke_token(&id).await {
            session.output.warn(&format!("the command's token {id} could not be revoked: {}", error.message));
        }
    }
    code
}

/// Seconds for which the command's token works when nobody prolongs it any more, as when this process is killed.
const LEASE: i64 = 60;
/// Interval at which it is prolonged, and tried again after a failure.
const PERIOD: Duration = Duration::from_secs(20);
const AGAIN: Duration = Duration::from_secs(5);

/// Prolongs the command's token for as long as this is waited for.
async fn prolong(id: &str, session: &Session) -> Infallible {
    let mut pause = PERIOD;
    loop {
        tokio::time::sleep(pause).await;
        // The server may be unavailable for a moment; a call that it refuses here it refuses to the command as well.
        pause = match session.client.prolong_token(id, LEASE).await {
            Ok(_) => PERIOD,
            Err(_) => AGAIN,
        };
    }
}

/// Address at which the command finds the gateway. The server of this machine is asked: what its settings say is not where one listens
/// that was started with others, and whoever listens there would be given the token.
async fn address(session: &Session) -> CliResult<String> {
    let hint = "start one with `strongroom serve`, or name one with --url and STRONGROOM_TOKEN";
    match &session.mode {
        ConnectionMode::Network(url) => Ok(url.trim_end_matches('/').to_owned()),
        ConnectionMode::InProcess => {
            Err(CliError::usage("no server runs here, so there is no gateway to go through").hint(hint))
        }
        ConnectionMode::Socket(_) => {
            let told = session.client.status().await?.listening;
            told.as_deref().and_then(of_this_machine).ok_or_else(|| {
                let told = told.as_deref().unwrap_or("nothing");
                CliError::usage(format!(
                    "where this machine's server is reached without TLS cannot be told from what it says ({told})"
                ))
                .hint("name it as its certificate does, with --url and STRONGROOM_TOKEN")
            })
        }
    }
}

/// The address for a program on this machine, from what the server tells. Where it speaks TLS only its certificate says
/// which name it answers to.
fn of_this_machine(listening: &str) -> Option<String> {
    let at: SocketAddr = listening.strip_prefix("http://")?.parse().ok()?;
    let host = match at.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    (at.port() != 0).then(|| format!("http://{}", SocketAddr::new(host, at.port())))
}

/// A fresh token, with its id; or who may make none gives its own.
async fn token(options: &RunOptions, session: &Session) -> CliResult<(Secret, Option<String>)> {
    let scope = TokenScope {
        credentials: options.credentials.clone(),
        providers: options.providers.clone(),
        models: Vec::new(),
    };
    let narrowed = !(scope.credentials.is_empty() && scope.providers.is_empty());
    let body = CreateToken {
        name: RUN_TOKEN_NAME.to_owned(),
        role: "gateway".to_owned(),
        expires_at: Some(Clock::default().local_now().plus_seconds(options.expires_in)),
        lease_seconds: Some(LEASE),
        scope: narrowed.then_some(scope),
        tags: std::collections::BTreeMap::new(),
        user_id: options.user_id,
        limits: options.limits(),
    };
    // The caller's own token may reach further than was asked for.
    let narrowed = narrowed || !body.limits.is_empty();
    match (session.client.create_token(&body).await, session.client.transport()) {
        (Ok(made), _) => Ok((made.token.0, Some(made.metadata.id))),
        (Err(error), Transport::Http { token, .. }) if error.is_denied() && !narrowed => {
            session.output.warn("your token may not make tokens: the command gets your own");
            Ok((token.clone(), None))
        }
        (Err(error), _) => Err(resolve::of_scope(body.scope.as_ref(), error, &session.client).await),
    }
}

#[cfg(test)]
mod tests {
    use super::of_this_machine;

    #[test]
    fn what_the_server_tells_becomes_an_address_of_this_machine_or_none() {
        for (told, address) in [
            ("http://127.0.0.1:18455", Some("http://127.0.0.1:18455")),
            ("http://0.0.0.0:9000", Some("http://127.0.0.1:9000")),
            ("http://[::]:9000", Some("http://[::1]:9000")),
            ("http://192.0.2.7:9000", Some("http://192.0.2.7:9000")),
            ("https://127.0.0.1:8420", None),
            ("http://127.0.0.1:0", None),
            ("http://example.com:80", None),
            ("", None),
        ] {
            assert_eq!(of_this_machine(told).as_deref(), address, "{told}");
        }
    }
}
