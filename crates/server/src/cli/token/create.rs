//! `strongroom token create`

use clap::Args;
use strongroom_client::wire::token::{CreateToken, CreatedToken, TokenScope};

use crate::cli::completion::names;
use crate::cli::exit::{CliResult, Exit};
use crate::cli::expiry::ExpiryOptions;
use crate::cli::output::{Format, properties};
use crate::cli::provider_name::warn_if_misspelt;
use crate::cli::resolve;
use crate::cli::role::RoleName;
use crate::cli::session::Session;
use crate::cli::tag::tag;

/// Options of `token create`.
#[derive(Debug, Args)]
pub(in crate::cli) struct CreateOptions {
    /// Its name, for people
    name: String,

    /// The role
    #[arg(long, value_enum)]
    role: RoleName,

    #[command(flatten)]
    expiry: ExpiryOptions,

    /// Allow only this credential; can be repeated
    #[arg(long = "credential", value_name = "NAME", add = names::credentials())]
    credentials: Vec<String>,

    /// Allow only this provider; can be repeated
    #[arg(long = "provider", value_name = "PROVIDER", add = names::providers())]
    providers: Vec<String>,

    /// Allow only this model, or with * at the end all that begin so: gpt-4o-mini, openai/gpt-4o*; can be repeated
    #[arg(long = "model", value_name = "MODEL")]
    models: Vec<String>,

    /// Book its calls to this: project=search; can be repeated
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = tag)]
    tags: Vec<(String, String)>,

    /// The user it acts for
    #[arg(long, value_name = "ID", add = names::user_ids())]
    user_id: Option<i64>,
}

pub(super) async fn run(options: CreateOptions, session: &Session) -> CliResult {
    warn_if_misspelt(&options.providers, &session.output);
    let CreateOptions { credentials, providers, models, .. } = options;
    let narrowed = !(credentials.is_empty() && providers.is_empty() && models.is_empty());
    let scope = TokenScope { credentials, providers, models };
    let body = CreateToken {
        name: options.name,
        role: options.role.as_str().to_owned(),
        expires_at: options.expiry.instant(),
        lease_seconds: None,
        scope: narrowed.then_some(scope),
        tags: options.tags.into_iter().collect(),
        user_id: options.user_id,
        limits: Vec::new(),
    };
    let made = match session.client.create_token(&body).await {
        Ok(made) => made,
        Err(error) => return Err(resolve::of_scope(body.scope.as_ref(), error, &session.client).await),
    };
    if let Err(error) = show(&made, session) {
        // It was not shown and cannot be shown again: it must not stay valid.
        let id = &made.metadata.id;
        let mend = match session.client.revoke_token(id).await {
            Ok(_) => format!("the token {id} was made, could not be shown, and is revoked again"),
            Err(_) => {
                format!("the token {id} was made and could not be shown: `strongroom token revoke {id}`")
            }
        };
        return Err(error.hint(mend));
    }
    session.output.note("it is not shown again and is stored nowhere: keep it in a secret store");
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
