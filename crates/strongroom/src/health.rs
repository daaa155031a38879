//! The health of credentials, as this server has seen it: what providers said of their keys, and when to ask again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use strongroom_connectors::ai::{ProbeOutcome, probe};
use strongroom_model::{Actor, CredentialId, Millis, Problem, Uid};
use strongroom_store::credential;

use crate::Strongroom;
use crate::call::Ailment;

/// What ails a credential, and until when it is tried last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Illness {
    /// What the provider's answer means.
    pub ailment: Ailment,
    /// Since when.
    pub since: Millis,
    /// Until then others are tried before it.
    pub until: Millis,
    /// How often in a row.
    pub times: u32,
}

/// A credential and what ails it.
#[derive(Debug, Clone)]
pub struct CredentialHealth {
    /// The credential.
    pub id: CredentialId,
    /// Its name.
    pub name: String,
    /// Its provider.
    pub provider: String,
    /// What ails it; `None` when nothing is known.
    pub illness: Option<Illness>,
}

/// Credentials that were refused. What a new version brings is another matter, so it is known by its version.
#[derive(Debug, Default)]
pub(crate) struct Health(Mutex<HashMap<(Uid, Uid), Illness>>);

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;

/// Milliseconds to stay away after the nth refusal in a row, when the provider does not say.
fn cool_down(ailment: Ailment, times: u32) -> i64 {
    let doubled = |first: i64, most: i64| (first << times.min(16).saturating_sub(1)).min(most);
    match ailment {
        Ailment::BadKey => 5 * MINUTE,
        Ailment::EmptyAccount => 10 * MINUTE,
        Ailment::RateLimited => doubled(2 * SECOND, MINUTE),
        Ailment::ProviderDown => doubled(SECOND, MINUTE / 2),
    }
}

impl Health {
    fn known(&self) -> MutexGuard<'_, HashMap<(Uid, Uid), Illness>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A provider refused it. `retry_after` is what the provider says, in milliseconds.
    pub(crate) fn refused(&self, which: (Uid, Uid), ailment: Ailment, retry_after: Option<i64>, now: Millis) {
        let mut known = self.known();
        let before = known.get(&which).filter(|before| before.ailment == ailment);
        let times = before.map_or(0, |before| before.times).saturating_add(1);
        let since = before.map_or(now, |before| before.since);
        let away =
            retry_after.filter(|_| ailment == Ailment::RateLimited).unwrap_or(cool_down(ailment, times));
        let until = Millis(now.0 + away.clamp(0, 60 * MINUTE));
        known.insert(which, Illness { ailment, since, until, times });
    }

    /// It served a call.
    pub(crate) fn served(&self, which: (Uid, Uid)) {
        let mut known = self.known();
        if !known.is_empty() {
            known.remove(&which);
        }
    }

    pub(crate) fn of(&self, which: (Uid, Uid)) -> Option<Illness> {
        self.known().get(&which).copied()
    }

    /// Whether others are tried before it.
    pub(crate) fn is_ill(&self, which: (Uid, Uid), now: Millis) -> bool {
        let known = self.known();
        !known.is_empty() && known.get(&which).is_some_and(|illness| now < illness.until)
    }

    fn due(&self, now: Millis) -> Vec<(Uid, Uid)> {
        let is_lasting =
            |illness: &Illness| matches!(illness.ailment, Ailment::BadKey | Ailment::EmptyAccount);
        let known = self.known();
        known.iter().filter(|(_, it)| is_lasting(it) && it.until <= now).map(|(which, _)| *which).collect()
    }

    fn counts(&self, now: Millis) -> [(Ailment, u64); 4] {
        let known = self.known();
        Ailment::ALL.map(|ailment| {
            let ill = known.values().filter(|it| it.ailment == ailment && now < it.until);
            (ailment, ill.count() as u64)
        })
    }
}

impl Strongroom {
    /// All credentials with their health, as this server has seen it.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn health(&self) -> Result<Vec<CredentialHealth>, Problem> {
        let credentials = self.credentials(Actor::system()).list_credentials().await?;
        Ok(credentials
            .into_iter()
            .map(|credential| CredentialHealth {
                illness: self.0.health.of((credential.uid, credential.version)),
                id: credential.id,
                name: credential.name,
                provider: credential.provider.to_string(),
            })
            .collect())
    }

    /// How many credentials suffer from what, for metrics.
    #[must_use]
    pub fn health_counts(&self) -> [(Ailment, u64); 4] {
        self.0.health.counts(self.0.cache.fresh_snapshot().map_or(Millis(0), |snapshot| snapshot.now))
    }

    /// Asks providers again about keys that they refused, once their time away is over: with a call that spends nothing.
    /// Tells how many it asked about.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn recheck_health(&self) -> Result<usize, Problem> {
        if self.0.health.known().is_empty() {
            return Ok(0);
        }
        let now = self.0.cache.snapshot().await?.now;
        let due = self.0.health.due(now);
        if due.is_empty() {
            return Ok(0);
        }
        let client = self.0.guard.client()?;
        for which in &due {
            let (credential, version) = *which;
            let found = {
                let mut session = self.0.custody.store.read().await?;
                let found = credential::get_by_uid(&mut session, credential, now).await?;
                match found.filter(|found| found.version == version) {
                    Some(found) => {
                        Some((self.0.custody.values_of_version(&mut session, version).await?, found))
                    }
                    None => None,
                }
            };
            let opened = found.and_then(|(values, found)| {
                Some((self.0.custody.open_all(&found, values).ok()?.api_key?, found))
            });
            let Some((key, found)) = opened else {
                // Gone, replaced or broken: there is nothing to ask about.
                self.0.health.served(*which);
                continue;
            };
            let report = probe(&client, &found.provider, found.endpoint.as_deref(), &key).await;
            match report.outcome {
                ProbeOutcome::Ok | ProbeOutcome::RateLimited => {
                    tracing::info!(credential = %found.name, "the provider accepts this key again");
                    self.0.health.served(*which);
                }
                ProbeOutcome::BadKey => self.0.health.refused(*which, Ailment::BadKey, None, now),
                ProbeOutcome::EmptyAccount => self.0.health.refused(*which, Ailment::EmptyAccount, None, now),
                ProbeOutcome::Unreachable | ProbeOutcome::Unexpected => {
                    self.0.health.refused(*which, Ailment::ProviderDown, None, now);
                }
            }
        }
        Ok(due.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ill_credential_is_away_for_longer_each_time_until_it_serves() {
        let (health, which) = (Health::default(), (Uid::from_bytes([1; 16]), Uid::from_bytes([2; 16])));
        assert!(!health.is_ill(which, Millis(0)));
        health.refused(which, Ailment::RateLimited, None, Millis(0));
        assert!(health.is_ill(which, Millis(1999)) && !health.is_ill(which, Millis(2000)));
        health.refused(which, Ailment::RateLimited, None, Millis(3000));
        assert!(health.is_ill(which, Millis(6999)) && !health.is_ill(which, Millis(7000)));
        health.refused(which, Ailment::RateLimited, Some(30_000), Millis(8000));
        assert!(health.is_ill(which, Millis(37_999)), "the provider's word counts");
        let illness = health.of(which).unwrap();
        assert_eq!((illness.since, illness.times), (Millis(0), 3));
        health.served(which);
        assert_eq!(health.of(which), None);
        for times in 0..100 {
            assert!((1..=10 * MINUTE).contains(&cool_down(Ailment::RateLimited, times)));
        }
    }
}
