//! `strongroom credential stage`

use clap::Args;
use strongroom_client::wire::version::StageVersion;

use super::show_details;
use super::versions::warn_of_same_key;
use crate::cli::completion::names;
use crate::cli::exit::{CliResult, Exit};
use crate::cli::resolve;
use crate::cli::secret_input::{SecretOptions, prompt_api_key};
use crate::cli::session::Session;

/// Options of `credential stage`.
#[derive(Debug, Args)]
pub(in crate::cli) struct StageOptions {
    /// Its name or id
    #[arg(add = names::credentials())]
    name: String,

    #[command(flatten)]
    secrets: SecretOptions,

    /// Only if it still has this revision (see `credential show`)
    #[arg(long, value_name = "REVISION")]
    if_match: Option<i64>,
}

pub(super) async fn run(options: StageOptions, session: &Session) -> CliResult {
    let api_key = match options.secrets.api_key(&session.output)? {
        Some(api_key) => api_key,
        None => prompt_api_key("", &session.output)?,
    };
    let body = StageVersion { api_key, api_secret: options.secrets.api_secret(&session.output)? };
    let credential = resolve::credential(&session.client, &options.name).await?;
    let changed = session.client.stage_version(credential.id, &body, options.if_match).await?;
    show_details(&changed, session).await?;
    if let Some(staged) = &changed.staged {
        warn_of_same_key(session, &changed, staged.version).await;
    }
    session.output.note(&format!(
        "next: `strongroom credential canary {0} --percent 10`, or `strongroom credential promote {0}`",
        changed.name
    ));
    Ok(Exit::Ok)
}
