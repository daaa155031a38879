//! What this process knows by heart: tokens, limits and opened credentials, as long as the change counter stands still.
//!
//! A change of any of them moves a counter in the database. Whoever uses what is known here has looked at that counter
//! within the last second, or looks now; when it has moved, everything is forgotten. Changes that this process made itself
//! are noticed at once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use foldhash::{HashMap, HashMapExt};
use futures::future::{BoxFuture, WeakShared};
use futures::{FutureExt, TryFutureExt};
use strongroom_crypto::authority::{self, AuthorityMac};
use strongroom_model::credential::Credential;
use strongroom_model::limit::{Limit, LimitScope};
use strongroom_model::token::Token;
use strongroom_model::{Millis, Problem, ProblemKind, Provider, Secret, UserId, month};
use strongroom_store::value::SealedValue;
use strongroom_store::{Session, change, credential, limit};

use crate::Strongroom;
use crate::canary::Canary;
use crate::patience::within;

/// How long what is known is taken to be so without a look.
const FRESH: Duration = Duration::from_millis(900);
/// Credentials of one provider that calls are spread over, at the most.
const MOST_SERVED: usize = 512;
const PAGE: i64 = 64;
/// Names that may be providers' before they are looked up again: callers make them up.
const MOST_NAMES: usize = 1024;
/// Credentials by name before those that were not asked for within the last second are forgotten.
const MOST_NAMED: usize = 1024;

/// An instant by the database's clock, and the value of the change counter that was seen last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) now: Millis,
    pub(crate) generation: i64,
}

/// A token, checked against its MACs.
#[derive(Debug)]
pub(crate) struct KnownToken {
    pub(crate) token: Token,
    pub(crate) hash: AuthorityMac,
    /// Whether the row says what we wrote, and the user behind it is there and active.
    pub(crate) is_good: bool,
    /// When it was read.
    read_at: Millis,
}

/// Milliseconds for which a token that has lapsed is not looked at again.
const LAPSED: i64 = 500;

impl KnownToken {
    /// Whether somebody may have prolonged it since it was read.
    fn may_go_on(&self, now: Millis) -> bool {
        self.token.has_lapsed(now) && self.read_at.0 + LAPSED <= now.0
    }
}

/// A credential with its key open.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) credential: Credential,
    pub(crate) api_key: Secret,
    pub(crate) api_secret: Option<Secret>,
    /// The staged version that takes a share of the gateway's calls.
    pub(crate) canary: Option<Canary>,
}

/// A credential that was read by its name, with its usage.
#[derive(Debug)]
struct Named {
    served: Arc<Served>,
    read_at: Instant,
    /// Its usage is divided at the start of this month.
    month: Millis,
}

type Candidates = Arc<Vec<Arc<Served>>>;

#[derive(Debug)]
struct Known {
    generation: i64,
    checked: Option<Instant>,
    /// Changes that this process had made when it looked.
    changes_made: u64,
    clock: Option<(Millis, Instant)>,
    tokens: HashMap<String, Arc<KnownToken>>,
    limits: HashMap<LimitScope, Arc<Vec<Limit>>>,
    served: HashMap<(Provider, Option<UserId>), Candidates>,
    named: HashMap<String, Named>,
    without_rows: HashMap<(Provider, Option<UserId>), bool>,
    /// Providers outside the list of known ones: whether a credential of it is or was there.
    stored: HashMap<Provider, bool>,
}

/// What is known.
#[derive(Debug)]
pub(crate) struct Catalog {
    known: Mutex<Known>,
    /// A look that is under way, for as long as somebody waits for it.
    looking: Mutex<Option<WeakShared<Looking>>>,
}

/// What was found, and when it was asked for. Problems are told to all who wait.
type Looking = BoxFuture<'static, Result<(Moment, Instant), (ProblemKind, String)>>;

impl Default for Catalog {
    fn default() -> Self {
        Self {
            known: Mutex::new(Known {
                generation: -1,
                checked: None,
                changes_made: 0,
                clock: None,
                tokens: HashMap::new(),
                limits: HashMap::new(),
                served: HashMap::new(),
                named: HashMap::new(),
                without_rows: HashMap::new(),
                stored: HashMap::new(),
            }),
            looking: Mutex::new(None),
        }
    }
}

impl Catalog {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known, when it is of the same generation.
    fn at(&self, moment: Moment) -> Option<MutexGuard<'_, Known>> {
        Some(self.known()).filter(|known| known.generation == moment.generation)
    }

    /// Notes what a look at the database found that started at `started`, when this process had made so many changes.
    pub(crate) fn observe(&self, found: Moment, started: Instant, changes_made: u64) {
        let mut known = self.known();
        if known.checked.is_some_and(|checked| started < checked) {
            return;
        }
        if known.generation != found.generation {
            known.generation = found.generation;
            known.tokens.clear();
            known.limits.clear();
            known.served.clear();
            known.named.clear();
            known.without_rows.clear();
            known.stored.clear();
        }
        known.checked = Some(started);
        known.changes_made = changes_made;
        known.clock = Some((found.now, started));
    }

    /// The credential of this name with its key open, if it was read within the last second: it has its usage with it.
    pub(crate) fn served_by_name(&self, name: &str, moment: Moment) -> Option<Arc<Served>> {
        let known = self.known();
        let named = known.named.get(name)?;
        let is_fresh = known.generation == moment.generation
            && named.month == month::start(moment.now)
            && named.read_at.elapsed() < FRESH;
        is_fresh.then(|| Arc::clone(&named.served))
    }

    /// Keeps a credential for [`Catalog::served_by_name`].
    pub(crate) fn keep_named(&self, served: Arc<Served>, moment: Moment) {
        self.keep(moment.generation, |known| {
            if known.named.len() >= MOST_NAMED {
                known.named.retain(|_, named| named.read_at.elapsed() < FRESH);
            }
            let (name, month) = (served.credential.name.clone(), month::start(moment.now));
            known.named.insert(name, Named { served, read_at: Instant::now(), month })
        });
    }

    /// Has the next one look, whatever is known.
    pub(crate) fn doubt(&self) {
        self.known().checked = None;
    }

    fn keep<T>(&self, generation: i64, keep: impl FnOnce(&mut Known) -> T) {
        let mut known = self.known();
        if known.generation == generation {
            keep(&mut known);
        }
    }
}

impl Strongroom {
    /// The moment, if it was looked at within the last second.
    pub(crate) fn fresh_moment(&self) -> Option<Moment> {
        let known = self.0.catalog.known();
        let checked = known.checked?;
        if checked.elapsed() > FRESH || known.changes_made != self.0.custody.store.changes_made() {
            return None;
        }
        let now = self.0.custody.store.now_without_asking().or_else(|| {
            let (then, at) = known.clock?;
            Some(Millis(then.0 + i64::try_from(at.elapsed().as_millis()).unwrap_or(i64::MAX)))
        })?;
        Some(Moment { now, generation: known.generation })
    }

    /// The moment; the database is asked when it was not within the last second.
    pub(crate) async fn moment(&self) -> Result<Moment, Problem> {
        match self.fresh_moment() {
            Some(moment) => Ok(moment),
            // Boxed: calls seldom come here, and all of them would carry the room for it.
            None => Box::pin(self.look()).await,
        }
    }

    /// Looks, together with all others who have to: one of them asks the database, and all hear what it heard.
    async fn look(&self) -> Result<Moment, Problem> {
        let since = Instant::now();
        loop {
            let looking = {
                let mut last = self.0.catalog.looking.lock().unwrap_or_else(PoisonError::into_inner);
                let under_way = last.as_ref().and_then(WeakShared::upgrade);
                match under_way.filter(|looking| looking.peek().is_none()) {
                    Some(looking) => looking,
                    None => {
                        let room = self.clone();
                        let looking = async move { within(room.ask_for_the_moment()).await };
                        let told = looking.map_err(|problem| (problem.kind, problem.message));
                        let looking = told.boxed().shared();
                        *last = looking.downgrade();
                        looking
                    }
                }
            };
            let (found, asked) = looking.await.map_err(|(kind, message)| Problem::new(kind, message))?;
            // One that others had begun before may not have seen what this process has changed since.
            if asked >= since {
                return Ok(found);
            }
            if let Some(moment) = self.fresh_moment() {
                return Ok(moment);
            }
        }
    }

    async fn ask_for_the_moment(&self) -> Result<(Moment, Instant), Problem> {
        let (started, changes_made) = (Instant::now(), self.0.custody.store.changes_made());
        let mut session = self.0.custody.store.read().await?;
        let generation = change::current(&mut session).await?;
        let found = Moment { now: session.now().await?, generation };
        self.0.catalog.observe(found, started, changes_made);
        Ok((found, started))
    }

    /// The token with this public id; `None` when there is none.
    pub(crate) async fn known_token(
        &self,
        id: &str,
        moment: Moment,
    ) -> Result<Option<Arc<KnownToken>>, Problem> {
        let known = self.0.catalog.at(moment).and_then(|known| known.tokens.get(id).cloned());
        if let Some(known) = known.filter(|known| !known.may_go_on(moment.now)) {
            return Ok(Some(known));
        }
        Box::pin(within(self.find_token(id, moment))).await
    }

    async fn find_token(&self, id: &str, moment: Moment) -> Result<Option<Arc<KnownToken>>, Problem> {
        let mut session = self.0.custody.store.read().await?;
        let Some(stored) = strongroom_store::token::get(&mut session, id).await? else { return Ok(None) };
        let hash = AuthorityMac { key_id: stored.hash_key_id, mac: stored.hash };
        let mac = AuthorityMac { key_id: stored.mac_key_id, mac: stored.mac };
        let mut is_good = authority::token_verifies(&self.0.custody.keyring(), &stored.token, &hash, &mac);
        if !is_good {
            self.0.custody.counters.integrity_failures.add_one();
            tracing::error!(token = %stored.token.id, "the row of this token was changed outside strongroom");
        }
        if let (Some(user), true) = (stored.token.user, is_good) {
            let owner = strongroom_store::user::get(&mut session, user).await?;
            let owner = owner.map(|owner| self.verified_user(owner)).transpose()?;
            is_good = owner.is_some_and(|owner| owner.is_active);
        }
        let known = Arc::new(KnownToken { token: stored.token, hash, is_good, read_at: moment.now });
        let kept = Arc::clone(&known);
        self.0.catalog.keep(moment.generation, |known| known.tokens.insert(id.to_owned(), kept));
        Ok(Some(known))
    }

    /// The limits of a scope, as of this generation.
    pub(crate) async fn limits_of(
        &self,
        scope: &LimitScope,
        generation: i64,
    ) -> Result<Arc<Vec<Limit>>, Problem> {
        match self.known_limits_of(scope, generation) {
            Some(limits) => Ok(limits),
            None => {
                let looking = async {
                    self.limits_in(&mut self.0.custody.store.read().await?, scope, generation).await
                };
                Box::pin(within(looking)).await
            }
        }
    }

    /// The limits of a scope, as of this generation, looked for in an open session.
    pub(crate) async fn limits_in(
        &self,
        session: &mut Session,
        scope: &LimitScope,
        generation: i64,
    ) -> Result<Arc<Vec<Limit>>, Problem> {
        if let Some(limits) = self.known_limits_of(scope, generation) {
            return Ok(limits);
        }
        let limits = Arc::new(limit::list_of_scope(session, scope, generation).await?);
        let kept = Arc::clone(&limits);
        self.0.catalog.keep(generation, |known| known.limits.insert(scope.clone(), kept));
        Ok(limits)
    }

    /// The limits of a scope, if they are known already.
    pub(crate) fn known_limits_of(&self, scope: &LimitScope, generation: i64) -> Option<Arc<Vec<Limit>>> {
        let known = self.0.catalog.known();
        (known.generation == generation).then(|| known.limits.get(scope).cloned()).flatten()
    }

    /// The active credentials of a provider that this user sees, or without one everybody, in the order in which they are
    /// tried. One that has no key, or does not open, is left out; that it does not open is reported.
    pub(crate) async fn served(
        &self,
        provider: &Provider,
        view: Option<UserId>,
        moment: Moment,
    ) -> Result<Candidates, Problem> {
        let place = (provider.clone(), view);
        if let Some(served) = self.0.catalog.at(moment).and_then(|known| known.served.get(&place).cloned()) {
            return Ok(served);
        }
        Box::pin(within(self.find_served(place, moment))).await
    }

    async fn find_served(
        &self,
        place: (Provider, Option<UserId>),
        moment: Moment,
    ) -> Result<Candidates, Problem> {
        let (provider, view) = &place;
        let mut served = Vec::new();
        let mut after = credential::FIRST;
        loop {
            let page = {
                let mut session = self.0.custody.store.read().await?;
                let mut page = Vec::new();
                for found in
                    credential::list_of_provider(&mut session, provider, *view, (after, PAGE), moment.now)
                        .await?
                {
                    let values = self.0.custody.values_of_version(&mut session, found.version).await?;
                    let staged = match found.staged.filter(|staged| staged.percent > 0) {
                        Some(staged) => {
                            self.0.custody.values_of_version(&mut session, staged.version).await?
                        }
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
                match self.0.custody.open_all(&found, values) {
                    Ok(opened) => {
                        let Some(api_key) = opened.api_key else { continue };
                        let api_secret = opened.api_secret;
                        let canary = self.canary_of(&found, staged).await;
                        let one = Arc::new(Served { credential: found, api_key, api_secret, canary });
                        self.0.drains.watch(&one);
                        one.canary.iter().for_each(|canary| self.0.drains.watch(&canary.served));
                        served.push(one);
                    }
                    Err(fault) => {
                        let system = strongroom_model::Actor::system();
                        let problem = self.0.custody.report_broken(&system, &found, fault).await;
                        tracing::error!(%problem, "a credential is left out");
                    }
                }
            }
            if is_last || served.len() >= MOST_SERVED {
                break;
            }
        }
        let served = Arc::new(served);
        let kept = Arc::clone(&served);
        self.0.catalog.keep(moment.generation, |known| known.served.insert(place, kept));
        Ok(served)
    }

    /// The staged version that takes a share of the calls, opened. One that does not open is reported and takes none.
    async fn canary_of(&self, found: &Credential, values: Vec<SealedValue>) -> Option<Canary> {
        let staged = found.staged.filter(|staged| staged.percent > 0)?;
        match self.0.custody.open_all(found, values) {
            Ok(opened) => {
                let credential =
                    Credential { version: staged.version, version_number: staged.number, ..found.clone() };
                let (api_key, api_secret) = (opened.api_key?, opened.api_secret);
                Some(Canary::new(Served { credential, api_key, api_secret, canary: None }, staged.percent))
            }
            Err(fault) => {
                let problem =
                    self.0.custody.report_broken(&strongroom_model::Actor::system(), found, fault).await;
                tracing::error!(%problem, "a staged version is left out");
                None
            }
        }
    }

    /// Whether the database has no row at all for a provider, alive or not, that is global or this user's.
    pub(crate) async fn has_no_rows(
        &self,
        provider: &Provider,
        view: Option<UserId>,
        moment: Moment,
    ) -> Result<bool, Problem> {
        let place = (provider.clone(), view);
        let known = self.0.catalog.at(moment).and_then(|known| known.without_rows.get(&place).copied());
        if let Some(known) = known {
            return Ok(known);
        }
        let asking = async {
            let mut session = self.0.custody.store.read().await?;
            Ok(!credential::provider_has_rows(&mut session, provider, view).await?)
        };
        let has_none = within(asking).await?;
        self.0.catalog.keep(moment.generation, |known| known.without_rows.insert(place, has_none));
        Ok(has_none)
    }

    /// Tells whether a credential of this provider is or was there, whosever it is.
    pub(crate) async fn was_stored(&self, provider: &Provider, moment: Moment) -> Result<bool, Problem> {
        let known = self.0.catalog.at(moment).and_then(|known| known.stored.get(provider).copied());
        if let Some(known) = known {
            return Ok(known);
        }
        let asking = async {
            let mut session = self.0.custody.store.read().await?;
            Ok(credential::provider_was_stored(&mut session, provider).await?)
        };
        let was_stored = within(asking).await?;
        self.0.catalog.keep(moment.generation, |known| {
            if known.stored.len() >= MOST_NAMES {
                known.stored.clear();
            }
            known.stored.insert(provider.clone(), was_stored);
        });
        Ok(was_stored)
    }
}
