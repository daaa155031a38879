//! `strongroom run --gateway`: the command finds the gateway's addresses and a token of its own, and no key.

use strongroom_client::Transport;
use strongroom_client::wire::token::{CreateToken, TokenScope};
use strongroom_model::{Clock, Secret};

use super::{Prepared, RunOptions, child, environment};
use crate::cli::exit::{CliError, CliResult};
use crate::cli::global::GlobalOptions;
use crate::cli::session::{Door, Session};
use crate::cli::settings;

/// Runs the command to its end, then revokes its token; tells its exit code.
pub(in crate::cli) async fn run(
    options: RunOptions,
    global: &GlobalOptions,
    session: &Session,
) -> CliResult<u8> {
    let base = address(global, session)?;
    let (token, made) = token(&options, session).await?;
    let variables = variables(&base, &token);
    let prepared = Prepared {
        environment: environment::compose(std::env::vars_os(), &variables),
        command: options.command,
    };
    let code = child::run(prepared, |error| session.output.error(&error)).await;
    if let Some(id) = made
        && let Err(error) = session.client.revoke_token(&id).await
    {
        session.output.warn(&format!("the command's token {id} could not be revoked: {}", error.message));
    }
    code
}

/// Where the command finds the gateway.
fn address(global: &GlobalOptions, session: &Session) -> CliResult<String> {
    let hint = "start one with `strongroom serve`, or name one with --url and STRONGROOM_TOKEN";
    match &session.door {
        Door::Network(url) => Ok(url.trim_end_matches('/').to_owned()),
        Door::InProcess => {
            Err(CliError::usage("no server runs here, so there is no gateway to go through").hint(hint))
        }
        Door::Socket(_) => {
            let config = settings::load(&settings::command_overrides(global), &session.output)?.config;
            let listen = config.http.listen;
            if config.http.tls_cert_file.is_some() || listen.port() == 0 {
                return Err(CliError::usage(
                    "the address of this machine's server cannot be told from its settings",
                )
                .hint(hint));
            }
            let host = match listen.ip() {
                ip if !ip.is_unspecified() => ip,
                std::net::IpAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                std::net::IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
            };
            Ok(format!("http://{}", std::net::SocketAddr::new(host, listen.port())))
        }
    }
}

/// A fresh token, with its id; or who may make none gives its own.
async fn token(options: &RunOptions, session: &Session) -> CliResult<(Secret, Option<String>)> {
    let scope = TokenScope { credentials: options.credentials.clone(), providers: options.providers.clone() };
    let narrowed = !(scope.credentials.is_empty() && scope.providers.is_empty());
    let body = CreateToken {
        name: "strongroom run".to_owned(),
        role: "gateway".to_owned(),
        expires_at: Some(Clock::default().local_now().plus_seconds(options.expires_in)),
        scope: narrowed.then_some(scope),
        user_id: options.user_id,
    };
    match (session.client.create_token(&body).await, session.client.transport()) {
        (Ok(made), _) => Ok((made.token.0, Some(made.metadata.id))),
        (Err(error), Transport::Http { token, .. }) if error.is_denied() && !narrowed => {
            session.output.warn("your token may make no others: the command gets your own");
            Ok((token.clone(), None))
        }
        (Err(error), _) => Err(error.into()),
    }
}

/// Where the providers' own libraries look for their address and key; see `docs/gateway.md`.
fn variables(base: &str, token: &Secret) -> Vec<(String, Secret)> {
    const ADDRESSES: [(&str, &str); 5] = [
        ("OPENAI_BASE_URL", "/openai/v1"),
        ("ANTHROPIC_BASE_URL", "/anthropic"),
        ("GOOGLE_GEMINI_BASE_URL", "/gemini"),
        ("OPENROUTER_BASE_URL", "/openrouter/api/v1"),
        // Groq's library appends `/openai/v1`.
        ("GROQ_BASE_URL", "/groq"),
    ];
    const KEYS: [&str; 6] = [
        "OPENAI_API_KEY",
        "ANTHROPIC_API_KEY",
        "GEMINI_API_KEY",
        "GOOGLE_API_KEY",
        "OPENROUTER_API_KEY",
        "GROQ_API_KEY",
    ];
    let addresses =
        ADDRESSES.iter().map(|(name, path)| ((*name).to_owned(), Secret::new(format!("{base}{path}"))));
    addresses.chain(KEYS.iter().map(|name| ((*name).to_owned(), token.clone()))).collect()
}
