//! `strongroom credential add`

use clap::Args;
use strongroom_client::wire::SecretText;
use strongroom_client::wire::credential::CreateCredential;

use strongroom_client::{ClientError, ErrorKind};
use strongroom_model::provider::Dialect;
use strongroom_model::{ProblemKind, Provider};

use super::show_details;
use super::versions::warn_of_same_key;
use crate::cli::completion::names;
use crate::cli::exit::{CliError, CliResult, Exit};
use crate::cli::expiry::ExpiryOptions;
use crate::cli::output::Output;
use crate::cli::provider_name::warn_if_misspelt;
use crate::cli::secret_input::{SecretOptions, prompt_api_key, warn_of_another_provider};
use crate::cli::session::Session;
use crate::cli::tag::tag;

/// Options of `credential add`.
#[derive(Debug, Args)]
pub(in crate::cli) struct AddOptions {
    /// Its name: letters, digits, '.', '_' and '-'
    name: String,

    /// The provider: openai, anthropic, gemini, openrouter, groq, xai, deepseek, together, perplexity, mistral, cohere, or any other name with --endpoint
    #[arg(long, short, add = names::providers())]
    provider: String,

    #[command(flatten)]
    secrets: SecretOptions,

    /// Store no key yet
    #[arg(long, conflicts_with_all = ["api_key", "api_key_file", "api_key_stdin"])]
    no_api_key: bool,

    /// The base URL to call instead of the provider's own
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,

    /// Lower numbers are tried first. Default: the provider's
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    priority: Option<i64>,

    /// Uses allowed each month. Default: no limit
    #[arg(long, value_name = "N")]
    rate_limit: Option<i64>,

    /// The user that it belongs to. Default: every user
    #[arg(long, value_name = "ID", add = names::user_ids())]
    user_id: Option<i64>,

    /// Book its uses to this: project=search; can be repeated
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = tag)]
    tags: Vec<(String, String)>,

    /// Store it, but do not use it yet
    #[arg(long)]
    inactive: bool,

    #[command(flatten)]
    expiry: ExpiryOptions,

    /// Remind of a new key after this many days
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(i64).range(1..=3660))]
    rotate_after_days: Option<i64>,

    /// A text of your own: sent again with the same one, the credential is made only once
    #[arg(long, value_name = "TEXT")]
    idempotency_key: Option<String>,

    /// The secrets, once they are read.
    #[arg(skip)]
    read: (Option<SecretText>, Option<SecretText>),
}

impl AddOptions {
    /// Reads and checks the secrets, before anything is made to store them in.
    pub(in crate::cli) fn read_secrets(&mut self, output: &Output) -> CliResult<()> {
        let api_key = match self.secrets.api_key(output)? {
            None if !self.no_api_key => {
                Some(prompt_api_key(", or make the credential with --no-api-key", output)?)
            }
            api_key => api_key,
        };
        warn_if_misspelt([&self.provider], output);
        if let Some(key) = &api_key {
            warn_of_another_provider(&key.0, &self.provider, output);
        }
        self.read = (api_key, self.secrets.api_secret(output)?);
        Ok(())
    }
}

pub(super) async fn run(options: AddOptions, session: &Session) -> CliResult {
    let (api_key, api_secret) = options.read;
    let body = CreateCredential {
        name: Some(options.name),
        provider: Some(options.provider),
        api_key,
        api_secret,
        endpoint: options.endpoint,
        priority: options.priority,
        is_active: options.inactive.then_some(false),
        is_global: None,
        user_id: options.user_id,
        rate_limit: options.rate_limit,
        expires_at: options.expiry.instant(),
        rotate_after_days: options.rotate_after_days,
        tags: options.tags.into_iter().collect(),
    };
    let made = session.client.create_credential(&body, options.idempotency_key.as_deref()).await;
    let made = made.map_err(|error| of_a_taken_name(error, body.name.as_deref().unwrap_or_default()))?;
    show_details(&made, session).await?;
    if body.api_key.is_some() {
        warn_of_same_key(session, &made, made.version).await;
    }
    let speaks_openai = Provider::stored(made.provider.clone()).api().dialect == Dialect::OpenAi;
    if speaks_openai && made.endpoint.as_deref().is_some_and(has_no_path) {
        session.output.note(&format!(
            "the endpoint has no path, and most servers of OpenAI's format want /v1 at its end: \
             `strongroom credential test {} --live` tells",
            made.name
        ));
    }
    Ok(Exit::Ok)
}

/// The error, with the name that is taken and the way to give that credential another key.
fn of_a_taken_name(error: ClientError, name: &str) -> CliError {
    let is_name = error.problem.as_ref().is_some_and(|problem| problem.field.as_deref() == Some("name"));
    if is_name && error.kind == ErrorKind::Problem(ProblemKind::Conflict) {
        return CliError::new(Exit::Conflict, format!("a credential \"{name}\" is already there"))
            .hint(format!("`strongroom credential rotate {name}` gives it another key"))
            .hint("for a credential beside it choose another name");
    }
    error.into()
}

fn has_no_path(endpoint: &str) -> bool {
    endpoint.split_once("://").is_some_and(|(_, rest)| !rest.trim_end_matches('/').contains('/'))
}
