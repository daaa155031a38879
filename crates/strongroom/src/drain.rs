//! Draining: a version that was replaced stays in use by calls under way, on any server, and is retired when none is left.

use std::sync::Arc;

use serde_json::json;
use strongroom_model::audit::Target;
use strongroom_model::{Actor, Millis, Problem};
use strongroom_store::drain::{self, Drained};
use strongroom_store::value;

use crate::cache::Cache;
use crate::custody::Custody;
use crate::custody::trail::entry;
use crate::custody::version_facts::Fate;

/// Milliseconds within which every server has looked: it is asked every ten seconds.
const SEEN_BY_ALL_MS: i64 = 30_000;
/// Milliseconds for which a server that is busy counts as such.
const BUSY_MS: i64 = 45_000;

/// Says which replaced versions calls on this server still hold, and retires those that no server holds. Tells how
/// many were retired. For a server's jobs.
///
/// # Errors
/// [`Problem`].
pub(crate) async fn drain_versions(custody: &Custody, cache: &Arc<Cache>) -> Result<usize, Problem> {
    let draining = {
        let mut session = custody.store.read().await?;
        drain::list_drained(&mut session, Millis(i64::MAX), Millis(i64::MAX)).await?
    };
    if draining.is_empty() {
        return Ok(0);
    }
    // The cache may still hold an old version: a new snapshot makes it forget that.
    cache.snapshot().await?;
    let busy = cache.versions_in_use().list();
    let mut tx = custody.store.write().await?;
    let now = tx.now().await?;
    for one in draining.iter().filter_map(|one| one.version_uid.parse().ok()) {
        if busy.contains(&one) {
            drain::keep(&mut tx, one, custody.node, Millis(now.0 + BUSY_MS)).await?;
        }
    }
    tx.commit().await?;
    let drained = {
        let mut session = custody.store.read().await?;
        drain::list_drained(&mut session, Millis(now.0 - SEEN_BY_ALL_MS), now).await?
    };
    let mut retired = 0;
    for one in drained {
        retired += usize::from(retire(custody, &one).await?);
    }
    Ok(retired)
}

async fn retire(custody: &Custody, one: &Drained) -> Result<bool, Problem> {
    let Ok(version) = one.version_uid.parse() else { return Ok(false) };
    let mut tx = custody.store.write().await?;
    let now = tx.now().await?;
    if !custody.change_version(&mut tx, version, Fate::Retired, now).await? {
        tx.roll_back().await?;
        return Ok(false);
    }
    let target = Target::named("credential", &one.credential_uid, &one.name);
    let detail = json!({ "version": one.number });
    let entry = entry(&Actor::system(), "credential.retire", target, now, &detail);
    custody.append(&mut tx, vec![entry]).await?;
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
