//! `strongroom credential update`

use clap::Args;
use strongroom_client::wire::credential::{RotateWith, UpdateCredential};

use strongroom_model::{Clock, Millis};

use super::details;
use crate::cli::duration::parse_seconds;
use crate::cli::exit::{CliError, CliResult, Exit};
use crate::cli::resolve;
use crate::cli::secret_input::SecretOptions;
use crate::cli::session::Session;

/// Options of `credential update`. What is not given stays as it is.
#[derive(Debug, Args)]
pub(in crate::cli) struct UpdateOptions {
    /// Its name or id
    credential: String,

    /// A new name
    #[arg(long, value_name = "NEW-NAME")]
    name: Option<String>,

    /// Another provider; the key is sealed anew for it
    #[arg(long, short)]
    provider: Option<String>,

    #[command(flatten)]
    secrets: SecretOptions,

    /// Take the second secret away
    #[arg(long, conflicts_with_all = ["api_secret", "api_secret_file", "api_secret_stdin"])]
    no_api_secret: bool,

    /// A base URL in place of the provider's own
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,

    /// Back to the provider's own base URL
    #[arg(long, conflicts_with = "endpoint")]
    no_endpoint: bool,

    /// Lower is tried first
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    priority: Option<i64>,

    /// Uses allowed each month
    #[arg(long, value_name = "N")]
    rate_limit: Option<i64>,

    /// No monthly limit any more
    #[arg(long, conflicts_with = "rate_limit")]
    no_rate_limit: bool,

    /// From when on it is not handed out, such as 2027-01-31T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = Millis::parse, conflicts_with = "expires_in")]
    expires_at: Option<Millis>,

    /// How long it is handed out, such as 90d
    #[arg(long, value_name = "DURATION", value_parser = parse_seconds)]
    expires_in: Option<i64>,

    /// No end any more
    #[arg(long, conflicts_with_all = ["expires_at", "expires_in"])]
    no_expiry: bool,

    /// Be reminded to replace the key when it has been in use for so many days
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(i64).range(1..=3660))]
    rotate_after_days: Option<i64>,

    /// No such reminder any more
    #[arg(long, conflicts_with = "rotate_after_days")]
    no_rotation: bool,

    /// Have new keys made with the key of this credential: OpenRouter's provisioning key, or OpenAI's admin key
    #[arg(long, value_name = "NAME")]
    rotate_with: Option<String>,

    /// OpenAI's project in which they are made
    #[arg(long, value_name = "ID", requires = "rotate_with")]
    rotate_project: Option<String>,

    /// Make new keys by hand
    #[arg(long, conflicts_with = "rotate_with")]
    no_rotate_with: bool,

    /// Hand it out
    #[arg(long)]
    activate: bool,

    /// Hand it out no more
    #[arg(long, conflicts_with = "activate")]
    deactivate: bool,

    /// Make it this user's own
    #[arg(long, value_name = "ID")]
    user_id: Option<i64>,

    /// Make it everybody's
    #[arg(long, conflicts_with = "user_id")]
    global: bool,

    /// Only when it still has this revision (see `credential show`)
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
    session.output.data(&changed, details)?;
    Ok(Exit::Ok)
}

fn changes(options: &UpdateOptions, session: &Session) -> CliResult<UpdateCredential> {
    let api_secret = options.secrets.api_secret(&session.output)?.map(Some);
    let in_seconds = |seconds| Clock::default().local_now().plus_seconds(seconds);
    let expires_at = options.expires_at.or_else(|| options.expires_in.map(in_seconds));
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
        expires_at: if options.no_expiry { Some(None) } else { expires_at.map(Some) },
        rotate_after_days: if options.no_rotation { Some(None) } else { options.rotate_after_days.map(Some) },
        rotate_with: None,
    })
}
