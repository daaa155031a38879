//! Custody of what is stored: the database, and the keys that open what is sealed in it. Whoever holds this may open secrets.

pub(crate) mod counters;
pub(crate) mod keyring;
mod row_mac;
pub(crate) mod seal;
mod write_health;

use std::sync::{Arc, RwLock};

use strongroom_crypto::{Keyring, MasterKey};
use strongroom_model::Uid;
use strongroom_store::Store;

pub use counters::Counters;
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
}

impl Custody {
    /// Takes over an open database and its keys. `masters` has the one that new wraps are made under first.
    pub(crate) fn new(store: Store, keyring: Keyring, masters: Vec<MasterKey>, node: Uid) -> Self {
        let master_fingerprint = masters.first().map_or_else(String::new, MasterKey::fingerprint);
        Self {
            store,
            keyring: RwLock::new(Arc::new(keyring)),
            masters,
            master_fingerprint,
            node,
            counters: Counters::default(),
            write_health: WriteHealth::default(),
        }
    }
}
