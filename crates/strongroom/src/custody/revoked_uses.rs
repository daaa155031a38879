//! Tokens that were shown after they were revoked: gathered in memory, for whoever shows one is refused and writes nothing.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Tokens that are kept at the most.
const MAX_TOKENS: usize = 256;

/// Public ids of revoked tokens that somebody has shown.
#[derive(Debug, Default)]
pub(crate) struct RevokedUses(Mutex<BTreeSet<String>>);

impl RevokedUses {
    fn ids(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that somebody has shown the whole of a token that was revoked.
    pub(crate) fn note(&self, id: &str) {
        let mut ids = self.ids();
        if ids.len() < MAX_TOKENS && !ids.contains(id) {
            ids.insert(id.to_owned());
        }
    }

    /// Takes out what was noted.
    pub(crate) fn take(&self) -> BTreeSet<String> {
        std::mem::take(&mut self.ids())
    }

    /// Puts back what could not be written down.
    pub(crate) fn put_back(&self, ids: BTreeSet<String>) {
        self.ids().extend(ids);
    }
}
