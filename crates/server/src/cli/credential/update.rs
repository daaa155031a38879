//! `strongroom credential update`

use clap::Args;
use strongroom_client::wire::credential::{RotateWith, UpdateCredential};

use super::show_details;
use super::versions::warn_of_same_key;
use crate::cli::completion::names;
use crate::cli::exit::{CliError, CliResult, Exit};
use crate::cli::expiry::ExpiryOptions;
use crate::cli::resolve;
use crate::cli::secret_input::SecretOptions;
use crate::cli::session::Session;
use crate::cli::tag::tag;

/// Options of `credential update`. What is not given stays as it is.
#[derive(Debug, Args)]
pub(in crate::cli) struct UpdateOptions {
    /// Its name or id
    #[arg(add = names::credentials())]
    credential: String,

    /// A new name
    #[arg(long, value_name = "NEW-NAME")]
    name: Option<String>,

    /// Another provider; the key is sealed again for it
    #[arg(long, short, add = names::providers())]
    provider: Option<String>,

    #[command(flatten)]
    secrets: SecretOptions,

    /// Remove the second secret
    #[arg(long, conflicts_with_all = ["api_secret", "api_secret_file", "api_secret_stdin"])]
    no_api_secret: bool,

    /// The base URL to call instead of the provider's own
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,

    /// Call the provider's own base URL again
    #[arg(long, conflicts_with = "endpoint")]
    no_endpoint: bool,

    /// Lower numbers are tried first
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    priority: Option<i64>,

    /// Uses allowed each month
    #[arg(long, value_name = "N")]
    rate_limit: Option<i64>,

    /// Remove the monthly limit
    #[arg(long, conflicts_with = "rate_limit")]
    no_rate_limit: bool,

    #[command(flatten)]
    expiry: ExpiryOptions,

    /// Remove the expiry
    #[arg(long, conflicts_with_all = ["expires", "expires_at", "expires_in"])]
    no_expiry: bool,

    /// Remind of a new key after this many days
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(i64).range(1..=3660))]
    rotate_after_days: Option<i64>,

    /// Remove that reminder
    #[arg(long, conflicts_with = "rotate_after_days")]
    no_rotation: bool,

    /// Have the provider make new keys with this credential: OpenRouter's provisioning key, or OpenAI's admin key
    #[arg(long, value_name = "NAME", add = names::credentials())]
    rotate_with: Option<String>,

    /// The OpenAI project in which they are made
    #[arg(long, value_name = "ID", requires = "rotate_with")]
    rotate_project: Option<String>,

    /// Do not have new keys made
    #[arg(long, conflicts_with = "rotate_with")]
    no_rotate_with: bool,

    /// Book its uses to this, in place of all that it was booked to: project=search; can be repeated
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = tag)]
    tags: Vec<(String, String)>,

    /// Book its uses to nothing
    #[arg(long, conflicts_with = "tags")]
    no_tags: bool,

    /// Allow its use
    #[arg(long)]
    activate: bool,

    /// Stop its use, and keep it
    #[arg(long, conflicts_with = "activate")]
    deactivate: bool,

    /// Make it available to this user only
    #[arg(long, value_name = "ID", add = names::user_ids())]
    user_id: Option<i64>,

    /// Make it available to every user
    #[arg(long, conflicts_with = "user_id")]
    global: bool,

    /// Only if it still has this revision (see `credential show`)
    #[arg(long, value_name = "REVISION")]
    if_match: Option<i64>,
}

pub(super) async fn run(options: UpdateOptions, session: &Session) -> CliResult {
    let mut body = changes(&options, session)?;
    if options.no_rotate_with {
        body.rotate_with = Some(None);
    } else if let Some(name) = &options.rotate_with {
        let with = resolve::credential(&session.client, name).await?;
        let project = options.rotate_project.clone();
        body.rotate_with = Some(Some(RotateWith { credential_id: with.id, project }));
    }
    if serde_json::to_value(&body).is_ok_and(|body| body == serde_json::json!({})) {
        return Err(CliError::usage("nothing to change was given")
            .hint("`strongroom credential update --help` lists what can be changed"));
    }
    let credential = resolve::credential(&session.client, &options.credential).await?;
    let changed = session.client.update_credential(credential.id, &body, options.if_match).await?;
    show_details(&changed, session).await?;
    if body.api_key.is_some() {
        warn_of_same_key(session, &changed, changed.version).await;
    }
    Ok(Exit::Ok)
}

fn changes(options: &UpdateOptions, session: &Session) -> CliResult<UpdateCredential> {
    let api_secret = options.secrets.api_secret(&session.output)?.map(Some);
    Ok(UpdateCredential {
        name: options.name.clone(),
        provider: options.provider.clone(),
        api_key: options.secrets.api_key(&session.output)?,
        api_secret: if options.no_api_secret { Some(None) } else { api_secret },
        endpoint: if options.no_endpoint { Some(None) } else { options.endpoint.clone().map(Some) },
        priority: options.priority,
        is_active: (options.activate || options.deactivate).then_some(options.activate),
        is_global: if options.global { Some(true) } else { options.user_id.map(|_| false) },
        user_id: if options.global { Some(None) } else { options.user_id.map(Some) },
        rate_limit: if options.no_rate_limit { Some(None) } else { options.rate_limit.map(Some) },
        expires_at: if options.no_expiry { Some(None) } else { options.expiry.instant().map(Some) },
        rotate_after_days: if options.no_rotation { Some(None) } else { options.rotate_after_days.map(Some) },
        rotate_with: None,
        tags: (options.no_tags || !options.tags.is_empty()).then(|| options.tags.iter().cloned().collect()),
    })
}
