//! In-memory cache of tokens, limits and decrypted credentials, valid for one generation of the change counter.
//!
//! A change of any of them moves a counter in the database. Every use of the cache rests on a [`Snapshot`] of that counter
//! that is less than a second old; when the counter has moved, everything is forgotten. Changes that this process made
//! itself are noticed at once.

mod active_credential;
mod canary_share;
mod known_token;
mod limits;
mod provider_rows;
mod versions_in_use;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use foldhash::{HashMap, HashMapExt};
use futures::future::{BoxFuture, WeakShared};
use futures::{FutureExt, TryFutureExt};
use strongroom_model::limit::{Limit, LimitScope};
use strongroom_model::{Millis, Problem, ProblemKind, Provider, UserId};
use strongroom_store::change;

pub(crate) use active_credential::ActiveCredential;
pub(crate) use known_token::KnownToken;

use crate::custody::Custody;
use crate::database_timeout::with_timeout;
use active_credential::{Candidates, Named};
use versions_in_use::VersionsInUse;

/// How long a snapshot is used before the counter is read again.
const FRESH: Duration = Duration::from_millis(900);

/// An instant by the database's clock, and the value of the change counter that was seen last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) now: Millis,
    pub(crate) generation: i64,
}

#[derive(Debug)]
struct Known {
    generation: i64,
    checked: Option<Instant>,
    /// Changes that this process had made when it looked.
    changes_made: u64,
    clock: Option<(Millis, Instant)>,
    tokens: HashMap<String, Arc<KnownToken>>,
    limits: HashMap<LimitScope, Arc<Vec<Limit>>>,
    active: HashMap<(Provider, Option<UserId>), Candidates>,
    named: HashMap<String, Named>,
    without_rows: HashMap<(Provider, Option<UserId>), bool>,
    /// Providers outside the list of known ones: whether a credential of it is or was there.
    stored: HashMap<Provider, bool>,
}

/// The cache of one process.
#[derive(Debug)]
pub(crate) struct Cache {
    custody: Arc<Custody>,
    known: Mutex<Known>,
    /// A look that is under way, for as long as somebody waits for it.
    looking: Mutex<Option<WeakShared<Looking>>>,
    in_use: VersionsInUse,
}

/// A snapshot, and when it was asked for. Problems are told to all who wait.
type Looking = BoxFuture<'static, Result<(Snapshot, Instant), (ProblemKind, String)>>;

impl Cache {
    /// An empty cache over a database.
    pub(crate) fn new(custody: Arc<Custody>) -> Self {
        Self {
            custody,
            known: Mutex::new(Known {
                generation: -1,
                checked: None,
                changes_made: 0,
                clock: None,
                tokens: HashMap::new(),
                limits: HashMap::new(),
                active: HashMap::new(),
                named: HashMap::new(),
                without_rows: HashMap::new(),
                stored: HashMap::new(),
            }),
            looking: Mutex::new(None),
            in_use: VersionsInUse::default(),
        }
    }

    /// Versions that calls on this server hold, decrypted.
    pub(crate) fn versions_in_use(&self) -> &VersionsInUse {
        &self.in_use
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything known, if it is of the same generation.
    fn at(&self, snapshot: Snapshot) -> Option<MutexGuard<'_, Known>> {
        Some(self.known()).filter(|known| known.generation == snapshot.generation)
    }

    /// Notes a snapshot whose reading started at `started`, when this process had made so many changes.
    pub(crate) fn observe(&self, found: Snapshot, started: Instant, changes_made: u64) {
        let mut known = self.known();
        if known.checked.is_some_and(|checked| started < checked) {
            return;
        }
        if known.generation != found.generation {
            known.generation = found.generation;
            known.tokens.clear();
            known.limits.clear();
            known.active.clear();
            known.named.clear();
            known.without_rows.clear();
            known.stored.clear();
        }
        known.checked = Some(started);
        known.changes_made = changes_made;
        known.clock = Some((found.now, started));
    }

    /// Has the next use read the change counter, however fresh the snapshot is.
    pub(crate) fn invalidate(&self) {
        self.known().checked = None;
    }

    fn keep<T>(&self, generation: i64, keep: impl FnOnce(&mut Known) -> T) {
        let mut known = self.known();
        if known.generation == generation {
            keep(&mut known);
        }
    }

    /// The snapshot, if it was taken within the last second.
    pub(crate) fn fresh_snapshot(&self) -> Option<Snapshot> {
        let known = self.known();
        let checked = known.checked?;
        if checked.elapsed() > FRESH || known.changes_made != self.custody.store.changes_made() {
            return None;
        }
        let now = self.custody.store.now_without_asking().or_else(|| {
            let (then, at) = known.clock?;
            Some(Millis(then.0 + i64::try_from(at.elapsed().as_millis()).unwrap_or(i64::MAX)))
        })?;
        Some(Snapshot { now, generation: known.generation })
    }

    /// The snapshot; one is taken when the last one is older than a second.
    pub(crate) async fn snapshot(self: &Arc<Self>) -> Result<Snapshot, Problem> {
        match self.fresh_snapshot() {
            Some(snapshot) => Ok(snapshot),
            // Boxed: calls seldom come here, and all of them would carry the room for it.
            None => Box::pin(self.look()).await,
        }
    }

    /// Looks, together with all others who have to: one of them asks the database, and all hear what it heard.
    async fn look(self: &Arc<Self>) -> Result<Snapshot, Problem> {
        let since = Instant::now();
        loop {
            let looking = {
                let mut last = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
                let under_way = last.as_ref().and_then(WeakShared::upgrade);
                match under_way.filter(|looking| looking.peek().is_none()) {
                    Some(looking) => looking,
                    None => {
                        let cache = Arc::clone(self);
                        let looking = async move { with_timeout(cache.ask_for_snapshot()).await };
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
            if let Some(snapshot) = self.fresh_snapshot() {
                return Ok(snapshot);
            }
        }
    }

    async fn ask_for_snapshot(&self) -> Result<(Snapshot, Instant), Problem> {
        let (started, changes_made) = (Instant::now(), self.custody.store.changes_made());
        let mut session = self.custody.store.read().await?;
        let generation = change::current(&mut session).await?;
        let found = Snapshot { now: session.now().await?, generation };
        self.observe(found, started, changes_made);
        Ok((found, started))
    }
}
