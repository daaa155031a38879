//! In-memory cache of tokens, limits and decrypted credentials, which forgets by subject.
//!
//! A change moves a counter in the database, and a log there names what was changed. Every use of the cache rests on a
//! [`Snapshot`] of that counter that is less than a second old; when the counter has moved, the subjects of the changes are
//! forgotten, and everything when not all of them are known. Changes that this process made itself are noticed at once.
//!
//! A row that is read is of the snapshot that it was read by, or of a later moment. It is kept, and used by holders of an older
//! snapshot, only if its subject was not changed between the two: a read that is overtaken by a change fills nothing.

mod active_credential;
mod canary_share;
mod known_token;
mod limits;
mod provider_rows;
mod recent_changes;
mod versions_in_use;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use foldhash::{HashMap, HashMapExt};
use futures::future::{BoxFuture, WeakShared};
use futures::{FutureExt, TryFutureExt};
use strongroom_model::limit::{Limit, LimitScope};
use strongroom_model::{Millis, Problem, ProblemKind, Provider, UserId};
use strongroom_store::Session;
use strongroom_store::change::{self, Changes, Subject};

pub(crate) use active_credential::ActiveCredential;
pub(crate) use known_token::KnownToken;
pub(crate) use recent_changes::ChangedCounters;

use crate::custody::Custody;
use crate::database_timeout::with_timeout;
use active_credential::{Listed, Named, Reading, Wanted};
use recent_changes::RecentChanges;
use versions_in_use::VersionsInUse;

/// How long a snapshot is used before the counter is read again.
const FRESH: Duration = Duration::from_millis(900);
/// Entries of one kind: when there are so many, all of that kind are read again.
const MAX_ENTRIES: usize = 16_384;

/// An instant by the database's clock, and the value of the change counter that was seen last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) now: Millis,
    pub(crate) generation: i64,
}

#[derive(Debug)]
struct Known {
    generation: i64,
    /// When it was first seen: the counter is not lower for those who ask later.
    generation_seen: Instant,
    recent: RecentChanges,
    checked: Option<Instant>,
    /// Changes that this process had made when it looked.
    changes_made: u64,
    clock: Option<(Millis, Instant)>,
    tokens: HashMap<String, Arc<KnownToken>>,
    limits: HashMap<LimitScope, Arc<Vec<Limit>>>,
    active: HashMap<(Provider, Option<UserId>), Listed>,
    /// Those that scopes name, of providers that have more than that.
    scoped: HashMap<Wanted, Listed>,
    named: HashMap<String, Named>,
    without_rows: HashMap<(Provider, Option<UserId>), bool>,
    /// Providers outside the list of known ones: whether a credential of it is or was there.
    stored: HashMap<Provider, bool>,
}

impl Known {
    /// Tells whether what is known of a subject is the same as at this snapshot.
    fn holds_at(&self, generation: i64, subject: &Subject) -> bool {
        generation == self.generation
            || (generation < self.generation && self.recent.is_unchanged(subject, generation))
    }

    /// Takes in what was changed up to now.
    fn learn(&mut self, changes: Changes, started: Instant) {
        if changes.value == self.generation
            || (changes.value < self.generation && started < self.generation_seen)
        {
            return;
        }
        // What comes first in the log is in here already when another one asked at the same time.
        match changes.log.filter(|_| (changes.since..changes.value).contains(&self.generation)) {
            Some(log) => {
                let newer = log.into_iter().filter(|change| change.value > self.generation);
                for change in newer.collect::<Vec<_>>() {
                    self.forget(&change.subject);
                    self.recent.remember(change);
                }
            }
            None => {
                self.forget_all();
                self.recent.forget(changes.value);
            }
        }
        (self.generation, self.generation_seen) = (changes.value, Instant::now());
    }

    fn forget(&mut self, subject: &Subject) {
        match subject {
            Subject::Scope(scope) => {
                self.limits.remove(scope);
                match scope {
                    LimitScope::Token(id) => drop(self.tokens.remove(id)),
                    LimitScope::User(user) => self.tokens.retain(|_, known| known.token.user != Some(*user)),
                    LimitScope::Credential(uid) => self.named.retain(|_, named| named.uid() != *uid),
                }
            }
            Subject::Provider(provider) => {
                self.active.retain(|(of, _), _| of != provider);
                self.scoped.retain(|wanted, _| !wanted.is_of(provider));
                self.without_rows.retain(|(of, _), _| of != provider);
                self.stored.remove(provider);
            }
            // Only its counters: its scope is in the log beside it.
            Subject::Limit(_) => {}
        }
    }

    fn forget_all(&mut self) {
        self.tokens.clear();
        self.limits.clear();
        self.active.clear();
        self.scoped.clear();
        self.named.clear();
        self.without_rows.clear();
        self.stored.clear();
    }
}

/// The cache of one process.
#[derive(Debug)]
pub(crate) struct Cache {
    custody: Arc<Custody>,
    known: Mutex<Known>,
    /// A look that is under way, for as long as somebody waits for it.
    looking: Mutex<Option<WeakShared<Looking>>>,
    /// Reads of credentials that are under way, by the generation that they are of.
    readings: Mutex<HashMap<(Wanted, i64), WeakShared<Reading>>>,
    /// How many were begun.
    #[cfg(test)]
    lists_read: std::sync::atomic::AtomicUsize,
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
                generation_seen: Instant::now(),
                recent: RecentChanges::default(),
                checked: None,
                changes_made: 0,
                clock: None,
                tokens: HashMap::new(),
                limits: HashMap::new(),
                active: HashMap::new(),
                scoped: HashMap::new(),
                named: HashMap::new(),
                without_rows: HashMap::new(),
                stored: HashMap::new(),
            }),
            looking: Mutex::new(None),
            readings: Mutex::new(HashMap::new()),
            #[cfg(test)]
            lists_read: std::sync::atomic::AtomicUsize::new(0),
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

    /// Everything known, if what is known of this subject holds at the snapshot.
    fn at(&self, snapshot: Snapshot, subject: impl FnOnce() -> Subject) -> Option<MutexGuard<'_, Known>> {
        let is_of = |known: &MutexGuard<'_, Known>| {
            known.generation == snapshot.generation || known.holds_at(snapshot.generation, &subject())
        };
        Some(self.known()).filter(is_of)
    }

    /// Tells whether nothing was changed of these subjects since this snapshot was taken, as far as this process has heard.
    pub(crate) fn are_unchanged(&self, subjects: &[Subject], since: Snapshot) -> bool {
        let known = self.known();
        subjects.iter().all(|subject| known.holds_at(since.generation, subject))
    }

    /// The counters that changes since this generation are about.
    pub(crate) fn counters_changed_since(&self, generation: i64) -> ChangedCounters {
        let known = self.known();
        // Beyond ours: another database is in its place.
        match generation > known.generation {
            true => ChangedCounters::All,
            false => known.recent.counters_since(generation),
        }
    }

    /// Takes a snapshot in an open session, and forgets what was changed.
    pub(crate) async fn snapshot_in(&self, session: &mut Session) -> Result<Snapshot, Problem> {
        let (started, changes_made) = (Instant::now(), self.custody.store.changes_made());
        let since = self.known().generation;
        let changes = change::since(session, since).await?;
        let found = Snapshot { now: session.now().await?, generation: changes.value };
        let mut known = self.known();
        known.learn(changes, started);
        if known.checked.is_none_or(|checked| checked <= started) {
            known.checked = Some(started);
            known.changes_made = changes_made;
            known.clock = Some((found.now, started));
        }
        Ok(found)
    }

    /// Has the next use read the change counter, however fresh the snapshot is.
    pub(crate) fn invalidate(&self) {
        self.known().checked = None;
    }

    /// Keeps what was read by a snapshot, unless its subject was changed meanwhile.
    fn keep<T>(&self, generation: i64, subject: &Subject, keep: impl FnOnce(&mut Known) -> T) {
        let mut known = self.known();
        if known.holds_at(generation, subject) {
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
        let started = Instant::now();
        let mut session = self.custody.store.read().await?;
        Ok((self.snapshot_in(&mut session).await?, started))
    }
}

/// Makes room for one more entry.
fn make_room<K, V>(entries: &mut HashMap<K, V>) {
    if entries.len() >= MAX_ENTRIES {
        entries.clear();
    }
}

#[cfg(test)]
mod tests;
