//! The work of a rotation: resealing, proving, and ending it, a batch at a time.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::json;
use strongroom_crypto::alert_channel::{self, ChannelContext};
use strongroom_crypto::{Keyring, OpenError, Purpose, SealContext, random};
use strongroom_model::audit::{NewEntry, Outcome};
use strongroom_model::{Actor, Millis, Problem, Secret};
use strongroom_store::sealed::{self, After, Found, SealedRow, SealedUnder};
use strongroom_store::{key, rotation};

use super::target;
use crate::custody::Custody;
use crate::custody::seal::{MOST_SEALS, used_up};
use crate::custody::trail::entry;

/// Texts that are read and opened at a time when they are proved; nothing is locked meanwhile.
const TEXTS_PROVED_AT_ONCE: i64 = 256;
/// Places of texts that do not open which the audit entry names.
const MAX_NAMED_PLACES: usize = 20;

/// Continuation after a step.
pub(super) enum Step {
    /// Another one, after this pause, in which others have their turn.
    Pause(Duration),
    /// Nothing: no rotation is open any more.
    Done,
}

/// Works on the open rotation, a batch at a time.
#[derive(Debug, Default)]
pub(super) struct Resealer {
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
    /// True if everything is resealed, and is being proved.
    is_proving: bool,
    pace: Pace,
}

/// A text with what is to stand in its place.
struct Resealed {
    old: SealedRow,
    text: String,
}

impl Resealer {
    pub(super) async fn step(&mut self, custody: &Custody) -> Result<Step, Problem> {
        let began = Instant::now();
        let is_done = self.work(custody).await?;
        Ok(if is_done { Step::Done } else { Step::Pause(pause_after(began.elapsed())) })
    }

    /// A batch; whether no rotation is open any more.
    async fn work(&mut self, custody: &Custody) -> Result<bool, Problem> {
        let mut session = custody.store.read().await?;
        let Some(open) = rotation::latest(&mut session).await?.filter(|latest| latest.is_open) else {
            return Ok(true);
        };
        if self.key_id != open.key_id {
            let began = (random::uid().to_string(), String::new());
            *self =
                Self { key_id: open.key_id, after: began.clone(), began, pace: self.pace, ..Self::default() };
        }
        if custody.keyring().current_id(Purpose::Data) != self.key_id {
            custody.load_keys(&mut session).await?;
        }
        let limit = if self.is_proving { TEXTS_PROVED_AT_ONCE } else { self.pace.texts };
        let under = match self.is_proving {
            true => SealedUnder::Key(&self.key_id),
            false => SealedUnder::OthersThan(&self.key_id),
        };
        let found = sealed::list(&mut session, under, &self.after, limit).await?;
        drop(session);
        let is_last = (found.len() as i64) < limit;
        if let Some(last) = found.last() {
            self.after.clone_from(&last.place);
        }
        if self.is_proving {
            self.prove(custody, found);
        } else {
            self.reseal(custody, found).await?;
        }
        let has_come_round = self.has_wrapped && !self.is_proving && self.after > self.began;
        if !(is_last || has_come_round) {
            return Ok(false);
        }
        self.at_the_end(custody).await
    }

    /// At the end of the texts: on from the first one, or to the proof, or to the end of it all.
    async fn at_the_end(&mut self, custody: &Custody) -> Result<bool, Problem> {
        self.after = After::default();
        if self.is_proving {
            return self.finish(custody).await;
        }
        if !self.has_wrapped {
            self.has_wrapped = true;
            return Ok(false);
        }
        // What was changed while it was resealed is under the new key by that change.
        self.is_proving = true;
        Ok(false)
    }

    /// Reseals texts, each bound to the same place as before, and puts them where they are unless they were changed
    /// meanwhile. The secrets are open in this process for as long as that takes.
    async fn reseal(&mut self, custody: &Custody, found: Vec<Found>) -> Result<(), Problem> {
        let keyring = custody.keyring();
        if keyring.current_id(Purpose::Data) != self.key_id {
            // This rotation has ended meanwhile, and another one has begun; the next step finds out.
            return Ok(());
        }
        let mut resealed = Vec::with_capacity(found.len());
        for Found { place, text } in found {
            match text.and_then(|text| reseal(&keyring, text)) {
                Some(text) => resealed.push(text),
                None => {
                    self.stuck.insert(place);
                }
            }
        }
        if resealed.is_empty() {
            return Ok(());
        }
        let mut tx = custody.store.write().await?;
        let held = Instant::now();
        let seals = i64::try_from(resealed.len()).unwrap_or(i64::MAX);
        if !key::count_seals(&mut tx, &self.key_id, seals, MOST_SEALS).await? {
            let sealed = key::seal_count(&mut tx, &self.key_id).await?.unwrap_or_default();
            tx.roll_back().await?;
            if sealed > MOST_SEALS - seals {
                return Err(used_up(&self.key_id));
            }
            // Another rotation has begun; the next step finds out.
            return Ok(());
        }
        for Resealed { old, text } in &resealed {
            sealed::replace(&mut tx, old, &self.key_id, text).await?;
        }
        tx.commit().await?;
        self.pace.learn(held.elapsed());
        Ok(())
    }

    /// Opens texts under the new key.
    fn prove(&mut self, custody: &Custody, found: Vec<Found>) {
        let keyring = custody.keyring();
        for Found { place, text } in found {
            let opens = text.is_some_and(|text| open(&keyring, &text).is_ok());
            if !opens {
                self.unproved.insert(place);
            }
        }
    }

    /// Ends the rotation: all opens under the new key and nothing is under another one, or what does not open is told.
    /// `false` when there is more to do.
    async fn finish(&mut self, custody: &Custody) -> Result<bool, Problem> {
        let mut tx = custody.store.write().await?;
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
        custody.append(&mut tx, vec![self.end_entry(now, left, retired)]).await?;
        tx.commit().await?;
        if is_proved {
            tracing::info!(key = self.key_id, retired, "replaced the data key");
        } else {
            (0..broken).for_each(|_| custody.counters.integrity_failures.add_one());
            tracing::error!(
                key = self.key_id,
                broken,
                "failed to open sealed texts; keeping the data keys that they are under"
            );
        }
        Ok(true)
    }

    fn end_entry(&self, now: Millis, left: i64, retired: u64) -> NewEntry {
        let named: Vec<_> = self
            .stuck
            .iter()
            .chain(&self.unproved)
            .take(MAX_NAMED_PLACES)
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

/// Place that a sealed text is bound to.
enum Context<'a> {
    Credential(SealContext<'a>),
    Channel(ChannelContext<'a>),
}

fn context(text: &SealedRow) -> Context<'_> {
    match text {
        SealedRow::Credential(text) => Context::Credential(SealContext {
            credential: text.credential,
            version: text.version,
            field: text.field,
            provider: &text.provider,
            endpoint: text.endpoint.as_deref(),
        }),
        SealedRow::Channel(text) => {
            Context::Channel(ChannelContext { channel: text.channel, kind: &text.kind, field: &text.field })
        }
    }
}

fn open_in(keyring: &Keyring, context: &Context<'_>, key_id: &str, text: &str) -> Result<Secret, OpenError> {
    match context {
        Context::Credential(context) => keyring.open(context, key_id, text),
        Context::Channel(context) => alert_channel::open(keyring, context, key_id, text),
    }
}

fn open(keyring: &Keyring, row: &SealedRow) -> Result<Secret, OpenError> {
    let (key_id, text) = match row {
        SealedRow::Credential(row) => (&row.key_id, &row.text),
        SealedRow::Channel(row) => (&row.key_id, &row.text),
    };
    open_in(keyring, &context(row), key_id, text)
}

/// The same secret, bound to the same place, under the current key; it is opened again before it may replace anything.
fn reseal(keyring: &Keyring, old: SealedRow) -> Option<Resealed> {
    let context = context(&old);
    let secret = open(keyring, &old).ok()?;
    let sealed = match &context {
        Context::Credential(context) => keyring.seal(context, &secret).ok()?,
        Context::Channel(context) => alert_channel::seal(keyring, context, &secret).ok()?,
    };
    let again = open_in(keyring, &context, &sealed.key_id, &sealed.text).ok()?;
    (again == secret).then_some(Resealed { text: sealed.text, old })
}

/// The pause after a batch: what is served meanwhile has five parts of the time of a processor and of the one writer of
/// SQLite, the rotation one.
fn pause_after(worked: Duration) -> Duration {
    const MOST: Duration = Duration::from_millis(250);
    (worked * 5).min(MOST)
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

    /// Learns from how long the last transaction took.
    fn learn(&mut self, held: Duration) {
        if held > Self::LONG {
            self.texts = (self.texts / 2).max(1);
        } else if held < Self::SHORT {
            self.texts = (self.texts * 2).min(Self::MOST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_become_smaller_where_they_take_long_and_never_vanish() {
        let mut pace = Pace::default();
        for texts in [8, 4, 2, 1, 1] {
            pace.learn(Duration::from_secs(1));
            assert_eq!(pace.texts, texts);
        }
        pace.learn(Duration::from_millis(10));
        assert_eq!(pace.texts, 1, "neither long nor short");
        for _ in 0..10 {
            pace.learn(Duration::from_millis(1));
        }
        assert_eq!(pace.texts, Pace::MOST);
    }

    #[test]
    fn the_others_have_five_times_as_much_and_a_slow_disk_does_not_stop_it() {
        assert_eq!(pause_after(Duration::from_millis(10)), Duration::from_millis(50));
        assert_eq!(pause_after(Duration::from_secs(60)), Duration::from_millis(250));
    }
}
