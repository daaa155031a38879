//! `strongroom token create`

use clap::Args;
use strongroom_client::wire::token::{CreateToken, CreatedToken, TokenScope};
use strongroom_model::{Clock, Millis};

use crate::cli::duration::parse_seconds;
use crate::cli::exit::{CliResult, Exit};
use crate::cli::output::{Format, properties};
use crate::cli::provider_name::warn_if_misspelt;
use crate::cli::resolve;
use crate::cli::role::RoleName;
use crate::cli::session::Session;

/// Options of `token create`.
#[derive(Debug, Args)]
pub(in crate::cli) struct CreateOptions {
    /// What people call it
    name: String,

    /// What it may do
    #[arg(long, value_enum)]
    role: RoleName,

    /// When it stops working, such as 2027-01-31T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = Millis::parse, conflicts_with = "expires_in")]
    expires_at: Option<Millis>,

    /// How long it works, such as 90d, 12h or 30m
    #[arg(long, value_name = "DURATION", value_parser = parse_seconds)]
    expires_in: Option<i64>,

    /// Reach only this credential; may be given again
    #[arg(long = "credential", value_name = "NAME")]
    credentials: Vec<String>,

    /// Reach only this provider; may be given again
    #[arg(long = "provider", value_name = "PROVIDER")]
    providers: Vec<String>,

    /// The user it acts for
    #[arg(long, value_name = "ID")]
    user_id: Option<i64>,
}

pub(super) async fn run(options: CreateOptions, session: &Session) -> CliResult {
    warn_if_misspelt(&options.providers, &session.output);
    let in_seconds = options.expires_in.map(|seconds| Clock::default().local_now().plus_seconds(seconds));
    let scope = TokenScope { credentials: options.credentials, providers: options.providers };
    let narrowed = !(scope.credentials.is_empty() && scope.providers.is_empty());
    let body = CreateToken {
        name: options.name,
        role: options.role.as_str().to_owned(),
        expires_at: options.expires_at.or(in_seconds),
        lease_seconds: None,
        scope: narrowed.then_some(scope),
        user_id: options.user_id,
        limits: Vec::new(),
    };
    let made = match session.client.create_token(&body).await {
        Ok(made) => made,
        Err(error) => return Err(resolve::of_scope(body.scope.as_ref(), error, &session.client).await),
    };
    if let Err(error) = show(&made, session) {
        // Nobody has seen it, and nobody ever will.
        let id = &made.metadata.id;
        let mend = match session.client.revoke_token(id).await {
            Ok(_) => format!("the token {id} was made, could not be shown, and is revoked again"),
            Err(_) => {
                format!("the token {id} was made and could not be shown: `strongroom token revoke {id}`")
            }
        };
        return Err(error.hint(mend));
    }
    session.output.note("it is shown this once and stored nowhere: keep it in a secret store");
    Ok(Exit::Ok)
}

fn show(made: &CreatedToken, session: &Session) -> CliResult<()> {
    if session.output.format() == Format::Table {
        session.output.text(made.token.0.expose())?;
        let token = &made.metadata;
        let until =
            token.expires_at.map_or_else(|| "until it is revoked".to_owned(), |at| format!("until {at}"));
        session
            .output
            .note(&format!("token {} (\"{}\"), role {}, works {until}", token.id, token.name, token.role));
    } else {
        session.output.data(made, |_| properties([]))?;
    }
    Ok(())
}
