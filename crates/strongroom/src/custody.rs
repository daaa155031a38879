//! Custody of what is stored: the database, and the keys that open what is sealed in it. Whoever holds this may open secrets.

pub(crate) mod counters;
mod exhausted;
mod failures;
pub(crate) mod keyring;
mod refusals;
mod revoked_uses;
mod row_mac;
pub(crate) mod seal;
pub(crate) mod trail;
pub(crate) mod version_facts;
mod write_health;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use strongroom_crypto::{Keyring, MasterKey};
use strongroom_model::limit::Limit;
use strongroom_model::tag::{SpendTags, TagKeys};
use strongroom_model::{Millis, Problem, Uid};
use strongroom_store::Store;
use strongroom_store::counter::CounterKey;
use tokio::task::JoinSet;

pub use counters::Counters;
use exhausted::Exhausted;
use failures::Failures;
pub(crate) use refusals::Refusals;
use revoked_uses::RevokedUses;
pub(crate) use write_health::WriteHealth;

/// The open database of a process and its keys.
#[derive(Debug)]
pub(crate) struct Custody {
    pub(crate) store: Store,
    /// Replaced as a whole when another key is made.
    keyring: RwLock<Arc<Keyring>>,
    /// The one that new wraps are made under, then the one that it replaces.
    pub(crate) masters: Vec<MasterKey>,
    pub(crate) master_fingerprint: String,
    /// This process, among those that have the database open.
    pub(crate) node: Uid,
    pub(crate) counters: Counters,
    pub(crate) write_health: WriteHealth,
    /// Refusals by limits that are not counted in the database yet.
    pub(crate) refusals: Refusals,
    /// Limits without room, of which people are to be told.
    pub(crate) exhausted: Exhausted,
    /// Revoked tokens that somebody has shown.
    pub(crate) revoked_uses: RevokedUses,
    /// What uses are booked to.
    pub(crate) spend_tags: SpendTags,
    failures: Failures,
    tasks: Mutex<JoinSet<()>>,
}

impl Custody {
    /// Takes over an open database and its keys. `masters` has the one that new wraps are made under first.
    pub(crate) fn new(
        store: Store,
        keyring: Keyring,
        masters: Vec<MasterKey>,
        node: Uid,
        tag_keys: TagKeys,
    ) -> Self {
        let master_fingerprint = masters.first().map_or_else(String::new, MasterKey::fingerprint);
        Self {
            store,
            keyring: RwLock::new(Arc::new(keyring)),
            masters,
            master_fingerprint,
            node,
            counters: Counters::default(),
            write_health: WriteHealth::default(),
            refusals: Refusals::default(),
            exhausted: Exhausted::default(),
            revoked_uses: RevokedUses::default(),
            spend_tags: SpendTags::new(tag_keys),
            failures: Failures::default(),
            tasks: Mutex::default(),
        }
    }

    /// Tasks that run for as long as somebody has custody; they hold it weakly, or end by themselves.
    pub(crate) fn tasks(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a limit had no room for a use. One that is larger than the whole limit says nothing about how much of it is used.
    pub(crate) fn note_refusal(&self, limit: &Limit, key: CounterKey, amount: i64, now: Millis) {
        self.refusals.add(limit, now);
        if amount <= limit.amount || limit.amount == 0 {
            self.exhausted.note(key);
        }
    }

    /// The time by the database's clock.
    pub(crate) async fn now(&self) -> Result<Millis, Problem> {
        Ok(self.store.read().await?.now().await?)
    }
}
