//! Decisions and writes of a batch, within its transaction.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use strongroom_model::limit::CounterState;
use strongroom_model::{Millis, Problem};
use strongroom_store::counter::{self, CounterKey};
use strongroom_store::{Write, node};

use super::Worker;
use super::asking::Asking;
use super::guard::{Opened, TakenOut, Writing};
use super::set_aside::Ended;
use crate::admission::leases::{Batch, Claim, GivingBack, Sealed};
use crate::crossing;

/// Decisions of a batch, until its commit.
pub(super) struct Decided {
    pub(super) batch: Batch,
    pub(super) ended: Ended,
    /// True if there is something to commit.
    pub(super) is_written: bool,
    /// True if this server holds nothing any more.
    pub(super) is_last: bool,
}

impl Worker {
    /// Locks what the batch may write, if it has something to decide: all of it at once, so that two servers take what both
    /// of them write in one order.
    async fn lock(
        &self,
        tx: &mut Write,
        sealed: Option<&Sealed>,
        asking: &[Asking],
        giving_back: &GivingBack,
    ) -> Result<BTreeMap<CounterKey, CounterState>, Problem> {
        let claims = || asking.iter().flat_map(|asking| &asking.claims);
        // Counters that only give something back need no lock: nothing is decided by how they stand.
        let is_bound = sealed.is_some_and(|sealed| sealed.is_bound) || claims().any(|it| it.limit.is_some());
        if !is_bound {
            return Ok(BTreeMap::new());
        }
        let mut keys: BTreeSet<CounterKey> = claims().map(|claim| claim.key).collect();
        keys.extend(sealed.into_iter().flat_map(Sealed::keys));
        match giving_back {
            GivingBack::All => keys.extend(self.shared.counted().leases.keys()),
            GivingBack::Of(counters) => keys.extend(counters),
        }
        let keys: Vec<_> = keys.into_iter().collect();
        Ok(counter::lock_all(tx, &keys).await?)
    }

    pub(super) async fn decide(
        &mut self,
        tx: &mut Write,
        taken: &mut TakenOut,
        asking: &[Asking],
        giving_back: &GivingBack,
        now: Millis,
    ) -> Result<Decided, Problem> {
        let states = self.lock(tx, taken.sealed.as_ref(), asking, giving_back).await?;
        let calls: Vec<&[Claim]> = asking.iter().map(|asking| asking.claims.as_slice()).collect();
        let (batch, is_last) = {
            let mut counted = self.shared.counted();
            let sealed = taken.sealed.take().unwrap_or_default();
            let batch = counted.leases.open(sealed, &calls, &states, giving_back);
            let is_last = *giving_back == GivingBack::All && counted.leases.holds_nothing_but(&batch);
            (batch, is_last)
        };
        // Whatever goes wrong from here to the commit undoes what was opened.
        let opened = Opened { shared: Arc::clone(&self.shared), batch: Some(batch), calls: asking.len() };
        let mut writing = Writing { shared: Arc::clone(&self.shared), ended: taken.ended.take() };
        let is_written =
            opened.changes_something() || writing.ended.as_ref().is_some_and(|ended| !ended.is_empty());
        if (is_written || is_last)
            && let (Some(batch), Some(ended), Some(node)) = (&opened.batch, &writing.ended, self.node)
        {
            counter::apply(tx, &batch.deltas).await?;
            node::apply(tx, node, &batch.deltas).await?;
            ended.write(tx).await?;
            crossing::write(&self.custody, tx, &batch.crossings, now).await?;
            if !giving_back.is_nothing() {
                node::clear_holds(tx, node, false).await?;
            }
            if is_last {
                node::remove(tx, node).await?;
            }
        }
        let is_due = self.is_renewal_due();
        // A server that has written nothing is on no list, neither to stay there nor to be taken off.
        let is_listed = self.batch > 0;
        Ok(Decided {
            batch: opened.keep(),
            ended: writing.ended.take().unwrap_or_default(),
            is_written: is_written || (is_listed && (is_last || is_due)),
            is_last,
        })
    }
}
