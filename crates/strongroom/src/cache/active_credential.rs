//! Credentials that serve, decrypted: by provider and view for calls, by name for reads.

use std::sync::Arc;
use std::time::Instant;

use strongroom_model::credential::Credential;
use strongroom_model::{Millis, Problem, Provider, Secret, UserId, month};
use strongroom_store::credential;
use strongroom_store::value::SealedValue;

use super::canary_share::Canary;
use super::{Cache, FRESH, Snapshot};
use crate::database_timeout::with_timeout;

/// Credentials of one provider that calls are spread over, at the most.
const MAX_CREDENTIALS_PER_PROVIDER: usize = 512;
const PAGE: i64 = 64;
/// Credentials by name before those that were not asked for within the last second are forgotten.
const MAX_CREDENTIALS_BY_NAME: usize = 1024;

/// A credential with its key open.
#[derive(Debug)]
pub(crate) struct ActiveCredential {
    pub(crate) credential: Credential,
    pub(crate) api_key: Secret,
    pub(crate) api_secret: Option<Secret>,
    /// The staged version that takes a share of the gateway's calls.
    pub(crate) canary: Option<Canary>,
}

/// A credential that was read by its name, with its usage.
#[derive(Debug)]
pub(super) struct Named {
    active: Arc<ActiveCredential>,
    read_at: Instant,
    /// Its usage is divided at the start of this month.
    month: Millis,
}

pub(super) type Candidates = Arc<Vec<Arc<ActiveCredential>>>;

impl Cache {
    /// The credential of this name with its key open, if it was read within the last second: it has its usage with it.
    pub(crate) fn credential_by_name(&self, name: &str, snapshot: Snapshot) -> Option<Arc<ActiveCredential>> {
        let known = self.known();
        let named = known.named.get(name)?;
        let is_fresh = known.generation == snapshot.generation
            && named.month == month::start(snapshot.now)
            && named.read_at.elapsed() < FRESH;
        is_fresh.then(|| Arc::clone(&named.active))
    }

    /// Keeps a credential for [`Cache::credential_by_name`].
    pub(crate) fn keep_named(&self, active: Arc<ActiveCredential>, snapshot: Snapshot) {
        self.keep(snapshot.generation, |known| {
            if known.named.len() >= MAX_CREDENTIALS_BY_NAME {
                known.named.retain(|_, named| named.read_at.elapsed() < FRESH);
            }
            let (name, month) = (active.credential.name.clone(), month::start(snapshot.now));
            known.named.insert(name, Named { active, read_at: Instant::now(), month })
        });
    }

    /// The active credentials of a provider that this user sees, or without one everybody, in the order in which they are
    /// tried. One that has no key, or does not open, is left out; that it does not open is reported.
    pub(crate) async fn active_credentials(
        &self,
        provider: &Provider,
        view: Option<UserId>,
        snapshot: Snapshot,
    ) -> Result<Candidates, Problem> {
        let place = (provider.clone(), view);
        if let Some(active) = self.at(snapshot).and_then(|known| known.active.get(&place).cloned()) {
            return Ok(active);
        }
        Box::pin(with_timeout(self.find_active_credentials(place, snapshot))).await
    }

    async fn find_active_credentials(
        &self,
        place: (Provider, Option<UserId>),
        snapshot: Snapshot,
    ) -> Result<Candidates, Problem> {
        let (provider, view) = &place;
        let mut active = Vec::new();
        let mut after = credential::FIRST;
        loop {
            let page = {
                let mut session = self.custody.store.read().await?;
                let mut page = Vec::new();
                for found in
                    credential::list_of_provider(&mut session, provider, *view, (after, PAGE), snapshot.now)
                        .await?
                {
                    let values = self.custody.values_of_version(&mut session, found.version).await?;
                    let staged = match found.staged.filter(|staged| staged.percent > 0) {
                        Some(staged) => self.custody.values_of_version(&mut session, staged.version).await?,
                        None => Vec::new(),
                    };
                    page.push((found, values, staged));
                }
                page
            };
            let Some((last, ..)) = page.last() else { break };
            after = (last.priority, last.id);
            let is_last = (page.len() as i64) < PAGE;
            for (found, values, staged) in page {
                match self.custody.open_all(&found, values) {
                    Ok(opened) => {
                        let Some(api_key) = opened.api_key else { continue };
                        let api_secret = opened.api_secret;
                        let canary = self.canary_of(&found, staged).await;
                        let one =
                            Arc::new(ActiveCredential { credential: found, api_key, api_secret, canary });
                        self.in_use.watch(&one);
                        one.canary.iter().for_each(|canary| self.in_use.watch(&canary.active));
                        active.push(one);
                    }
                    Err(fault) => {
                        let system = strongroom_model::Actor::system();
                        let problem = self.custody.report_broken(&system, &found, fault).await;
                        tracing::error!(%problem, "a credential is left out");
                    }
                }
            }
            if is_last || active.len() >= MAX_CREDENTIALS_PER_PROVIDER {
                break;
            }
        }
        let active = Arc::new(active);
        let kept = Arc::clone(&active);
        self.keep(snapshot.generation, |known| known.active.insert(place, kept));
        Ok(active)
    }

    /// The staged version that takes a share of the calls, opened. One that does not open is reported and takes none.
    async fn canary_of(&self, found: &Credential, values: Vec<SealedValue>) -> Option<Canary> {
        let staged = found.staged.filter(|staged| staged.percent > 0)?;
        match self.custody.open_all(found, values) {
            Ok(opened) => {
                let credential =
                    Credential { version: staged.version, version_number: staged.number, ..found.clone() };
                let (api_key, api_secret) = (opened.api_key?, opened.api_secret);
                Some(Canary::new(
                    ActiveCredential { credential, api_key, api_secret, canary: None },
                    staged.percent,
                ))
            }
            Err(fault) => {
                let problem =
                    self.custody.report_broken(&strongroom_model::Actor::system(), found, fault).await;
                tracing::error!(%problem, "a staged version is left out");
                None
            }
        }
    }
}
