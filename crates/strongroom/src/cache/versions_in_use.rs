//! Decrypted versions that calls on this server hold: a version that was replaced stays in use until the last of them ends.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use strongroom_model::Uid;

use super::ActiveCredential;

/// Versions that were decrypted, for as long as something holds them.
#[derive(Debug, Default)]
pub(crate) struct VersionsInUse {
    held: Mutex<Vec<(Uid, Weak<ActiveCredential>)>>,
}

impl VersionsInUse {
    /// Watches a decrypted version.
    pub(super) fn watch(&self, active: &Arc<ActiveCredential>) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() == held.capacity() {
            held.retain(|(_, active)| active.strong_count() > 0);
        }
        held.push((active.credential.version, Arc::downgrade(active)));
    }

    /// The versions that something holds now.
    pub(crate) fn list(&self) -> HashSet<Uid> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|(_, active)| active.strong_count() > 0);
        held.iter().map(|(version, _)| *version).collect()
    }
}
