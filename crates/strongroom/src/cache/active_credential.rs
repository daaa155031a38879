//! Credentials that serve, decrypted: by provider and view for calls, by name for reads.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use futures::future::{BoxFuture, WeakShared};
use futures::{FutureExt, TryFutureExt};
use strongroom_model::credential::Credential;
use strongroom_model::limit::LimitScope;
use strongroom_model::{Millis, Problem, ProblemKind, Provider, Secret, Uid, UserId, month};
use strongroom_store::Session;
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

/// Credentials that may serve.
#[derive(Debug)]
pub(crate) struct Serving {
    pub(crate) credentials: Vec<Arc<ActiveCredential>>,
    /// The provider has more of them.
    pub(crate) has_more: bool,
}

pub(super) type Candidates = Arc<Serving>;

/// Credentials that are looked for, as this user sees them, or without one everybody.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Wanted {
    provider: Provider,
    view: Option<UserId>,
    /// These alone; of none, the first of the provider's.
    named: Vec<Uid>,
}

impl Wanted {
    pub(super) fn is_of(&self, provider: &Provider) -> bool {
        self.provider == *provider
    }

    /// Tells whether a credential is one of the named ones that serve.
    fn is_among(&self, found: &Credential) -> bool {
        let is_seen = match self.view {
            None => found.is_global,
            Some(user) => !found.is_global && found.user == Some(user),
        };
        is_seen && found.provider == self.provider && found.is_active && found.frozen_at.is_none()
    }
}

/// A read of credentials, which all who want the same ones by the same state of the database wait for. Problems are told to
/// each of them.
pub(super) type Reading = BoxFuture<'static, Result<Candidates, (ProblemKind, String)>>;

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

impl Listed {
    fn is_valid(&self) -> bool {
        self.until.is_none_or(|until| Instant::now() < until)
    }
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
    /// tried. One that has no key, or does not open, is left out; that it does not open is reported. Of very many those that come
    /// first; of these, those that a scope names can be found by [`Cache::named_credentials`].
    pub(crate) async fn active_credentials(
        self: &Arc<Self>,
        provider: &Provider,
        view: Option<UserId>,
        snapshot: Snapshot,
    ) -> Result<Candidates, Problem> {
        let place = (provider.clone(), view);
        if let Some(known) = self.at(snapshot, || Subject::Provider(provider.clone()))
            && let Some(listed) = known.active.get(&place)
            && listed.is_valid()
        {
            return Ok(Arc::clone(&listed.active));
        }
        let (provider, view) = place;
        // Boxed: calls seldom come here, and all of them would carry the room for it.
        Box::pin(self.read_together(Wanted { provider, view, named: Vec::new() }, snapshot)).await
    }

    /// The same of those credentials alone: of a provider that has more than calls are spread over.
    pub(crate) async fn named_credentials(
        self: &Arc<Self>,
        provider: &Provider,
        view: Option<UserId>,
        named: &[Uid],
        snapshot: Snapshot,
    ) -> Result<Candidates, Problem> {
        let wanted = Wanted { provider: provider.clone(), view, named: named.to_vec() };
        match self.listed(&wanted, snapshot) {
            Some(found) => Ok(found),
            None => Box::pin(self.read_together(wanted, snapshot)).await,
        }
    }

    fn listed(&self, wanted: &Wanted, snapshot: Snapshot) -> Option<Candidates> {
        let known = self.at(snapshot, || Subject::Provider(wanted.provider.clone()))?;
        let listed = if wanted.named.is_empty() {
            known.active.get(&(wanted.provider.clone(), wanted.view))
        } else {
            known.scoped.get(wanted)
        };
        listed.filter(|listed| listed.is_valid()).map(|listed| Arc::clone(&listed.active))
    }

    /// Reads, together with all others who want the same: after a change every call does, and each would decrypt all of them.
    async fn read_together(
        self: &Arc<Self>,
        wanted: Wanted,
        snapshot: Snapshot,
    ) -> Result<Candidates, Problem> {
        let reading = {
            let mut readings = self.readings.lock().unwrap_or_else(PoisonError::into_inner);
            let key = (wanted, snapshot.generation);
            // Whoever has read it meanwhile has kept it before the reading was over.
            let under_way = readings.get(&key).and_then(WeakShared::upgrade);
            match under_way.filter(|reading| reading.peek().is_none()) {
                Some(reading) => reading,
                None => {
                    if let Some(found) = self.listed(&key.0, snapshot) {
                        return Ok(found);
                    }
                    let (cache, wanted) = (Arc::clone(self), key.0.clone());
                    let reading = async move {
                        with_timeout(Box::pin(cache.find_active_credentials(wanted, snapshot))).await
                    };
                    let told = reading.map_err(|problem| (problem.kind, problem.message));
                    let reading = told.boxed().shared();
                    readings.retain(|_, other| other.upgrade().is_some_and(|other| other.peek().is_none()));
                    readings.extend(reading.downgrade().map(|reading| (key, reading)));
                    reading
                }
            }
        };
        reading.await.map_err(|(kind, message)| Problem::new(kind, message))
    }

    /// The next page of those that are wanted.
    async fn page_of(
        &self,
        session: &mut Session,
        wanted: &Wanted,
        after: ChoicePlace,
        snapshot: Snapshot,
    ) -> Result<Vec<Credential>, Problem> {
        let Wanted { provider, view, named } = wanted;
        if named.is_empty() {
            return Ok(
                credential::list_of_provider(session, provider, *view, after, PAGE, snapshot.now).await?
            );
        }
        let mut page = Vec::new();
        for uid in named {
            let found = credential::get_by_uid(session, *uid, snapshot.now).await?;
            page.extend(found.filter(|found| wanted.is_among(found)));
        }
        page.sort_by_key(|found| (found.priority, found.id));
        Ok(page)
    }

    async fn find_active_credentials(
        self: Arc<Self>,
        wanted: Wanted,
        snapshot: Snapshot,
    ) -> Result<Candidates, Problem> {
        #[cfg(test)]
        self.lists_read.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let (mut active, mut is_whole, mut has_more) = (Vec::new(), true, false);
        let mut after = ChoicePlace::FIRST;
        loop {
            let page = {
                let mut session = self.custody.store.read().await?;
                let mut page = Vec::new();
                for found in self.page_of(&mut session, &wanted, after, snapshot).await? {
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
            let is_last = !wanted.named.is_empty() || (page.len() as i64) < PAGE;
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
            has_more = !is_last;
            if is_last || active.len() >= MAX_CREDENTIALS_PER_PROVIDER {
                break;
            }
        }
        let active = Arc::new(Serving { credentials: active, has_more });
        let until = (!is_whole).then(|| Instant::now() + BROKEN_REREAD_AFTER);
        let listed = Listed { active: Arc::clone(&active), until };
        let subject = Subject::Provider(wanted.provider.clone());
        self.keep(snapshot.generation, &subject, |known| {
            if wanted.named.is_empty() {
                make_room(&mut known.active);
                known.active.insert((wanted.provider, wanted.view), listed);
            } else {
                make_room(&mut known.scoped);
                known.scoped.insert(wanted, listed);
            }
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
