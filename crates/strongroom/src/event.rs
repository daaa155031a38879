//! What happens once and is told: written down in the transaction that it happens in. Most of it is over from the start.

use strongroom_crypto::random;
use strongroom_model::alert::{Level, Rule};
use strongroom_model::{Millis, Problem};
use strongroom_store::Write;
use strongroom_store::alert::incident::{self, NewIncident, Subject};

use crate::custody::Custody;

/// Writes down that something has happened. If that fails it is undone by itself: what has happened is not held up by telling of it.
pub(crate) async fn note_event(
    custody: &Custody,
    tx: &mut Write,
    rule: Rule,
    level: Level,
    subject: Subject,
    at: Millis,
) -> Result<(), Problem> {
    let uid = random::uid_at(at);
    let new = NewIncident {
        uid,
        rule,
        subject,
        mark: 0,
        window_start: at,
        // Two within a millisecond are two.
        episode: Some(i64::from_be_bytes(uid.as_bytes()[8..].try_into().unwrap_or_default())),
        level,
        counted: None,
        value: 0,
        threshold: 0,
        at,
        passed_by: None,
    };
    if incident::insert_or_undo(tx, &[new]).await?.is_some() {
        if rule.is_event() {
            // It does not last: nothing is firing.
            incident::resolve(tx, uid, "it is an event", at).await?;
        }
    } else {
        custody.counters.incidents_set_aside.add_one();
        tracing::error!(rule = rule.as_str(), "failed to write an incident down");
    }
    Ok(())
}
