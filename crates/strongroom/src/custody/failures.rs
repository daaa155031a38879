//! Denials and failures on their way into the audit trail: of one kind, so many in a minute are written at once, and those that
//! repeat them in one entry with their number. A caller that is refused in a loop fills no disk.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use strongroom_crypto::random;
use strongroom_model::Problem;
use strongroom_model::audit::NewEntry;

use super::Custody;

/// How long repeats are gathered.
const WINDOW: Duration = Duration::from_secs(60);
/// Most entries of a kind in that time that are written one by one.
const MAX_WRITTEN: u32 = 64;
/// Most kinds that are told apart at a time; the repeats of others are written one by one.
const MAX_KINDS: usize = 10_000;

/// Who failed at what, and why.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Kind {
    actor: String,
    remote_address: Option<String>,
    action: String,
    target: (String, Option<String>),
    outcome: &'static str,
    detail: String,
}

impl Kind {
    fn of(entry: &NewEntry) -> Self {
        Self {
            actor: entry.actor.clone(),
            remote_address: entry.remote_address.clone(),
            action: entry.action.clone(),
            target: (entry.target.kind.clone(), entry.target.id.clone()),
            outcome: entry.outcome.as_str(),
            detail: entry.detail.clone(),
        }
    }
}

/// Repeats of a failure that is in the trail.
#[derive(Debug)]
struct Repeats {
    since: Instant,
    written: u32,
    times: u64,
    last: NewEntry,
}

impl Repeats {
    /// The entry for all of them.
    fn into_entry(self) -> NewEntry {
        let mut detail = serde_json::from_str(&self.last.detail).unwrap_or(json!({}));
        if let Value::Object(fields) = &mut detail {
            fields.insert("repeats".to_owned(), self.times.into());
        }
        NewEntry { uid: random::uid(), detail: detail.to_string(), ..self.last }
    }
}

/// Failures of the last minute.
#[derive(Debug, Default)]
pub(crate) struct Failures(Mutex<HashMap<Kind, Repeats>>);

impl Failures {
    fn known(&self) -> MutexGuard<'_, HashMap<Kind, Repeats>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells that a failure repeats another one and is counted with it; else it is to be written.
    fn has_counted(&self, entry: &NewEntry) -> bool {
        let mut known = self.known();
        let is_full = known.len() >= MAX_KINDS;
        match known.entry(Kind::of(entry)) {
            Entry::Occupied(mut repeats) if repeats.get().since.elapsed() < WINDOW => {
                let repeats = repeats.get_mut();
                if repeats.written < MAX_WRITTEN {
                    repeats.written += 1;
                    return false;
                }
                repeats.times += 1;
                repeats.last = entry.clone();
                true
            }
            Entry::Vacant(place) if !is_full => {
                place.insert(Repeats { since: Instant::now(), written: 1, times: 0, last: entry.clone() });
                false
            }
            _ => false,
        }
    }

    /// Takes out what repeated a failure, when its time is over or the process ends.
    fn take(&self, is_last: bool) -> Vec<NewEntry> {
        let mut known = self.known();
        let over = known.extract_if(|_, repeats| is_last || repeats.since.elapsed() >= WINDOW);
        over.filter(|(_, repeats)| repeats.times > 0).map(|(_, repeats)| repeats.into_entry()).collect()
    }
}

impl Custody {
    /// Commits an entry of its own for what was denied or failed and changed nothing, or counts it with those that it
    /// repeats.
    ///
    /// # Errors
    /// [`Problem`] when it cannot be written.
    pub(crate) async fn note_failure(&self, entry: NewEntry) -> Result<(), Problem> {
        let kind = Kind::of(&entry);
        if self.failures.has_counted(&entry) {
            return Ok(());
        }
        let written = self.write_failures(vec![entry]).await;
        if written.is_err() {
            // Nothing stands in the trail that the next one would repeat.
            self.failures.known().remove(&kind);
        }
        written
    }

    /// Writes how often failures were repeated whose minute is over, or all of them when the process ends.
    ///
    /// # Errors
    /// [`Problem`] when they cannot be written: their number is lost.
    pub(crate) async fn write_repeats(&self, is_last: bool) -> Result<(), Problem> {
        match self.failures.take(is_last) {
            repeats if repeats.is_empty() => Ok(()),
            repeats => self.write_failures(repeats).await,
        }
    }

    async fn write_failures(&self, entries: Vec<NewEntry>) -> Result<(), Problem> {
        let mut tx = self.store.write().await?;
        let now = tx.now().await?;
        let entries = entries.into_iter().map(|entry| NewEntry { at: now, ..entry }).collect();
        self.append(&mut tx, entries).await?;
        Ok(tx.commit().await?)
    }
}

#[cfg(test)]
mod tests {
    use strongroom_model::Millis;
    use strongroom_model::audit::{Outcome, Target};

    use super::*;

    fn entry(actor: &str, detail: &str) -> NewEntry {
        NewEntry {
            uid: random::uid(),
            at: Millis(0),
            action: "gateway.call".to_owned(),
            actor: actor.to_owned(),
            target: Target::kind("gateway"),
            outcome: Outcome::Denied,
            detail: detail.to_owned(),
            request_id: None,
            remote_address: None,
        }
    }

    #[test]
    fn the_first_of_a_kind_are_written_and_all_that_repeat_them_are_one_entry() {
        let (failures, mut counted) = (Failures::default(), 0);
        for _ in 0..1000 {
            let repeats =
                [entry("token:a", r#"{"code":"denied"}"#), entry("token:b", r#"{"code":"denied"}"#)];
            for entry in &repeats {
                counted += u32::from(failures.has_counted(entry));
            }
        }
        assert_eq!(counted, 2 * (1000 - MAX_WRITTEN));
        assert!(!failures.has_counted(&entry("token:a", r#"{"code":"other"}"#)), "another reason");
        assert_eq!(failures.take(false).len(), 0, "their minute is not over");
        let mut written: Vec<_> =
            failures.take(true).into_iter().map(|entry| (entry.actor, entry.detail)).collect();
        written.sort();
        let detail = r#"{"code":"denied","repeats":936}"#.to_owned();
        assert_eq!(written, [("token:a".to_owned(), detail.clone()), ("token:b".to_owned(), detail)]);
        assert!(!failures.has_counted(&entry("token:a", r#"{"code":"denied"}"#)), "the next is a first one");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let failures = Failures::default();
        for number in 0..MAX_KINDS + 10 {
            assert!(!failures.has_counted(&entry(&format!("token:{number}"), "{}")));
        }
        assert_eq!(failures.known().len(), MAX_KINDS);
    }
}
