//! Replacing the master key: every key gains a wrap under the new one, and nothing else is touched; when no process needs
//! the old one any more, what is wrapped under it goes.

use serde_json::json;
use strongroom_crypto::MasterKey;
use strongroom_crypto::envelope::{unwrap_key, wrap};
use strongroom_model::audit::Target;
use strongroom_model::{Actor, Problem};
use strongroom_store::key::{self, MasterRow, WrapRow};

use super::{KeyService, node_keys};
use crate::custody::keyring::{Unwrapped, unwrap_all};
use crate::custody::trail::entry;

/// Outcome of a change of the master key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MasterChange {
    /// The master of this process, which everything is wrapped under now.
    pub fingerprint: String,
    /// Keys that were wrapped under it just now.
    pub wrapped: usize,
    /// The other masters that everything is wrapped under.
    pub others: Vec<String>,
    /// The masters that were retired just now.
    pub retired: Vec<String>,
}

fn target(fingerprint: &str) -> Target {
    Target { kind: "master_key".into(), id: Some(fingerprint.to_owned()), name: None }
}

impl KeyService {
    /// Wraps every key under the master key of this process too, unless it is already.
    ///
    /// # Errors
    /// [`Problem`] of kind `Integrity` when a key does not unwrap; then nothing was changed.
    pub async fn rotate_master(&self, actor: &Actor) -> Result<MasterChange, Problem> {
        let (mut tx, first) = (self.custody.store.write().await?, &self.custody.masters[0]);
        key::lock(&mut tx).await?;
        let now = tx.now().await?;
        let fingerprint = first.fingerprint();
        let masters = key::list_masters(&mut tx).await?;
        let mut wrapped = 0;
        if !masters.contains(&fingerprint) {
            key::insert_master(&mut tx, &fingerprint, now).await?;
            for found in unwrap_all(&mut tx, &self.custody.masters).await? {
                key::insert_wrap(&mut tx, &rewrap(first, &found)?, now).await?;
                wrapped += 1;
            }
        }
        let others: Vec<String> = masters.into_iter().filter(|master| *master != fingerprint).collect();
        let detail = json!({ "wrapped": wrapped, "others": others });
        let entry = entry(actor, "key.rotate_master", target(&fingerprint), now, &detail);
        self.custody.append(&mut tx, vec![entry]).await?;
        tx.commit().await?;
        Ok(MasterChange { fingerprint, wrapped, others, retired: Vec::new() })
    }

    /// Retires the masters that the one of this process replaced, with all that is wrapped under them.
    ///
    /// # Errors
    /// [`Problem`] of kind `Conflict` naming what is in the way: keys that are not wrapped under the new master, a newer
    /// master than the one of this process, or processes that do not hold it.
    pub async fn retire_masters(&self, actor: &Actor) -> Result<MasterChange, Problem> {
        let (mut tx, first) = (self.custody.store.write().await?, &self.custody.masters[0]);
        key::lock(&mut tx).await?;
        let now = tx.now().await?;
        let fingerprint = first.fingerprint();
        let masters = key::masters(&mut tx).await?;
        if !masters.iter().any(|master| master.fingerprint == fingerprint) {
            return Err(Problem::conflict(format!(
                "nothing is wrapped under {fingerprint}, the master key of this server, yet; run `strongroom key rotate \
                 --master` first"
            )));
        }
        if let Some(newer) = newer_master(&masters, &fingerprint) {
            return Err(Problem::conflict(format!(
                "{fingerprint}, the master key of this server, is the old one: {newer} replaces it. Run `strongroom key \
                 rotate --master --finish` at a server that has {newer} as its ENCRYPTION_KEY, or start this one with it"
            )));
        }
        let retired: Vec<String> = masters
            .into_iter()
            .map(|master| master.fingerprint)
            .filter(|master| *master != fingerprint)
            .collect();
        if !retired.is_empty() {
            let without: Vec<String> = node_keys::list(&mut tx, now)
                .await?
                .iter()
                .filter(|holder| !holder.masters.contains(&fingerprint))
                .map(|it| {
                    format!(
                        "{} (with {}; it counts as gone after {})",
                        it.name(),
                        it.masters.join(", "),
                        it.alive_until
                    )
                })
                .collect();
            if !without.is_empty() {
                return Err(Problem::conflict(format!(
                    "the old master key is still needed: {} do not hold {fingerprint}; start them again with the new key",
                    without.join(", ")
                )));
            }
            // What is left has to be enough.
            unwrap_all(&mut tx, std::slice::from_ref(first)).await?;
        }
        let mut wraps = 0;
        for old in &retired {
            wraps += key::remove_master(&mut tx, old).await?;
        }
        let detail = json!({ "retired": retired, "wraps": wraps });
        let entry = entry(actor, "key.retire_master", target(&fingerprint), now, &detail);
        self.custody.append(&mut tx, vec![entry]).await?;
        tx.commit().await?;
        Ok(MasterChange { fingerprint, wrapped: 0, others: Vec::new(), retired })
    }
}

/// The newest of these masters, where that is not this one, which is among them.
pub(super) fn newer_master<'a>(masters: &'a [MasterRow], fingerprint: &str) -> Option<&'a str> {
    let own = masters.iter().find(|master| master.fingerprint == fingerprint)?;
    let newest = masters.iter().max_by_key(|master| master.first_seen_ms)?;
    (newest.first_seen_ms > own.first_seen_ms).then_some(newest.fingerprint.as_str())
}

/// A wrap under another master, opened again before it is stored.
fn rewrap(master: &MasterKey, found: &Unwrapped) -> Result<WrapRow, Problem> {
    let wrapped = wrap(master, found.id, found.purpose, &found.key);
    let again = unwrap_key(master, found.id, found.purpose, &wrapped);
    if !again.is_ok_and(|key| key.is(&found.key)) {
        return Err(Problem::integrity(format!(
            "encryption key {} did not come back out of its new wrap; nothing was changed",
            found.row.id
        )));
    }
    Ok(WrapRow { key_id: found.row.id.clone(), master_fingerprint: master.fingerprint(), wrapped })
}
