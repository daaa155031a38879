//! What happens once and is told, written down in the transaction that it happens in: events, which are over from the start, and what lasts
//! until it is mended.

use strongroom_crypto::random;
use strongroom_model::alert::{Level, Rule};
use strongroom_model::{Millis, Problem};
use strongroom_store::alert::incident::{self, NewIncident, Subject};
use strongroom_store::alert::state;
use strongroom_store::{Session, Write};

use crate::custody::Custody;

/// What was seen.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) rule: Rule,
    pub(crate) level: Level,
    pub(crate) subject: Subject,
    /// Which of the rule's lines.
    pub(crate) mark: i64,
    pub(crate) value: i64,
}

impl Seen {
    pub(crate) const fn of(rule: Rule, level: Level, subject: Subject) -> Self {
        Self { rule, level, subject, mark: 0, value: 0 }
    }
}

/// Writes down that something has happened. If that fails it is undone by itself: what has happened is not held up by telling of it.
pub(crate) async fn note_event(
    custody: &Custody,
    tx: &mut Write,
    seen: Seen,
    at: Millis,
) -> Result<(), Problem> {
    let uid = random::uid_at(at);
    // Two within a millisecond are two.
    let episode = i64::from_be_bytes(uid.as_bytes()[8..].try_into().unwrap_or_default());
    let rule = seen.rule;
    let new = NewIncident { uid, episode: Some(episode), window_start: at, ..new_incident(seen, at) };
    if insert(custody, tx, &new).await? && rule.is_event() {
        // It does not last: nothing is firing.
        incident::resolve(tx, uid, "it is an event", at).await?;
    }
    Ok(())
}

/// Writes down that something is wrong, once until it is mended ([`end_lasting`]).
pub(crate) async fn note_lasting(
    custody: &Custody,
    tx: &mut Write,
    seen: Seen,
    at: Millis,
) -> Result<(), Problem> {
    insert(custody, tx, &new_incident(seen, at)).await.map(|_| ())
}

/// Ends what was wrong with a subject, and lets it be told once more. Tells how many incidents ended.
pub(crate) async fn end_lasting(
    tx: &mut Write,
    rule: Rule,
    subject: &Subject,
    cause: &str,
    at: Millis,
) -> Result<usize, Problem> {
    let open = incident::list_open_about(tx, rule, subject).await?;
    for one in &open {
        incident::resolve(tx, one.uid, cause, at).await?;
        state::rearm(tx, rule, subject, one.mark, at).await?;
    }
    Ok(open.len())
}

/// Tells whether something is wrong with a subject by this rule.
pub(crate) async fn is_open(session: &mut Session, rule: Rule, subject: &Subject) -> Result<bool, Problem> {
    Ok(!incident::list_open_about(session, rule, subject).await?.is_empty())
}

fn new_incident(seen: Seen, at: Millis) -> NewIncident {
    NewIncident {
        uid: random::uid_at(at),
        rule: seen.rule,
        subject: seen.subject,
        mark: seen.mark,
        window_start: Millis(0),
        episode: None,
        level: seen.level,
        counted: None,
        value: seen.value,
        threshold: 0,
        at,
        passed_by: None,
    }
}

/// Tells whether it could be written down.
async fn insert(custody: &Custody, tx: &mut Write, new: &NewIncident) -> Result<bool, Problem> {
    if incident::insert_or_undo(tx, std::slice::from_ref(new)).await?.is_some() {
        return Ok(true);
    }
    custody.counters.incidents_set_aside.add_one();
    tracing::error!(rule = new.rule.as_str(), "failed to write an incident down");
    Ok(false)
}
