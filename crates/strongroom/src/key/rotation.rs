//! Rotation of the data key: a new one becomes current at once, everything is resealed in small batches, proved, and
//! then the old one retires.
//!
//! All state is in the database, so that it goes on wherever somebody looks, and several may work on it at once. From the
//! moment on when a key is superseded nothing is sealed under it any more (`key::count_seals`), so that what is left under
//! it only ever becomes less.

use serde_json::json;
use strongroom_crypto::{MasterKey, Purpose};
use strongroom_model::{Actor, Millis, Problem};
use strongroom_store::rotation::{self, RotationRow};
use strongroom_store::{Write, key, sealed};

use super::reseal::{Resealer, Step};
use super::{KeyService, target};
use crate::custody::keyring;
use crate::custody::trail::entry;

/// When a data key is replaced without being asked.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// At this age in days; 0: at none.
    pub days: u32,
    /// After so many texts were sealed under it.
    pub seals: u32,
}

/// How a rotation stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotationState {
    /// The key that everything is to be under.
    pub key_id: String,
    /// `asked`, `age` or `seals`.
    pub reason: String,
    /// True if it goes on.
    pub is_open: bool,
    /// When it began.
    pub started_at: Millis,
    /// When it was proved that everything is under the new key.
    pub finished_at: Option<Millis>,
    /// Sealed texts under other keys when it began.
    pub texts: i64,
    /// Sealed texts under other keys now.
    pub left: i64,
    /// Of those, once it has ended: texts that do not open, and keep their keys from retiring.
    pub broken: i64,
}

impl RotationState {
    pub(super) fn of(row: RotationRow, counts: &[(String, i64)]) -> Self {
        let left = counts.iter().filter(|(key, _)| *key != row.key_id).map(|(_, count)| count).sum();
        Self {
            key_id: row.key_id,
            reason: row.reason,
            is_open: row.is_open,
            started_at: Millis(row.started_at_ms),
            finished_at: row.finished_at_ms.map(Millis),
            texts: row.texts,
            left,
            broken: row.broken,
        }
    }
}

/// Outcome of a request for a rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// How it stands.
    pub state: RotationState,
    /// True if it began now; otherwise one was open already and goes on.
    pub is_new: bool,
}

impl KeyService {
    /// Begins a rotation of the data key, or has the one that is open go on. It is worked on beside everything else; see
    /// [`Self::status`] for how it stands.
    ///
    /// # Errors
    /// [`Problem`] of kind `Conflict` while the master key is being replaced and this process lacks one of the two.
    pub async fn rotate(&self, actor: &Actor) -> Result<Started, Problem> {
        let started = self.begin(actor, "asked", None).await?;
        self.reseal.wake();
        started.ok_or_else(|| Problem::internal("the rotation is not there after it began"))
    }

    /// For a server's jobs: has an open rotation go on, and begins one when the data key has come of age.
    ///
    /// # Errors
    /// As [`Self::rotate`].
    pub async fn rotate_if_due(&self, policy: &Policy) -> Result<(), Problem> {
        let (open, keys, now) = {
            let mut session = self.custody.store.read().await?;
            let open = rotation::latest(&mut session).await?.is_some_and(|latest| latest.is_open);
            (open, key::list(&mut session).await?, session.now().await?)
        };
        let is_current = |it: &&key::KeyRow| it.purpose == Purpose::Data.as_str() && it.is_current;
        let Some(current) = keys.iter().find(is_current) else { return Ok(()) };
        let born = Millis(current.created_at_ms);
        let is_old = policy.days > 0 && born.plus_seconds(i64::from(policy.days) * 24 * 3600) <= now;
        let is_used_up = current.seal_count >= i64::from(policy.seals);
        if !open && (is_old || is_used_up) {
            let reason = if is_used_up { "seals" } else { "age" };
            self.begin(&Actor::system(), reason, Some(&current.id)).await?;
        } else if !open {
            return Ok(());
        }
        self.reseal.wake();
        Ok(())
    }

    /// Works on the open rotation until it has ended; does nothing when none is open.
    ///
    /// # Errors
    /// [`Problem`]; what was done stays done, and the rotation goes on when this is called again.
    pub async fn go_on(&self) -> Result<(), Problem> {
        let mut resealer = Resealer::default();
        while let Step::Pause(pause) = resealer.step(&self.custody).await? {
            tokio::time::sleep(pause).await;
        }
        Ok(())
    }

    /// `None` when the data key is not the one any more that was `judged`: another server was faster.
    async fn begin(
        &self,
        actor: &Actor,
        reason: &str,
        judged: Option<&str>,
    ) -> Result<Option<Started>, Problem> {
        let mut tx = self.custody.store.write().await?;
        key::lock(&mut tx).await?;
        let now = tx.now().await?;
        if let Some(judged) = judged
            && !key::list(&mut tx).await?.iter().any(|it| it.id == judged && it.is_current)
        {
            tx.roll_back().await?;
            return Ok(None);
        }
        let open = rotation::latest(&mut tx).await?.filter(|latest| latest.is_open);
        let is_new = open.is_none();
        if is_new {
            let masters = self.all_masters(&mut tx).await?;
            key::supersede(&mut tx, Purpose::Data.as_str()).await?;
            let key_id = keyring::make_key(&mut tx, &masters, Purpose::Data, now).await?;
            let texts = sealed::count_by_key(&mut tx).await?.iter().map(|(_, count)| count).sum();
            rotation::begin(&mut tx, &key_id, reason, texts, now).await?;
        }
        let row = rotation::latest(&mut tx).await?;
        let row = row.ok_or_else(|| Problem::internal("the rotation is not there after it began"))?;
        let state = RotationState::of(row, &sealed::count_by_key(&mut tx).await?);
        let detail = json!({
            "keyId": state.key_id, "reason": reason, "texts": state.texts, "left": state.left, "isNew": is_new,
        });
        let entry = entry(actor, strongroom_store::audit::KEY_ROTATION, target(&state.key_id), now, &detail);
        self.custody.append(&mut tx, vec![entry]).await?;
        let keyring = keyring::load_keyring(&mut tx, &self.custody.masters).await?;
        tx.commit().await?;
        if is_new {
            self.custody.use_keyring(keyring);
            tracing::info!(
                key = state.key_id,
                texts = state.texts,
                reason,
                "started to replace the data key"
            );
        }
        Ok(Some(Started { state, is_new }))
    }

    /// Every master that keys are wrapped under. A key that one of them did not wrap would be lost to the servers that
    /// hold that one alone.
    async fn all_masters(&self, tx: &mut Write) -> Result<Vec<&MasterKey>, Problem> {
        let mut masters = Vec::new();
        for fingerprint in key::list_masters(tx).await? {
            let held = self.custody.masters.iter().find(|master| master.fingerprint() == fingerprint);
            masters.push(held.ok_or_else(|| {
                Problem::conflict(format!(
                    "the master key is being replaced, and this server does not hold the one with fingerprint {fingerprint}; \
                     end that first with `strongroom key rotate --master --finish` at a server that has the new one, or start this server with both keys"
                ))
            })?);
        }
        Ok(masters)
    }
}
