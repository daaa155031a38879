//! The health of credentials, as this server has seen it: what providers said of their keys, and when to ask again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use strongroom_connectors::ai::gateway::FailureReason;
use strongroom_connectors::ai::{ProbeOutcome, probe};
use strongroom_crypto::random;
use strongroom_model::credential::Credential;
use strongroom_model::{CredentialId, Millis, Problem, Uid};
use strongroom_store::credential_health::{HealthRow, Transition};
use strongroom_store::{credential, credential_health};

use crate::cache::Cache;
use crate::cooldown::Cooldowns;
use crate::credential::CredentialService;
use crate::custody::Custody;
use crate::settings::Settings;

pub use crate::cooldown::Cooldown;
pub use strongroom_store::credential_health::SeenTransition;

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

/// What is known against credentials: on this server, and where it knows nothing, on others.
#[derive(Debug, Clone, Default)]
pub struct KnownHealth(BTreeMap<(Uid, Uid), Cooldown>);

impl KnownHealth {
    /// What is known against the version of a credential that is in use.
    #[must_use]
    pub fn of(&self, credential: &Credential) -> Option<Cooldown> {
        self.0.get(&(credential.uid, credential.version)).copied()
    }
}

/// What is known against credentials now.
///
/// # Errors
/// [`Problem`].
pub(crate) async fn known(custody: &Custody, cooldowns: &Cooldowns) -> Result<KnownHealth, Problem> {
    let mut known = seen_by_others(custody).await?;
    known.extend(cooldowns.all());
    Ok(KnownHealth(known))
}

/// All credentials with their health, as this server has seen it; where it knows nothing, as another one has.
///
/// # Errors
/// [`Problem`].
pub(crate) async fn list(
    credentials: &CredentialService,
    cooldowns: &Cooldowns,
) -> Result<Vec<CredentialHealth>, Problem> {
    let known = known(&credentials.custody, cooldowns).await?;
    let credentials = credentials.list_credentials().await?;
    Ok(credentials
        .into_iter()
        .map(|credential| CredentialHealth {
            cooldown: known.of(&credential),
            id: credential.id,
            name: credential.name,
            provider: credential.provider.to_string(),
        })
        .collect())
}

/// Changes that are told at the most.
const MAX_CHANGES: i64 = 500;

impl CredentialService {
    /// What became of a credential's health since an instant, as each server has seen it, the newest change first.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn health_changes(
        &self,
        credential: Uid,
        from: Millis,
    ) -> Result<Vec<SeenTransition>, Problem> {
        let mut session = self.custody.store.read().await?;
        Ok(credential_health::list_transitions(&mut session, credential, from, MAX_CHANGES).await?)
    }
}

/// How the database calls that nothing is known against a credential.
const HEALTHY: &str = "healthy";
/// Changes of health are kept for so long, in milliseconds.
const KEPT_MS: i64 = 400 * 86_400_000;

/// Writes down what this server knows against credentials, and what became of it since the last time, if there is a difference.
///
/// # Errors
/// [`Problem`]; it is tried again with the next.
pub(crate) async fn write_down(custody: &Custody, cooldowns: &Cooldowns) -> Result<(), Problem> {
    let (known, before) = (cooldowns.by_credential(), cooldowns.written().clone());
    if known == before {
        return Ok(());
    }
    let mut tx = custody.store.write().await?;
    let now = tx.now().await?;
    let rows: Vec<_> = known
        .iter()
        .map(|(credential, (version, cooldown))| HealthRow {
            credential: *credential,
            version: *version,
            state: cooldown.reason.as_str(),
            since: cooldown.since,
            until: cooldown.until,
            times: cooldown.times,
        })
        .collect();
    let transitions = transitions(&before, &known, now);
    credential_health::replace(&mut tx, custody.node, &rows).await?;
    credential_health::add_transitions(&mut tx, custody.node, &transitions).await?;
    tx.commit().await?;
    *cooldowns.written() = known;
    Ok(())
}

/// The changes from one look to the next: what comes and goes between two is none.
fn transitions(
    before: &BTreeMap<Uid, (Uid, Cooldown)>,
    now_known: &BTreeMap<Uid, (Uid, Cooldown)>,
    now: Millis,
) -> Vec<Transition> {
    let credentials: BTreeSet<_> = before.keys().chain(now_known.keys()).collect();
    let state = |side: &BTreeMap<Uid, (Uid, Cooldown)>, credential: &Uid| {
        side.get(credential).map_or(HEALTHY, |(_, cooldown)| cooldown.reason.as_str())
    };
    let change = |credential: &Uid| {
        let (was, is) = (state(before, credential), state(now_known, credential));
        let (version, _) = now_known.get(credential).or_else(|| before.get(credential))?;
        let (uid, version) = (random::uid_at(now), *version);
        (was != is).then_some(Transition {
            uid,
            credential: *credential,
            version,
            at: now,
            before: was,
            state: is,
        })
    };
    credentials.into_iter().filter_map(change).collect()
}

/// Deletes changes of health that were kept for long enough, and what servers knew that are gone.
///
/// # Errors
/// [`Problem`].
pub(crate) async fn retire(custody: &Custody) -> Result<(), Problem> {
    let mut tx = custody.store.write().await?;
    let now = tx.now().await?;
    credential_health::delete(&mut tx, Millis(now.0 - KEPT_MS), now).await?;
    Ok(tx.commit().await?)
}

/// What other servers know against versions of credentials: of each the latest.
async fn seen_by_others(custody: &Custody) -> Result<BTreeMap<(Uid, Uid), Cooldown>, Problem> {
    let mut session = custody.store.read().await?;
    let own = custody.node.to_string();
    let mut seen: BTreeMap<(Uid, Uid), Cooldown> = BTreeMap::new();
    for row in credential_health::list(&mut session).await?.into_iter().filter(|row| row.node_uid != own) {
        let reason = FailureReason::ALL.into_iter().find(|reason| reason.as_str() == row.state);
        let (Some(reason), Ok(credential), Ok(version)) =
            (reason, row.credential_uid.parse(), row.version_uid.parse())
        else {
            continue;
        };
        let times = u32::try_from(row.times).unwrap_or(1);
        let cooldown = Cooldown { reason, since: Millis(row.since_ms), until: Millis(row.until_ms), times };
        let is_later = seen.get(&(credential, version)).is_none_or(|other| other.since < cooldown.since);
        if is_later {
            seen.insert((credential, version), cooldown);
        }
    }
    Ok(seen)
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
