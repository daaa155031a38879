//! Keys that a command gets.

use std::collections::BTreeMap;

use strongroom_client::wire::credential::{Credential, ListCredentials, RevealedCredential};
use strongroom_client::{ClientError, ErrorKind};
use strongroom_model::ProblemKind;
use strongroom_model::provider::KNOWN;

use super::RunOptions;
use crate::cli::exit::CliResult;
use crate::cli::provider_name::warn_if_misspelt;
use crate::cli::resolve;
use crate::cli::session::Session;

/// Reads what was asked for; without a word about it, one key per provider.
pub(super) async fn read(options: &RunOptions, session: &Session) -> CliResult<Vec<RevealedCredential>> {
    let mut keys = Vec::new();
    for name in &options.credentials {
        keys.push(resolve::revealed(&session.client, name, options.user_id).await?);
    }
    warn_if_misspelt(&options.providers, &session.output);
    for provider in &options.providers {
        keys.push(session.client.reveal_provider_credential(provider, options.user_id).await?);
    }
    if options.credentials.is_empty() && options.providers.is_empty() {
        keys = every_provider(options.user_id, session).await?;
    }
    Ok(without_repeats(keys))
}

/// A key that was asked for by name and by provider is set once.
fn without_repeats(keys: Vec<RevealedCredential>) -> Vec<RevealedCredential> {
    let mut kept: Vec<RevealedCredential> = Vec::new();
    for key in keys {
        if !kept.iter().any(|other| other.id == key.id && other.name == key.name) {
            kept.push(key);
        }
    }
    kept
}

async fn every_provider(user_id: Option<i64>, session: &Session) -> CliResult<Vec<RevealedCredential>> {
    let query = ListCredentials { is_active: Some(true), ..ListCredentials::default() };
    let providers = match session.client.all_credentials(query).await {
        Ok(active) => in_order(active),
        // The role `reader` may not list credentials, but may read them.
        Err(error) if error.is_denied() => KNOWN.iter().map(|known| known.name.to_owned()).collect(),
        Err(error) => return Err(error.into()),
    };
    let mut keys = Vec::new();
    for provider in providers {
        match session.client.reveal_provider_credential(&provider, user_id).await {
            Ok(key) => keys.push(key),
            Err(error) if is_passed_over(&error) => {}
            Err(error) if error.kind == ErrorKind::Problem(ProblemKind::LimitReached) => {
                session.output.warn(&format!("no key of {provider} is set: {}", error.message));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(keys)
}

/// Somebody else's key, or one beyond the token's scope, is simply not there for this caller.
fn is_passed_over(error: &ClientError) -> bool {
    error.is_not_found() || error.is_denied()
}

/// The providers, in the order in which the first of each is tried.
fn in_order(active: Vec<Credential>) -> Vec<String> {
    let mut first: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for credential in active {
        let turn = (credential.priority, credential.id);
        let known = first.entry(credential.provider).or_insert(turn);
        *known = turn.min(*known);
    }
    let mut providers: Vec<_> = first.into_iter().collect();
    providers.sort_by_key(|(_, turn)| *turn);
    providers.into_iter().map(|(provider, _)| provider).collect()
}
