//! Rotation of the data key: a new one becomes current at once, everything is sealed anew in small batches, proved, and
//! then the old one retires.
//!
//! All state is in the database, so that it goes on wherever somebody looks, and several may work on it at once. From the
//! moment on when a key is superseded nothing is sealed under it any more (`key::count_seals`), so that what is left under
//! it only ever becomes less.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::json;
use strongroom_crypto::{Keyring, MasterKey, Purpose, SealContext, random};
use strongroom_model::audit::{NewEntry, Outcome, Target};
use strongroom_model::{Actor, Millis, Problem};
use strongroom_store::rotation::{self, RotationRow};
use strongroom_store::sealed::{self, After, BoundText, Found};
use strongroom_store::{Write, key};

use super::{KeyService, ring};
use crate::Strongroom;
use crate::audit::entry;
use crate::sealing::{MOST_SEALS, used_up};

/// Texts that are read and opened at a time when they are proved; nothing is locked meanwhile.
const PROVED_AT_ONCE: i64 = 256;
/// Places of texts that do not open which the audit entry names.
const NAMED: usize = 20;

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
    /// Whether it goes on.
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

/// What asking for a rotation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// How it stands.
    pub state: RotationState,
    /// Whether it began now; otherwise one was open already and goes on.
    pub is_new: bool,
}

fn target(key_id: &str) -> Target {
    Target { kind: "key".into(), id: Some(key_id.to_owned()), name: None }
}

impl KeyService {
    /// Begins a rotation of the data key, or has the one that is open go on. It is worked on beside everything else; see
    /// [`Self::status`] for how it stands.
    ///
    /// # Errors
    /// [`Problem`] of kind `Conflict` while the master key is being replaced and this process lacks one of the two.
    pub async fn rotate(&self, actor: &Actor) -> Result<Started, Problem> {
        let started = self.begin(actor, "asked", None).await?;
        self.room.0.keeper.wake();
        started.ok_or_else(|| Problem::internal("the rotation is not there after it began"))
    }

    /// For a server's jobs: has an open rotation go on, and begins one when the data key has come of age.
    ///
    /// # Errors
    /// As [`Self::rotate`].
    pub async fn tend(&self, policy: &Policy) -> Result<(), Problem> {
        let (open, keys, now) = {
            let mut session = self.room.0.store.read().await?;
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
        self.room.0.keeper.wake();
        Ok(())
    }

    /// Works on the open rotation until it has ended; does nothing when none is open.
    ///
    /// # Errors
    /// [`Problem`]; what was done stays done, and the rotation goes on when this is called again.
    pub async fn go_on(&self) -> Result<(), Problem> {
        let mut drive = Drive::default();
        while let Step::Pause(pause) = drive.step(&self.room).await? {
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
        let mut tx = self.room.0.store.write().await?;
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
            let key_id = ring::make_key(&mut tx, &masters, Purpose::Data, now).await?;
            let texts = sealed::count_by_key(&mut tx).await?.iter().map(|(_, count)| count).sum();
            rotation::begin(&mut tx, (&key_id, reason), texts, now).await?;
        }
        let row = rotation::latest(&mut tx).await?;
        let row = row.ok_or_else(|| Problem::internal("the rotation is not there after it began"))?;
        let state = RotationState::of(row, &sealed::count_by_key(&mut tx).await?);
        let detail = json!({
            "keyId": state.key_id, "reason": reason, "texts": state.texts, "left": state.left, "isNew": is_new,
        });
        let entry = entry(actor, "key.rotate", target(&state.key_id), now, &detail);
        self.room.append(&mut tx, vec![entry]).await?;
        let keyring = ring::load_keyring(&mut tx, &self.room.0.masters).await?;
        tx.commit().await?;
        if is_new {
            self.room.use_keyring(keyring);
            tracing::info!(key = state.key_id, texts = state.texts, reason, "the data key is being replaced");
        }
        Ok(Some(Started { state, is_new }))
    }

    /// Every master that keys are wrapped under. A key that one of them did not wrap would be lost to the servers that
    /// hold that one alone.
    async fn all_masters(&self, tx: &mut Write) -> Result<Vec<&MasterKey>, Problem> {
        let mut masters = Vec::new();
        for fingerprint in key::list_masters(tx).await? {
            let held = self.room.0.masters.iter().find(|master| master.fingerprint() == fingerprint);
            masters.push(held.ok_or_else(|| {
                Problem::conflict(format!(
                    "the master key is being replaced, and this server does not hold the one with fingerprint {fingerprint}; \
                     end that first with `strongroom key rotate --master --finish`, or start this server with both keys"
                ))
            })?);
        }
        Ok(masters)
    }
}

/// What comes after a step.
pub(super) enum Step {
    /// Another one, after this pause, in which others have their turn.
    Pause(Duration),
    /// Nothing: no rotation is open any more.
    Done,
}

/// Works on the open rotation, a batch at a time.
#[derive(Debug, Default)]
pub(super) struct Drive {
    key_id: String,
    /// Where the reading goes on.
    after: After,
    /// Where it began: anywhere, so that several who work on it are rarely at the same texts. It is passed once.
    began: After,
    has_wrapped: bool,
    /// Places of texts that do not open under the keys they were under before.
    stuck: BTreeSet<After>,
    /// Places of texts that do not open under the new one.
    unproved: BTreeSet<After>,
    /// Whether everything is sealed anew, and is being proved.
    is_proving: bool,
    pace: Pace,
}

/// A text with what is to stand in its place.
struct Resealed {
    old: BoundText,
    text: String,
}

impl Drive {
    pub(super) async fn step(&mut self, room: &Strongroom) -> Result<Step, Problem> {
        let mut session = room.0.store.read().await?;
        let Some(open) = rotation::latest(&mut session).await?.filter(|latest| latest.is_open) else {
            return Ok(Step::Done);
        };
        if self.key_id != open.key_id {
            let began = (random::uid().to_string(), String::new());
            *self =
                Self { key_id: open.key_id, after: began.clone(), began, pace: self.pace, ..Self::default() };
        }
        if room.keyring().current_id(Purpose::Data) != self.key_id {
            room.load_keys(&mut session).await?;
        }
        let limit = if self.is_proving { PROVED_AT_ONCE } else { self.pace.texts };
        let found = sealed::list(&mut session, (&self.key_id, !self.is_proving), &self.after, limit).await?;
        drop(session);
        let is_last = (found.len() as i64) < limit;
        if let Some(last) = found.last() {
            self.after.clone_from(&last.place);
        }
        let pause = if self.is_proving {
            self.prove(room, found);
            Duration::ZERO
        } else {
            self.seal_anew(room, found).await?
        };
        if !is_last && !(self.has_wrapped && !self.is_proving && self.after > self.began) {
            return Ok(Step::Pause(pause));
        }
        self.at_the_end(room).await.map(|done| if done { Step::Done } else { Step::Pause(pause) })
    }

    /// At the end of the texts: on from the first one, or to the proof, or to the end of it all.
    async fn at_the_end(&mut self, room: &Strongroom) -> Result<bool, Problem> {
        self.after = After::default();
        if self.is_proving {
            return self.finish(room).await;
        }
        if !self.has_wrapped {
            self.has_wrapped = true;
            return Ok(false);
        }
        // What was changed while it was sealed anew is under the new key by that change.
        self.is_proving = true;
        Ok(false)
    }

    /// Seals texts anew, each bound to the same place as before, and puts them where they are unless they were changed
    /// meanwhile. The secrets are open in this process for as long as that takes.
    async fn seal_anew(&mut self, room: &Strongroom, found: Vec<Found>) -> Result<Duration, Problem> {
        let keyring = room.keyring();
        if keyring.current_id(Purpose::Data) != self.key_id {
            // This rotation has ended meanwhile, and another one has begun; the next step finds out.
            return Ok(Duration::ZERO);
        }
        let mut resealed = Vec::with_capacity(found.len());
        for Found { place, text } in found {
            match text.and_then(|text| reseal(&keyring, text)) {
                Some(anew) => resealed.push(anew),
                None => {
                    self.stuck.insert(place);
                }
            }
        }
        if resealed.is_empty() {
            return Ok(Duration::ZERO);
        }
        let mut tx = room.0.store.write().await?;
        let held = Instant::now();
        let seals = i64::try_from(resealed.len()).unwrap_or(i64::MAX);
        if !key::count_seals(&mut tx, &self.key_id, seals, MOST_SEALS).await? {
            let sealed = key::seal_count(&mut tx, &self.key_id).await?.unwrap_or_default();
            tx.roll_back().await?;
            if sealed > MOST_SEALS - seals {
                return Err(used_up(&self.key_id));
            }
            // Another rotation has begun; the next step finds out.
            return Ok(Duration::ZERO);
        }
        for Resealed { old, text } in &resealed {
            sealed::replace(&mut tx, old, (&self.key_id, text)).await?;
        }
        tx.commit().await?;
        Ok(self.pace.after(held.elapsed()))
    }

    /// Opens texts under the new key.
    fn prove(&mut self, room: &Strongroom, found: Vec<Found>) {
        let keyring = room.keyring();
        for Found { place, text } in found {
            let opens =
                text.is_some_and(|text| keyring.open(&context(&text), &text.key_id, &text.text).is_ok());
            if !opens {
                self.unproved.insert(place);
            }
        }
    }

    /// Ends the rotation: all opens under the new key and nothing is under another one, or what does not open is told.
    /// `false` when there is more to do.
    async fn finish(&mut self, room: &Strongroom) -> Result<bool, Problem> {
        let mut tx = room.0.store.write().await?;
        key::lock(&mut tx).await?;
        let now = tx.now().await?;
        let left: i64 = {
            let counts = sealed::count_by_key(&mut tx).await?;
            counts.iter().filter(|(key, _)| *key != self.key_id).map(|(_, count)| count).sum()
        };
        if left > count(&self.stuck) {
            // Something was in the way of a batch: once more from the start.
            tx.roll_back().await?;
            self.key_id = String::new();
            return Ok(false);
        }
        let broken = count(&self.stuck) + count(&self.unproved);
        if !rotation::finish(&mut tx, &self.key_id, broken, now).await? {
            tx.roll_back().await?;
            return Ok(true);
        }
        let is_proved = broken == 0 && left == 0;
        let retired = if is_proved { key::retire(&mut tx, Purpose::Data.as_str(), now).await? } else { 0 };
        room.append(&mut tx, vec![self.end_entry(now, left, retired)]).await?;
        tx.commit().await?;
        if is_proved {
            tracing::info!(key = self.key_id, retired, "the data key was replaced");
        } else {
            (0..broken).for_each(|_| room.0.signals.integrity_failures.add_one());
            tracing::error!(
                key = self.key_id,
                broken,
                "sealed texts do not open; the data keys they are under stay"
            );
        }
        Ok(true)
    }

    fn end_entry(&self, now: Millis, left: i64, retired: u64) -> NewEntry {
        let named: Vec<_> = self
            .stuck
            .iter()
            .chain(&self.unproved)
            .take(NAMED)
            .map(|(version, field)| json!({ "version": version, "field": field }))
            .collect();
        let detail = json!({
            "keyId": self.key_id, "left": left, "retired": retired,
            "broken": count(&self.stuck) + count(&self.unproved), "doNotOpen": named,
        });
        let outcome = if named.is_empty() { Outcome::Success } else { Outcome::Failed };
        let ended = entry(&Actor::system(), "key.rotate_finish", target(&self.key_id), now, &detail);
        NewEntry { outcome, ..ended }
    }
}

fn count(places: &BTreeSet<After>) -> i64 {
    i64::try_from(places.len()).unwrap_or(i64::MAX)
}

fn context(text: &BoundText) -> SealContext<'_> {
    SealContext {
        credential: text.credential,
        version: text.version,
        field: text.field,
        provider: &text.provider,
        endpoint: text.endpoint.as_deref(),
    }
}

/// The same secret, bound to the same place, under the current key; it is opened again before it may replace anything.
fn reseal(keyring: &Keyring, old: BoundText) -> Option<Resealed> {
    let context = context(&old);
    let secret = keyring.open(&context, &old.key_id, &old.text).ok()?;
    let sealed = keyring.seal(&context, &secret).ok()?;
    let again = keyring.open(&context, &sealed.key_id, &sealed.text).ok()?;
    (again == secret).then_some(Resealed { text: sealed.text, old })
}

/// How many texts go into one transaction: as many as keep it short, for SQLite has one writer at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pace {
    texts: i64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { texts: 16 }
    }
}

impl Pace {
    const MOST: i64 = 64;
    /// The other writers wait no longer than this for a batch, as long as the disk plays along.
    const LONG: Duration = Duration::from_millis(20);
    const SHORT: Duration = Duration::from_millis(5);

    /// Learns from how long the last transaction took; tells the pause that others get for their turn.
    fn after(&mut self, held: Duration) -> Duration {
        if held > Self::LONG {
            self.texts = (self.texts / 2).max(1);
        } else if held < Self::SHORT {
            self.texts = (self.texts * 2).min(Self::MOST);
        }
        held.min(Self::LONG)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_become_smaller_where_they_take_long_and_never_vanish() {
        let mut pace = Pace::default();
        for texts in [8, 4, 2, 1, 1] {
            assert_eq!(pace.after(Duration::from_secs(1)), Pace::LONG);
            assert_eq!(pace.texts, texts);
        }
        pace.after(Duration::from_millis(10));
        assert_eq!(pace.texts, 1, "neither long nor short");
        for _ in 0..10 {
            pace.after(Duration::from_millis(1));
        }
        assert_eq!(pace.texts, Pace::MOST);
    }
}
