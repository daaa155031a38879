//! Draining: a version that was replaced stays in use by calls under way, on any server, and is retired when none is left.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use serde_json::json;
use strongroom_crypto::random;
use strongroom_model::audit::Target;
use strongroom_model::{Actor, Millis, Problem, Uid};
use strongroom_store::drain::{self, Drained};
use strongroom_store::value;

use crate::Strongroom;
use crate::audit::entry;
use crate::catalog::Served;
use crate::credential::facts::Fate;

/// Milliseconds within which every server has looked: it is asked every ten seconds.
const LOOKED: i64 = 30_000;
/// Milliseconds for which a server that is busy counts as such.
const BUSY: i64 = 45_000;

/// The opened versions that calls on this server hold.
#[derive(Debug)]
pub(crate) struct Drains {
    node: Uid,
    held: Mutex<Vec<(Uid, Weak<Served>)>>,
}

impl Default for Drains {
    fn default() -> Self {
        Self { node: random::uid(), held: Mutex::default() }
    }
}

impl Drains {
    /// Watches an opened version.
    pub(crate) fn watch(&self, served: &Arc<Served>) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() == held.capacity() {
            held.retain(|(_, served)| served.strong_count() > 0);
        }
        held.push((served.credential.version, Arc::downgrade(served)));
    }

    fn busy(&self) -> HashSet<Uid> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|(_, served)| served.strong_count() > 0);
        held.iter().map(|(version, _)| *version).collect()
    }
}

impl Strongroom {
    /// Says which replaced versions calls on this server still hold, and retires those that no server holds. Tells how
    /// many were retired. For a server's jobs.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn drain_versions(&self) -> Result<usize, Problem> {
        let draining = {
            let mut session = self.0.custody.store.read().await?;
            drain::list_drained(&mut session, Millis(i64::MAX), Millis(i64::MAX)).await?
        };
        if draining.is_empty() {
            return Ok(0);
        }
        // What is known by heart may still hold an old version: it is looked at anew.
        self.moment().await?;
        let busy = self.0.drains.busy();
        let mut tx = self.0.custody.store.write().await?;
        let now = tx.now().await?;
        for one in draining.iter().filter_map(|one| one.version_uid.parse().ok()) {
            if busy.contains(&one) {
                drain::keep(&mut tx, one, self.0.drains.node, Millis(now.0 + BUSY)).await?;
            }
        }
        tx.commit().await?;
        let drained = {
            let mut session = self.0.custody.store.read().await?;
            drain::list_drained(&mut session, Millis(now.0 - LOOKED), now).await?
        };
        let mut retired = 0;
        for one in drained {
            retired += usize::from(self.retire(&one).await?);
        }
        Ok(retired)
    }

    async fn retire(&self, one: &Drained) -> Result<bool, Problem> {
        let Ok(version) = one.version_uid.parse() else { return Ok(false) };
        let mut tx = self.0.custody.store.write().await?;
        let now = tx.now().await?;
        if !self.0.custody.change_version(&mut tx, version, Fate::Retired, now).await? {
            tx.roll_back().await?;
            return Ok(false);
        }
        let target = Target::named("credential", &one.credential_uid, &one.name);
        let detail = json!({ "version": one.number });
        let entry = entry(&Actor::system(), "credential.retire", target, now, &detail);
        self.0.custody.append(&mut tx, vec![entry]).await?;
        let same = match one.credential_uid.parse() {
            Ok(credential) => value::same_keys(&mut tx, credential).await?,
            Err(_) => Vec::new(),
        };
        tx.commit().await?;
        match same.iter().find(|same| same.of_version == one.version_uid) {
            Some(same) => {
                tracing::info!(credential = %one.name, version = one.number, same_key_in = %same.name,
                same_key_in_version = same.number, "no call uses this version any more; its key is to stay at the provider, \
                for another version has the same one")
            }
            None => {
                tracing::info!(credential = %one.name, version = one.number, "no call uses this version any more: its \
                key can be revoked at the provider")
            }
        }
        Ok(true)
    }
}
