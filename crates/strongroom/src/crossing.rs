//! Thresholds of limits that use has come over: written down with the use itself, so that each is seen once.
//!
//! Whoever moves a counter asks here, in the same transaction and under the counter's lock: the batch of calls, reads of keys, usage
//! that is moved in, recovery, a restore, a reset of the month, and whoever changes a limit. What cannot be written down is undone by
//! itself and counted; the use is kept, and the job that looks at all limits finds the threshold later.

use std::collections::BTreeMap;

use strongroom_crypto::random;
use strongroom_model::alert::{Level, Rule, threshold};
use strongroom_model::limit::{CounterState, Limit};
use strongroom_model::{Millis, Problem};
use strongroom_store::alert::incident::{self, COUNTER, NewIncident, Subject};
use strongroom_store::alert::state;
use strongroom_store::counter::{self, CounterKey, Delta};
use strongroom_store::{Session, Write, limit};

use crate::custody::Custody;

/// A counter that comes over a threshold of its limit, as far as this server knows that limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Crossing {
    /// Which counter.
    pub(crate) key: CounterKey,
    /// What counted against the limit before.
    pub(crate) before: i64,
    /// And what does now.
    pub(crate) after: i64,
}

/// The use that counts against a limit for good: what calls under way hold may still come back.
pub(crate) const fn counted(state: &CounterState) -> i64 {
    state.settled.saturating_add(state.adjusted)
}

/// The subject of incidents about a counter.
pub(crate) fn subject(key: &CounterKey) -> Subject {
    Subject::of(COUNTER, key.subject)
}

/// Writes down the thresholds that these counters come over, by the limits as the database has them.
pub(crate) async fn write(
    custody: &Custody,
    tx: &mut Write,
    crossings: &[Crossing],
    at: Millis,
) -> Result<(), Problem> {
    let mut new = Vec::new();
    for Crossing { key, before, after } in crossings {
        let Some(limit) = limit::of_counter(tx, key).await? else { continue };
        let marks: Vec<u8> = limit.thresholds.crossed(*before, *after, limit.amount).collect();
        new.extend(incidents(key, &limit, &marks, *after, at));
    }
    insert(custody, tx, &new).await
}

/// Adds to counters and writes down the thresholds that they come over. For whoever does not know where they stood: it takes a few
/// statements more than [`counter::apply`].
pub(crate) async fn apply(
    custody: &Custody,
    tx: &mut Write,
    deltas: &BTreeMap<CounterKey, Delta>,
    at: Millis,
) -> Result<(), Problem> {
    counter::apply(tx, deltas).await?;
    let keys: Vec<CounterKey> = deltas.keys().copied().collect();
    let states = counter::read_all(tx, &keys).await?;
    let crossings: Vec<Crossing> = deltas
        .iter()
        .filter_map(|(key, delta)| {
            let after = counted(&states.get(key).copied().unwrap_or_default());
            let before = after.saturating_sub(delta.settled.saturating_add(delta.adjusted));
            (before < after && key.window.start(at) == key.start).then_some(Crossing {
                key: *key,
                before,
                after,
            })
        })
        .collect();
    write(custody, tx, &crossings, at).await
}

/// What was changed of a limit or its counter lets thresholds fire once more that are not reached any more, ends their incidents, and
/// writes down those that are reached now. The counter is locked.
pub(crate) async fn changed(
    custody: &Custody,
    tx: &mut Write,
    limit: &Limit,
    cause: &str,
    now: Millis,
) -> Result<(), Problem> {
    let key = CounterKey::at(limit.counter_subject(), limit.unit, limit.window, now);
    let states = counter::lock_all(tx, &[key]).await?;
    let used = counted(&states.get(&key).copied().unwrap_or_default());
    let told = incident::marks_told(tx, Rule::LimitThreshold, &subject(&key), key.start).await?;
    let is_reached = |mark: &i64| {
        u8::try_from(*mark).is_ok_and(|percent| threshold::is_reached(used, limit.amount, percent))
    };
    for mark in told.iter().filter(|mark| !is_reached(mark)) {
        state::rearm(tx, Rule::LimitThreshold, &subject(&key), *mark, now).await?;
    }
    for open in incident::list_open_about(tx, Rule::LimitThreshold, &subject(&key)).await? {
        if open.window_start == key.start && !is_reached(&open.mark) {
            incident::resolve(tx, open.uid, cause, now).await?;
        }
    }
    write_reached(custody, tx, &key, limit, used, now).await.map(|_| ())
}

/// Writes down the thresholds that this use has reached and that nothing was written of. Tells how many there were.
pub(crate) async fn write_reached(
    custody: &Custody,
    tx: &mut Write,
    key: &CounterKey,
    limit: &Limit,
    used: i64,
    at: Millis,
) -> Result<usize, Problem> {
    // A limit of nothing is never come over: the first refusal is what there is to tell of it.
    if limit.amount <= 0 {
        return Ok(0);
    }
    let marks = missing(tx, key, limit.thresholds.reached(used, limit.amount)).await?;
    insert(custody, tx, &incidents(key, limit, &marks, used, at)).await?;
    Ok(marks.len())
}

/// Writes down that a limit refused a use: it is used up as far as its callers can tell, whatever is left of it.
pub(crate) async fn write_refusal(
    custody: &Custody,
    tx: &mut Write,
    key: &CounterKey,
    at: Millis,
) -> Result<(), Problem> {
    let Some(limit) = limit::of_counter(tx, key).await? else { return Ok(()) };
    let states = counter::lock_all(tx, &[*key]).await?;
    let used = counted(&states.get(key).copied().unwrap_or_default());
    // The last one alone is told: what lies between was not reached by use.
    let marks = missing(tx, key, limit.thresholds.percents().filter(|percent| *percent == 100)).await?;
    insert(custody, tx, &incidents(key, &limit, &marks, used, at)).await
}

async fn missing(
    session: &mut Session,
    key: &CounterKey,
    marks: impl Iterator<Item = u8>,
) -> Result<Vec<u8>, Problem> {
    let marks: Vec<u8> = marks.collect();
    if marks.is_empty() {
        return Ok(marks);
    }
    let told = incident::marks_told(session, Rule::LimitThreshold, &subject(key), key.start).await?;
    Ok(marks.into_iter().filter(|mark| !told.contains(&i64::from(*mark))).collect())
}

/// One incident per threshold. The highest one tells of those that were passed on the way.
fn incidents(key: &CounterKey, limit: &Limit, marks: &[u8], value: i64, at: Millis) -> Vec<NewIncident> {
    let mut teller = None;
    let mut new = Vec::with_capacity(marks.len());
    for percent in marks.iter().rev() {
        let uid = random::uid_at(at);
        new.push(NewIncident {
            uid,
            rule: Rule::LimitThreshold,
            subject: subject(key),
            mark: i64::from(*percent),
            window_start: key.start,
            episode: None,
            level: Level::of_percent(*percent),
            counted: Some((key.unit, key.window)),
            value,
            threshold: threshold::least_use(limit.amount, *percent),
            at,
            passed_by: teller,
        });
        teller = teller.or(Some(uid));
    }
    new
}

async fn insert(custody: &Custody, tx: &mut Write, new: &[NewIncident]) -> Result<(), Problem> {
    if new.is_empty() {
        return Ok(());
    }
    if incident::insert_or_undo(tx, new).await?.is_none() {
        custody.counters.incidents_set_aside.add(new.len() as u64);
        tracing::error!(
            incidents = new.len(),
            "failed to write incidents down with the use that they are about; the use is kept, and a job looks again"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }

    /// Whoever moves a counter another way would move it over a threshold that nobody is told of until a job finds it.
    #[test]
    fn counters_are_moved_only_where_thresholds_are_looked_at() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut paths = Vec::new();
        sources(&folder, &mut paths);
        let named = |path: &PathBuf, call: &str| fs::read_to_string(path).unwrap().contains(call);
        let callers = |call: &str| {
            let mut callers: Vec<String> = paths
                .iter()
                .filter(|path| named(path, call))
                .map(|path| path.strip_prefix(&folder).unwrap().display().to_string())
                .filter(|path| path != "crossing.rs")
                .collect();
            callers.sort();
            callers
        };
        assert_eq!(callers("counter::apply("), ["admission/batcher/deciding.rs", "admission/immediate.rs"]);
        assert_eq!(callers("crossing::write("), callers("counter::apply("), "both write what they come over");
        assert_eq!(
            callers("crossing::apply("),
            ["admission/recovery.rs", "backup/restore.rs", "credential/import.rs"]
        );
        assert_eq!(callers("crossing::changed("), ["credential/update.rs", "limit.rs"]);
    }
}
