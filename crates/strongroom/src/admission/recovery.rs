//! Recovery: what a server held that is gone counts as consumed.

use std::collections::BTreeMap;

use serde_json::json;
use strongroom_crypto::random;
use strongroom_model::alert::{Level, Rule};
use strongroom_model::audit::Target;
use strongroom_model::{Actor, Millis, Problem, Uid};
use strongroom_store::alert::incident::Subject;
use strongroom_store::counter::{self, Delta, Entry, EntryKind};
use strongroom_store::{Write, node};

use crate::crossing;
use crate::custody::Custody;
use crate::custody::trail::entry;
use crate::event::{Seen, note_event};

/// Settles what servers hold whose lease has lapsed, as if it had been consumed: a call of theirs may have left. Tells
/// how many servers that were.
///
/// For a server's jobs; a command that runs for a moment never judges about others.
///
/// # Errors
/// [`Problem`].
pub(crate) async fn recover_holds(custody: &Custody) -> Result<usize, Problem> {
    let lapsed = {
        let mut session = custody.store.read().await?;
        let now = session.now().await?;
        node::lapsed(&mut session, now).await?
    };
    let mut recovered = 0;
    for gone in lapsed {
        recovered += usize::from(recover_node(custody, gone).await?);
    }
    Ok(recovered)
}

async fn recover_node(custody: &Custody, gone: Uid) -> Result<bool, Problem> {
    let mut tx = custody.store.write().await?;
    let now = tx.now().await?;
    if !node::lock_lapsed(&mut tx, gone, now).await? {
        tx.roll_back().await?;
        return Ok(false);
    }
    let counters = settle_node(custody, &mut tx, gone, &Actor::system(), now).await?;
    if counters > 0 {
        let subject = Subject::of("node", gone);
        note_event(custody, &mut tx, Seen::of(Rule::NodeLost, Level::High, subject), now).await?;
    }
    tx.commit().await?;
    tracing::warn!(node = %gone, counters, "settled the holds of a node that is gone, as if they had been used");
    Ok(true)
}

/// Settles what a server holds as consumed and takes it off the list. Tells how many counters that were.
pub(crate) async fn settle_node(
    custody: &Custody,
    tx: &mut Write,
    gone: Uid,
    actor: &Actor,
    now: Millis,
) -> Result<usize, Problem> {
    let label = actor.label();
    let (mut deltas, mut entries) = (BTreeMap::new(), Vec::new());
    for hold in node::holds(tx, gone).await? {
        let amount = hold.held + hold.leased;
        let delta = Delta { settled: amount, held: -hold.held, leased: -hold.leased, ..Delta::default() };
        deltas.insert(hold.key, delta);
        entries.push(Entry {
            uid: random::uid(),
            at: now,
            kind: EntryKind::Recovered,
            actor: &label,
            key: hold.key,
            settled: amount,
            adjusted: 0,
        });
    }
    crossing::apply(custody, tx, &deltas, now).await?;
    counter::insert_entries(tx, &entries).await?;
    node::clear_holds(tx, gone, true).await?;
    node::remove(tx, gone).await?;
    let target = Target { kind: "node".into(), id: Some(gone.to_string()), name: None };
    let entry = entry(actor, "node.recover", target, now, &json!({ "counters": entries.len() }));
    custody.append(tx, vec![entry]).await?;
    Ok(entries.len())
}
