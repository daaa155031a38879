//! Credentials that serve, decrypted: by provider and view for calls, by name for reads.

use std::sync::Arc;
use std::time::{Duration, Instant};

use strongroom_model::credential::Credential;
use strongroom_model::limit::LimitScope;
use strongroom_model::{Millis, Problem, Provider, Secret, Uid, UserId, month};
use strongroom_store::change::Subject;
use strongroom_store::credential::{self, ChoicePlace};
use strongroom_store::value::SealedValue;

use super::canary_share::Canary;
use super::{Cache, FRESH, Snapshot, make_room};
use crate::database_timeout::with_timeout;

/// Credentials of one provider that calls are spread over, at the most.
const MAX_CREDENTIALS_PER_PROVIDER: usize = 512;
const PAGE: i64 = 64;
/// Credentials by name before those that were not asked for within the last second are forgotten.
const MAX_CREDENTIALS_BY_NAME: usize = 1024;
/// A list that a credential was left out of is read again after this long.
const BROKEN_REREAD_AFTER: Duration = Duration::from_secs(60);

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

fn credential_subject(uid: Uid) -> Subject {
    Subject::Scope(LimitScope::Credential(uid))
}

pub(super) type Candidates = Arc<Vec<Arc<ActiveCredential>>>;

impl Named {
    pub(super) fn uid(&self) -> Uid {
        self.active.credential.uid
    }
}

/// A provider's credentials that serve.
#[derive(Debug)]
pub(super) struct Listed {
    active: Candidates,
    /// Until when it is not read again although one was left out: that its row is put right is in no log.
    until: Option<Instant>,
}

impl Cache {
    /// The credential of this name with its key open, if it was read within the last second: it has its usage with it.
    pub(crate) fn credential_by_name(&self, name: &str, snapshot: Snapshot) -> Option<Arc<ActiveCredential>> {
        let known = self.known();
        let named = known.named.get(name)?;
        let is_fresh = known.holds_at(snapshot.generation, &credential_subject(named.uid()))
            && named.month == month::start(snapshot.now)
            && named.read_at.elapsed() < FRESH;
        is_fresh.then(|| Arc::clone(&named.active))
    }

    /// Keeps a credential for [`Cache::credential_by_name`].
    pub(crate) fn keep_named(&self, active: Arc<ActiveCredential>, snapshot: Snapshot) {
        let subject = credential_subject(active.credential.uid);
        self.keep(snapshot.generation, &subject, |known| {
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
        if let Some(known) = self.at(snapshot, || Subject::Provider(provider.clone()))
            && let Some(listed) = known.active.get(&place)
            && listed.until.is_none_or(|until| Instant::now() < until)
        {
            return Ok(Arc::clone(&listed.active));
        }
        Box::pin(with_timeout(self.find_active_credentials(place, snapshot))).await
    }

    async fn find_active_credentials(
        &self,
        place: (Provider, Option<UserId>),
        snapshot: Snapshot,
    ) -> Result<Candidates, Problem> {
        let (provider, view) = &place;
        let (mut active, mut is_whole) = (Vec::new(), true);
        let mut after = ChoicePlace::FIRST;
        loop {
            let page = {
                let mut session = self.custody.store.read().await?;
                let mut page = Vec::new();
                for found in
                    credential::list_of_provider(&mut session, provider, *view, after, PAGE, snapshot.now)
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
            after = ChoicePlace::of(last);
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
                        tracing::error!(%problem, "left a credential out of the gateway's selection");
                        is_whole = false;
                    }
                }
            }
            if is_last || active.len() >= MAX_CREDENTIALS_PER_PROVIDER {
                break;
            }
        }
        let active = Arc::new(active);
        let until = (!is_whole).then(|| Instant::now() + BROKEN_REREAD_AFTER);
        let listed = Listed { active: Arc::clone(&active), until };
        let subject = Subject::Provider(place.0.clone());
        self.keep(snapshot.generation, &subject, |known| {
            make_room(&mut known.active);
            known.active.insert(place, listed)
        });
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
                tracing::error!(%problem, "left a staged version out of the gateway's selection");
                None
            }
        }
    }
}
