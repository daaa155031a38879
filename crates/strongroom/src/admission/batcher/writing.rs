//! Writing one batch: begin, turn away, decide, commit, tell.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use foldhash::HashSet;
use strongroom_crypto::random;
use strongroom_model::Problem;
use strongroom_store::{Write, node};

use super::asking::{Asking, Refusal, answer, turn_away_stale};
use super::deciding::Decided;
use super::guard::{Grant, TakenOut};
use super::set_aside::Ended;
use super::{FULL_BATCH, LEASE_SECONDS, RENEWAL_INTERVAL, Uncertain, Unwritten, Worker};
use crate::admission::Held;
use crate::admission::leases::{Decision, GivingBack, Sealed};
use crate::cache::{ChangedCounters, Snapshot};

impl Worker {
    /// Writes one batch. It may be dropped at any `await`: until the commit begins, guards put back what was taken out, and
    /// from then on it is in `uncertain`.
    pub(super) async fn write(&mut self, sealed: Sealed, attempt: Attempt) -> Result<(), Unwritten> {
        let mut taken =
            TakenOut { shared: Arc::clone(&self.shared), sealed: Some(sealed), ended: Some(attempt.ended) };
        let asking = attempt.asking;

        // Begin: the snapshot to decide by, and this node's sign of life.
        let Begun { mut tx, snapshot, started, is_known } = match self.begin().await {
            Ok(begun) => begun,
            Err(problem) => return Err(Unwritten { problem, asking }),
        };
        if !is_known {
            return self.give_up_epoch(tx, taken, asking).await;
        }

        // Turn away: claims that were made before a change of what they rest on, or in a window that has ended.
        let asking = turn_away_stale(&self.cache, asking, snapshot);

        // Decide: the counters are locked, deltas and lines written, nothing is told to anybody.
        let giving_back = if attempt.give_back { GivingBack::All } else { self.giving_back(snapshot) };
        let done = self.decide(&mut tx, &mut taken, &asking, &giving_back, snapshot.now).await;
        let Decided { batch, ended, is_written, is_last } = match done {
            Ok(decided) => decided,
            Err(problem) => return Err(Unwritten { problem, asking }),
        };

        // Commit: the outcome is not known until the database has told it.
        self.uncertain = Some(Uncertain { batch, ended });
        if is_written {
            if let Err(error) = tx.commit().await {
                return Err(self.tell_of_failed_commit(asking, error.into()));
            }
            self.custody.write_health.done();
            self.batch += 1;
            self.renewed = Some(started);
        } else {
            // Nothing was written, so that it does not matter how this ends.
            drop(tx);
        }

        self.generation = snapshot.generation;

        // Tell: what was granted is in the lease pool from here on.
        self.tell_of_commit(asking, is_written.then_some(started));
        if is_last {
            (self.node, self.batch, self.renewed) = (None, 0, None);
            self.shared.counted().alive_until = None;
        }
        Ok(())
    }

    /// The leases that go back with this batch: of limits and credentials that were changed, and, with each sign of life, those
    /// that no call has used since the last one.
    fn giving_back(&self, snapshot: Snapshot) -> GivingBack {
        let changed = match snapshot.generation == self.generation {
            true => ChangedCounters::Of(HashSet::default()),
            false => self.cache.counters_changed_since(self.generation),
        };
        let ChangedCounters::Of(changed) = changed else { return GivingBack::All };
        let mut counted = self.shared.counted();
        let mut counters: BTreeSet<_> =
            counted.leases.keys().filter(|key| changed.contains(&key.subject)).collect();
        if self.is_renewal_due() {
            counters.extend(counted.leases.take_unused());
        }
        GivingBack::Of(counters)
    }

    pub(super) fn is_renewal_due(&self) -> bool {
        self.renewed.is_none_or(|renewed| renewed.elapsed() >= RENEWAL_INTERVAL)
    }

    /// Peers have settled what this server held: what was taken out goes back, and callers make their claims again, which
    /// the next batch decides.
    async fn give_up_epoch(
        &mut self,
        tx: Write,
        taken: TakenOut,
        asking: Vec<Asking>,
    ) -> Result<(), Unwritten> {
        if let Err(error) = tx.roll_back().await {
            return Err(Unwritten { problem: error.into(), asking });
        }
        drop(taken);
        self.start_new_epoch();
        asking.into_iter().for_each(|asking| answer(asking, Err(Refusal::Stale)));
        Ok(())
    }

    /// The commit failed, or got no answer: calls that leases cover are admitted whatever became of it, the others refused.
    fn tell_of_failed_commit(&mut self, asking: Vec<Asking>, problem: Problem) -> Unwritten {
        let batch = self.uncertain.as_ref().map(|uncertain| &uncertain.batch);
        for (place, asking) in asking.into_iter().enumerate() {
            let rests = batch.is_none_or(|batch| batch.rests_on_commit(place));
            let refusal = || Refusal::Problem(Problem::new(problem.kind, problem.message.clone()));
            let decision = batch.map(|batch| batch.decisions[place]);
            match decision {
                Some(Decision::Granted) if !rests => self.grant(asking),
                _ => answer(asking, Err(refusal())),
            }
        }
        if let Some(uncertain) = &mut self.uncertain {
            uncertain.batch.told_covered();
        }
        Unwritten { problem, asking: Vec::new() }
    }

    /// The batch has happened. `written_at`: when it began, if anything of it was written.
    fn tell_of_commit(&mut self, asking: Vec<Asking>, written_at: Option<Instant>) {
        let Some(Uncertain { batch, ended: Ended { mut records, .. } }) = self.uncertain.take() else {
            return;
        };
        records.clear();
        let decisions = batch.decisions.clone();
        {
            let mut counted = self.shared.counted();
            counted.leases.happened(batch);
            if records.capacity() <= 2 * FULL_BATCH {
                counted.spare = records;
            }
            if let Some(started) = written_at {
                counted.alive_until = Some(started + 2 * RENEWAL_INTERVAL);
            }
        }
        for (asking, decision) in asking.into_iter().zip(decisions) {
            match decision {
                Decision::Granted => self.grant(asking),
                Decision::Refused { claim, state } => {
                    let amount = asking.claims[claim].amount;
                    answer(asking, Err(Refusal::Limit { claim, amount, state }));
                }
            }
        }
    }

    fn grant(&self, asking: Asking) {
        let held = Held { claims: asking.claims, epoch: self.shared.counted().epoch };
        let grant = Grant { shared: Arc::clone(&self.shared), held: Some(held), at: asking.snapshot.now };
        // A caller that has gone away meanwhile does not take it, and it goes back.
        let _ = asking.reply.send(Ok(grant));
    }

    /// Begins the transaction: the snapshot, and a sign of life.
    pub(super) async fn begin(&mut self) -> Result<Begun, Problem> {
        let started = Instant::now();
        let mut tx = self.custody.store.write_at_once().await?;
        let snapshot = self.cache.snapshot_in(&mut tx).await?;
        let lease_until = snapshot.now.plus_seconds(LEASE_SECONDS);
        let is_known = match self.node.filter(|_| self.batch > 0) {
            Some(node) => node::renew(&mut tx, node, lease_until, self.batch + 1).await?,
            None => {
                let node = random::uid();
                node::register(&mut tx, node, snapshot.now, lease_until).await?;
                (self.node, self.batch) = (Some(node), 0);
                true
            }
        };
        Ok(Begun { tx, snapshot, started, is_known })
    }
}

/// A transaction that has begun.
pub(super) struct Begun {
    pub(super) tx: Write,
    snapshot: Snapshot,
    started: Instant,
    /// Not so when peers have settled what this server held.
    pub(super) is_known: bool,
}

/// One attempt to write a batch.
pub(super) struct Attempt {
    pub(super) asking: Vec<Asking>,
    pub(super) ended: Ended,
    pub(super) give_back: bool,
}
