//! Denials and failures on their way into the audit trail: of one kind, and of one actor, so many in a minute are written at
//! once, and those beyond in one entry with their number. A caller that is refused in a loop fills no disk, whatever it varies.

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
/// Most entries of an actor in that time that are written one by one, of whatever kinds.
const MAX_WRITTEN_OF_ACTOR: u32 = 512;
/// Most kinds that are told apart at a time; of others only the actor's bound holds.
const MAX_KINDS: usize = 10_000;

/// Who failed; and at what, and why, unless all failures of the actor are meant. From where is none of it: an actor may have many
/// addresses.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Kind {
    actor: String,
    failure: Option<Failure>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Failure {
    action: String,
    target: (String, Option<String>),
    outcome: &'static str,
    detail: String,
}

impl Kind {
    fn of(entry: &NewEntry) -> Self {
        let failure = Failure {
            action: entry.action.clone(),
            target: (entry.target.kind.clone(), entry.target.id.clone()),
            outcome: entry.outcome.as_str(),
            detail: entry.detail.clone(),
        };
        Self { actor: entry.actor.clone(), failure: Some(failure) }
    }

    fn any_of_actor(entry: &NewEntry) -> Self {
        Self { actor: entry.actor.clone(), failure: None }
    }
}

/// Failures of a kind in a minute.
#[derive(Debug)]
struct Repeats {
    since: Instant,
    written: u32,
    /// Those that were counted and not written.
    times: u64,
    last: NewEntry,
}

impl Repeats {
    fn new(last: NewEntry) -> Self {
        Self { since: Instant::now(), written: 0, times: 0, last }
    }

    /// Tells that so many are written already, and counts one more.
    fn has_counted(&mut self, entry: &NewEntry, max_written: u32) -> bool {
        let is_counted = self.written >= max_written;
        if is_counted {
            self.times += 1;
            self.last = entry.clone();
        }
        is_counted
    }

    /// The entry for those that were counted: of one kind, or of several kinds of an actor.
    fn into_entry(self, kind: &Kind) -> NewEntry {
        let mut detail = match kind.failure {
            Some(_) => serde_json::from_str(&self.last.detail).unwrap_or(json!({})),
            None => json!({ "kinds": "several" }),
        };
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

    /// Tells that a failure is counted with others; else it is to be written.
    fn has_counted(&self, entry: &NewEntry) -> bool {
        let mut known = self.known();
        let (kind, any) = (Kind::of(entry), Kind::any_of_actor(entry));
        for kind in [&kind, &any] {
            if known.get(kind).is_some_and(|repeats| repeats.since.elapsed() >= WINDOW && repeats.times == 0)
            {
                known.remove(kind);
            }
        }
        if known.get_mut(&kind).is_some_and(|repeats| repeats.has_counted(entry, MAX_WRITTEN)) {
            return true;
        }
        let of_actor = known.entry(any).or_insert_with(|| Repeats::new(entry.clone()));
        if of_actor.has_counted(entry, MAX_WRITTEN_OF_ACTOR) {
            return true;
        }
        of_actor.written += 1;
        let is_full = known.len() >= MAX_KINDS;
        match known.entry(kind) {
            Entry::Occupied(mut repeats) => repeats.get_mut().written += 1,
            Entry::Vacant(place) if !is_full => {
                place.insert(Repeats { written: 1, ..Repeats::new(entry.clone()) });
            }
            Entry::Vacant(_) => {}
        }
        false
    }

    /// Takes out what repeated a failure, when its time is over or the process ends.
    fn take(&self, is_last: bool) -> Vec<NewEntry> {
        let mut known = self.known();
        let over = known.extract_if(|_, repeats| is_last || repeats.since.elapsed() >= WINDOW);
        over.filter(|(_, repeats)| repeats.times > 0)
            .map(|(kind, repeats)| repeats.into_entry(&kind))
            .collect()
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
    fn whatever_an_actor_varies_it_has_so_many_entries_and_no_more() {
        let failures = Failures::default();
        let written = (0..5000).filter(|number| {
            let entry = entry("token:a", &format!(r#"{{"code":"denied","field":"f{number}"}}"#));
            !failures
                .has_counted(&NewEntry { remote_address: Some(format!("2001:db8::{number:x}")), ..entry })
        });
        assert_eq!(written.count(), MAX_WRITTEN_OF_ACTOR as usize);
        assert!(!failures.has_counted(&entry("token:b", "{}")), "another actor has its own");
        let counted = failures.take(true);
        assert_eq!(counted.len(), 1);
        assert_eq!(counted[0].detail, r#"{"kinds":"several","repeats":4488}"#);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let failures = Failures::default();
        for number in 0..MAX_KINDS + 10 {
            assert!(!failures.has_counted(&entry(&format!("token:{}", number / 500), &number.to_string())));
        }
        assert!(failures.known().len() <= MAX_KINDS + MAX_KINDS / 500 + 1);
    }
}
