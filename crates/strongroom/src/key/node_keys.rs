//! The processes that are alive and the master keys that each holds, so that none loses the only one that it has.

use std::collections::BTreeMap;
use std::sync::Arc;

use strongroom_crypto::{MasterKey, random};
use strongroom_model::tag::TagKeys;
use strongroom_model::{Millis, Problem, Uid};
use strongroom_store::key_holder::{self, HolderRow};
use strongroom_store::{Session, Store, key};

use crate::custody::Custody;
use crate::custody::keyring::load_keyring;

/// How long a process counts as alive without a sign of life, in seconds.
const ALIVE_SECONDS: i64 = 60;
/// How long those are remembered that are gone, in seconds.
const REMEMBERED_SECONDS: i64 = 3600;

/// A process that has the database open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its identity while it runs.
    pub node: String,
    /// The machine.
    pub host: String,
    /// The process on that machine.
    pub process_id: i64,
    /// Fingerprints of the masters that it holds, the first one first.
    pub masters: Vec<String>,
    /// Since when it runs.
    pub started_at: Millis,
    /// Until when it counts as alive.
    pub alive_until: Millis,
}

impl Holder {
    /// How people tell it from others.
    #[must_use]
    pub fn name(&self) -> String {
        format!("process {} on {}", self.process_id, self.host)
    }
}

/// Lists the processes that are alive.
pub(super) async fn list(session: &mut Session, now: Millis) -> Result<Vec<Holder>, Problem> {
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut holders: Vec<Holder> = Vec::new();
    for row in key_holder::list(session, now).await? {
        if let Some(&place) = places.get(&row.node_uid) {
            holders[place].masters.push(row.master_fingerprint);
            continue;
        }
        places.insert(row.node_uid.clone(), holders.len());
        holders.push(Holder {
            node: row.node_uid,
            host: row.host,
            process_id: row.process_id,
            masters: vec![row.master_fingerprint],
            started_at: Millis(row.started_at_ms),
            alive_until: Millis(row.alive_until_ms),
        });
    }
    Ok(holders)
}

/// The name of this machine, as far as it can be told.
fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .or_else(|| std::env::var("HOSTNAME").ok())
        .map(|name| name.trim().chars().filter(|it| !it.is_control()).take(128).collect::<String>())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "an unnamed machine".to_owned())
}

/// Says which masters this process holds. From then on none of them is retired that it needs.
///
/// # Errors
/// [`Problem`] when all of them were retired meanwhile.
async fn announce(store: &Store, node: Uid, masters: &[MasterKey]) -> Result<(), Problem> {
    let mut tx = store.write().await?;
    key::lock(&mut tx).await?;
    let now = tx.now().await?;
    let known = key::list_masters(&mut tx).await?;
    let fingerprints: Vec<String> = masters.iter().map(MasterKey::fingerprint).collect();
    if !fingerprints.iter().any(|held| known.contains(held)) {
        return Err(Problem::internal(format!(
            "the master key {} was retired meanwhile; this database needs the one with fingerprint {}",
            fingerprints.join(", "),
            known.join(" or ")
        )));
    }
    key_holder::remove_lapsed(&mut tx, now.plus_seconds(-REMEMBERED_SECONDS)).await?;
    // One that comes back after a silence is there already.
    key_holder::remove(&mut tx, node).await?;
    let host = host();
    for (place, master_fingerprint) in fingerprints.into_iter().enumerate() {
        let holder = HolderRow {
            node_uid: node.to_string(),
            master_fingerprint,
            is_first: place == 0,
            host: host.clone(),
            process_id: i64::from(std::process::id()),
            started_at_ms: now.0,
            alive_until_ms: now.plus_seconds(ALIVE_SECONDS).0,
        };
        key_holder::register(&mut tx, &holder).await?;
    }
    Ok(tx.commit().await?)
}

/// Takes custody of a database that has its keys: says which masters this process holds, and unwraps the keys.
///
/// # Errors
/// [`Problem`] when all of the masters were retired meanwhile, or a key does not unwrap.
pub(crate) async fn take_custody(
    store: Store,
    masters: Vec<MasterKey>,
    tag_keys: TagKeys,
) -> Result<Arc<Custody>, Problem> {
    let node = random::uid();
    announce(&store, node, &masters).await?;
    let keyring = load_keyring(&mut store.read().await?, &masters).await?;
    Ok(Arc::new(Custody::new(store, keyring, masters, node, tag_keys)))
}

/// Says that this process is alive.
pub(super) async fn keep_alive(custody: &Custody) -> Result<(), Problem> {
    let done = renew(custody).await;
    match &done {
        Ok(()) => custody.write_health.done(),
        Err(problem) => custody.write_health.failed(problem),
    }
    done
}

async fn renew(custody: &Custody) -> Result<(), Problem> {
    let mut tx = custody.store.write().await?;
    let now = tx.now().await?;
    let is_known = key_holder::renew(&mut tx, custody.node, now.plus_seconds(ALIVE_SECONDS)).await?;
    tx.commit().await?;
    if is_known { Ok(()) } else { announce(&custody.store, custody.node, &custody.masters).await }
}

/// Says that this process ends: it holds no key any more.
pub(crate) async fn leave(custody: &Custody) {
    if let Err(problem) = deregister(custody).await {
        tracing::debug!(%problem, "failed to deregister node; peers consider it alive for another minute");
    }
}

async fn deregister(custody: &Custody) -> Result<(), Problem> {
    let mut tx = custody.store.write().await?;
    key_holder::remove(&mut tx, custody.node).await?;
    Ok(tx.commit().await?)
}
