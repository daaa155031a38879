//! The health of credentials, as this server has seen it: what providers said of their keys, and when to ask again.

use std::sync::Arc;

use strongroom_connectors::ai::gateway::FailureReason;
use strongroom_connectors::ai::{ProbeOutcome, probe};
use strongroom_model::{CredentialId, Problem};
use strongroom_store::credential;

use crate::cache::Cache;
use crate::cooldown::Cooldowns;
use crate::credential::CredentialService;
use crate::custody::Custody;
use crate::settings::Settings;

pub use crate::cooldown::Cooldown;

/// A credential and its cooldown.
#[derive(Debug, Clone)]
pub struct CredentialHealth {
    /// The credential.
    pub id: CredentialId,
    /// Its name.
    pub name: String,
    /// Its provider.
    pub provider: String,
    /// Its cooldown; `None` when nothing is known against it.
    pub cooldown: Option<Cooldown>,
}

/// All credentials with their health, as this server has seen it.
///
/// # Errors
/// [`Problem`].
pub(crate) async fn list(
    credentials: &CredentialService,
    cooldowns: &Cooldowns,
) -> Result<Vec<CredentialHealth>, Problem> {
    let credentials = credentials.list_credentials().await?;
    Ok(credentials
        .into_iter()
        .map(|credential| CredentialHealth {
            cooldown: cooldowns.of((credential.uid, credential.version)),
            id: credential.id,
            name: credential.name,
            provider: credential.provider.to_string(),
        })
        .collect())
}

/// Asks providers again about keys that they refused, once their time away is over: with a call that spends nothing.
/// Tells how many it asked about.
///
/// # Errors
/// [`Problem`].
pub(crate) async fn recheck(
    custody: &Custody,
    cache: &Arc<Cache>,
    settings: &Settings,
    cooldowns: &Cooldowns,
) -> Result<usize, Problem> {
    if cooldowns.are_none() {
        return Ok(0);
    }
    let now = cache.snapshot().await?.now;
    let due = cooldowns.due(now);
    if due.is_empty() {
        return Ok(0);
    }
    let client = settings.guard.client()?;
    for which in &due {
        let (credential, version) = *which;
        let found = {
            let mut session = custody.store.read().await?;
            let found = credential::get_by_uid(&mut session, credential, now).await?;
            match found.filter(|found| found.version == version) {
                Some(found) => Some((custody.values_of_version(&mut session, version).await?, found)),
                None => None,
            }
        };
        let opened =
            found.and_then(|(values, found)| Some((custody.open_all(&found, values).ok()?.api_key?, found)));
        let Some((key, found)) = opened else {
            // Gone, replaced or broken: there is nothing to ask about.
            cooldowns.served(*which);
            continue;
        };
        let report = probe(&client, &found.provider, found.endpoint.as_deref(), &key).await;
        match report.outcome {
            ProbeOutcome::Ok | ProbeOutcome::RateLimited => {
                tracing::info!(credential = %found.name, "the provider accepts this key again");
                cooldowns.served(*which);
            }
            ProbeOutcome::BadKey => cooldowns.refused(*which, FailureReason::BadKey, None, now),
            ProbeOutcome::EmptyAccount => cooldowns.refused(*which, FailureReason::EmptyAccount, None, now),
            ProbeOutcome::Unreachable | ProbeOutcome::Unexpected => {
                cooldowns.refused(*which, FailureReason::ProviderDown, None, now);
            }
        }
    }
    Ok(due.len())
}
