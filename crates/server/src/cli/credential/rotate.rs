//! `strongroom credential rotate`: a new key, made by the provider or by hand, step by step.

use clap::Args;
use strongroom_client::wire::version::StageVersion;
use strongroom_model::provider;

use super::show_details;
use super::versions::warn_of_same_key;
use crate::cli::completion::names;
use crate::cli::exit::{CliResult, Exit};
use crate::cli::resolve;
use crate::cli::secret_input::{SecretOptions, prompt_api_key};
use crate::cli::session::Session;

/// Options of `credential rotate`.
#[derive(Debug, Args)]
pub(in crate::cli) struct RotateOptions {
    /// Its name or id
    #[arg(add = names::credentials())]
    name: String,

    #[command(flatten)]
    secrets: SecretOptions,

    /// Do not ask the provider about the new key first
    #[arg(long)]
    no_test: bool,
}

pub(super) async fn run(options: RotateOptions, session: &Session) -> CliResult {
    let credential = resolve::credential(&session.client, &options.name).await?;
    let is_given = options.secrets.api_key(&session.output)?;
    if credential.rotate_with.is_some() && is_given.is_none() {
        let rotated = session.client.rotate_credential(credential.id, Some(credential.revision)).await?;
        show_details(&rotated, session).await?;
        session.output.note(&format!(
            "version {} has a key that the provider has just made; strongroom revokes the old one if it was made in the same way",
            rotated.version
        ));
        return Ok(Exit::Ok);
    }
    let page = provider::find(&credential.provider).map_or("the provider's console", |known| known.keys_page);
    session.output.note(&format!("1. make a new key: {page}"));
    let api_key = match is_given {
        Some(api_key) => api_key,
        None => prompt_api_key("", &session.output)?,
    };
    let body = StageVersion { api_key, api_secret: options.secrets.api_secret(&session.output)? };
    let staged = session.client.stage_version(credential.id, &body, Some(credential.revision)).await?;
    let number = staged.staged.as_ref().map_or(0, |staged| staged.version);
    warn_of_same_key(session, &staged, number).await;
    session.output.note(&format!("2. it is staged as version {number}; the provider is asked about it"));
    let promoted =
        session.client.promote_version(credential.id, options.no_test, Some(staged.revision)).await;
    let promoted = match promoted {
        Ok(promoted) => promoted,
        Err(error) => {
            session.output.note(&format!(
                "nothing has changed: `strongroom credential abort {0}` takes the new key back, `strongroom credential \
                 promote {0}` tries again",
                credential.name
            ));
            return Err(error.into());
        }
    };
    show_details(&promoted, session).await?;
    session.output.note(&format!(
        "3. when `strongroom credential versions {}` shows version {} as retired, and no other that has the same key, \
         revoke the old key: {page}",
        credential.name, credential.version
    ));
    Ok(Exit::Ok)
}
