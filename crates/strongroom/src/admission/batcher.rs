//! Group commit of admissions: calls that leases do not cover, and calls that have ended, share a transaction.
//!
//! The worker is a task of its own. It waits for callers that need an answer now, or for a moment when calls have ended, so
//! that the number of transactions follows the disk and not the calls. One batch after the other goes through these states:
//!
//! ```text
//!  rest ──► begin ──► turn away ──► decide ──► commit ──► tell ──► rest
//!             │                       │           │
//!             │ node row is gone      │ failed    │ no answer
//!             ▼                       ▼           ▼
//!        new epoch:              put back:     uncertain: `resolve` asks the database
//!        peers settled what      as if it      before the next batch begins
//!        this node held, stale   had not         ├─ it had happened: grants go back
//!        claims are made again   begun           └─ it had not: put back
//! ```
//!
//! Amounts taken out of memory for a batch are owned by a guard (`guard.rs`) until its commit begins, and by `uncertain` until
//! its outcome is known, so that it is counted once whatever happens. Undone by another transaction, the batch is tried again
//! at once; refused for what a record holds, that record is set aside (`set_aside.rs`); else after a pause.

mod asking;
mod deciding;
mod guard;
mod set_aside;
mod writing;

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt;
use strongroom_model::problem::Causes;
use strongroom_model::{Problem, ProblemKind, Uid};
use strongroom_store::change::Subject;
use strongroom_store::usage::{self, Kind, Record};
use strongroom_store::{Session, node};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinSet;

pub(crate) use asking::Refusal;
use asking::{Asking, Request, refuse_all};
use guard::{Grant, Writing};
use set_aside::{Ended, is_refused, is_undone};
use writing::Attempt;

use super::leases::{Batch, Claim, LeasePool};
use super::{Held, Settlement};
use crate::cache::{Cache, Snapshot};
use crate::custody::Custody;
use crate::database_timeout::no_answer;
use crate::supervision::supervise;

/// Calls that are decided in one transaction at the most: few enough that other writers do not wait long for their turn.
const MAX_CALLS_PER_BATCH: usize = 256;
/// Calls that may wait; more wait at the door of the queue.
const MAX_WAITING_CALLS: usize = 4096;
/// How long ended calls wait for others to be written with.
const GATHER_TIME: Duration = Duration::from_millis(20);
/// Ended calls that do not wait any longer.
const FULL_BATCH: usize = 512;
/// How long a lease may lie unused before it goes back.
const LEASE_IDLE_TIME: Duration = Duration::from_millis(250);
/// How long what this server holds is safe from the others without a sign of life, in seconds.
const LEASE_SECONDS: i64 = 30;
/// A sign of life is due after this long; calls are admitted no longer than twice that after the last one.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(8);
/// The longest that a batch may take, and that a call waits for its own: a database that vanished without a word is not
/// waited for.
const BATCH_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest that the search for records that the database refuses may take.
const SORTING_TIMEOUT: Duration = Duration::from_secs(30);
/// How often a batch is tried again at once that the database undid because another transaction was in its way.
const MAX_UNDONE_RETRIES: u32 = 3;
/// Before what failed is tried again.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

#[derive(Debug, Default)]
struct Counted {
    leases: LeasePool,
    /// Moves when this server's lease has lapsed and its accounts start over.
    epoch: u64,
    /// Calls that have ended; their amounts are in the lease pool.
    ended: Ended,
    /// Room for the next ones: what the last batch held them in.
    spare: Vec<Record>,
    /// True if a batch is being written.
    is_writing: bool,
    /// Until when leases may be spent.
    alive_until: Option<Instant>,
}

#[derive(Debug, Default)]
struct Shared {
    counted: Mutex<Counted>,
    wake: Notify,
}

impl Shared {
    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Admits calls and settles those that have ended.
#[derive(Debug)]
pub(crate) struct AdmissionBatcher {
    custody: Arc<Custody>,
    shared: Arc<Shared>,
    queue: mpsc::Sender<Request>,
    // Dropping it ends the task; what is held then is settled by others as if it had been consumed.
    _task: Mutex<JoinSet<()>>,
}

fn gone() -> Problem {
    Problem::new(ProblemKind::Unavailable, "strongroom is stopping; try again")
}

impl AdmissionBatcher {
    /// Starts the worker.
    pub(crate) fn open(custody: Arc<Custody>, cache: Arc<Cache>) -> Self {
        let (queue, requests) = mpsc::channel(MAX_WAITING_CALLS);
        let shared = Arc::new(Shared::default());
        let mut task = JoinSet::new();
        let worker = Worker {
            custody: Arc::clone(&custody),
            cache,
            shared: Arc::clone(&shared),
            node: None,
            batch: 0,
            generation: 0,
            uncertain: None,
            renewed: None,
        };
        task.spawn(supervise(
            "admission",
            Arc::downgrade(&custody),
            (worker, requests),
            |(worker, requests)| worker.work(requests).boxed(),
        ));
        Self { custody, shared, queue, _task: Mutex::new(task) }
    }

    /// Holds all claims, or none. They were made by a snapshot of the last second, and rest on these subjects.
    pub(crate) async fn admit(
        &self,
        claims: Vec<Claim>,
        snapshot: Snapshot,
        subjects: impl FnOnce() -> Vec<Subject>,
    ) -> Result<Held, Refusal> {
        {
            let mut counted = self.shared.counted();
            let is_alive = counted.alive_until.is_some_and(|until| Instant::now() < until);
            if is_alive && counted.leases.admit(&claims) {
                return Ok(Held { claims, epoch: counted.epoch });
            }
        }
        let subjects = subjects();
        // Boxed: most calls need no answer, and all of them would carry the room for it.
        let admitted = Box::pin(async {
            let (reply, answer) = oneshot::channel();
            let asking = Request::Admit(Asking { claims, snapshot, subjects, reply });
            self.queue.send(asking).await.map_err(|_| Refusal::Problem(gone()))?;
            answer.await.map_err(|_| Refusal::Problem(gone()))?.map(Grant::take)
        });
        // However many batches are before it: one who has gone away is not admitted.
        let admitted = tokio::time::timeout(BATCH_TIMEOUT, admitted).await;
        admitted.unwrap_or_else(|_| Err(Refusal::Problem(no_answer())))
    }

    /// Takes in a call that has ended. It is written down within moments.
    pub(crate) fn settle(&self, settlement: Settlement) {
        let mut counted = self.shared.counted();
        let was_empty = counted.ended.is_empty();
        let is_ours = settlement.epoch == counted.epoch;
        if is_ours {
            counted.leases.finish(&settlement.consumed, settlement.at);
        }
        if let Some(mut record) = settlement.record {
            if !is_ours && !settlement.consumed.is_empty() {
                record.kind = Kind::Late;
            }
            counted.ended.records.push(record);
        }
        let length = counted.ended.records.len();
        drop(counted);
        // One who wakes the worker for each call would cost more than the call's record.
        if was_empty || length == FULL_BATCH {
            self.shared.wake.notify_one();
        }
    }

    /// Writes down everything that has ended so far.
    pub(crate) async fn settle_now(&self) -> Result<(), Problem> {
        {
            let counted = self.shared.counted();
            if counted.ended.is_empty() && !counted.is_writing {
                return Ok(());
            }
        }
        let (reply, answer) = oneshot::channel();
        self.queue.send(Request::SettleNow(reply)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// A session that sees everything that calls have consumed so far in this process.
    ///
    /// # Errors
    /// [`Problem`] of kind `Unavailable`.
    pub(crate) async fn read_ledger(&self) -> Result<Session, Problem> {
        self.settle_now().await?;
        Ok(self.custody.store.read().await?)
    }

    /// The number of calls that have ended and are not written down.
    pub(crate) fn unwritten(&self) -> usize {
        let counted = self.shared.counted();
        counted.ended.records.len() + counted.ended.set_aside.len()
    }

    /// Writes down everything that has ended, and gives back what no call holds.
    pub(crate) async fn close(&self) -> Result<(), Problem> {
        let (reply, answer) = oneshot::channel();
        self.queue.send(Request::Close(reply)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

/// A batch whose commit got no answer.
struct Uncertain {
    batch: Batch,
    ended: Ended,
}

/// A batch that was not written, with those who still wait for its answer.
struct Unwritten {
    problem: Problem,
    asking: Vec<Asking>,
}

struct Worker {
    custody: Arc<Custody>,
    cache: Arc<Cache>,
    shared: Arc<Shared>,
    /// This server's identity, while it holds something.
    node: Option<Uid>,
    /// The number of its last batch.
    batch: i64,
    /// Up to which changes what was taken ahead has gone back.
    generation: i64,
    uncertain: Option<Uncertain>,
    renewed: Option<Instant>,
}

/// Order to a batch, beside writing down what has ended.
#[derive(Default)]
struct Order {
    asking: Vec<Asking>,
    waiting: Vec<oneshot::Sender<Result<(), Problem>>>,
    /// True to give back what no call holds.
    give_back: bool,
}

impl Worker {
    async fn work(&mut self, requests: &mut mpsc::Receiver<Request>) {
        let mut received = Vec::with_capacity(MAX_CALLS_PER_BATCH);
        loop {
            let shared = Arc::clone(&self.shared);
            let is_quiet = shared.counted().ended.is_empty();
            let rest = if is_quiet { self.rest() } else { Some(GATHER_TIME) };
            let mut order = Order::default();
            tokio::select! {
                biased;
                count = requests.recv_many(&mut received, MAX_CALLS_PER_BATCH) => if count == 0 { return },
                () = sleep_for(rest) => order.give_back = is_quiet,
                () = shared.wake.notified() => if shared.counted().ended.records.len() < FULL_BATCH {
                    // The first of several: they are written together.
                    tokio::select! {
                        biased;
                        count = requests.recv_many(&mut received, MAX_CALLS_PER_BATCH) => if count == 0 { return },
                        () = shared.wake.notified() => {}
                        () = tokio::time::sleep(GATHER_TIME) => {}
                    }
                },
            }
            let mut is_closing = false;
            for request in received.drain(..) {
                match request {
                    Request::Admit(asking) => order.asking.push(asking),
                    Request::SettleNow(reply) => order.waiting.push(reply),
                    Request::Close(reply) => {
                        order.waiting.push(reply);
                        order.give_back = true;
                        is_closing = true;
                    }
                }
            }
            // A caller that has gone away is not admitted.
            order.asking.retain(|asking| !asking.reply.is_closed());
            let waiting = std::mem::take(&mut order.waiting);
            let done = AssertUnwindSafe(self.run(order)).catch_unwind().await;
            let done = done.unwrap_or_else(|_| Err(Problem::internal("a batch of calls panicked")));
            if done.is_ok() || self.shared.counted().ended.is_empty() {
                self.custody.write_health.batch_done();
            } else {
                self.custody.write_health.batch_failed();
            }
            if let Err(problem) = &done {
                self.custody.write_health.failed(problem);
                self.custody.counters.failed_batches.add_one();
                let cause = problem.cause.as_ref().map(|cause| Causes(cause.as_ref()).to_string());
                tracing::warn!(%problem, cause, "failed to write a batch of calls; trying again");
            }
            let is_failed = done.is_err();
            if is_failed && is_closing {
                self.give_up_uncertain();
            }
            for reply in waiting {
                let outcome = match &done {
                    Ok(()) => Ok(()),
                    Err(problem) => Err(Problem::new(problem.kind, problem.message.clone())),
                };
                // Nobody waits any more.
                let _ = reply.send(outcome);
            }
            if is_failed && !is_closing {
                tokio::time::sleep(RETRY_PAUSE).await;
            }
        }
    }

    /// How long to wait when nothing has ended: until leases have lain idle, or a sign of life is due.
    fn rest(&self) -> Option<Duration> {
        self.node?;
        if self.uncertain.is_some() {
            return Some(RETRY_PAUSE);
        }
        let has_leases = self.shared.counted().leases.has_leases();
        let due = self
            .renewed
            .map_or(RENEWAL_INTERVAL, |renewed| RENEWAL_INTERVAL.saturating_sub(renewed.elapsed()));
        Some(if has_leases { LEASE_IDLE_TIME } else { due })
    }

    async fn run(&mut self, order: Order) -> Result<(), Problem> {
        let Order { mut asking, give_back, .. } = order;
        let mut may_sort_out = true;
        let mut undone = 0;
        loop {
            if let Err(problem) = self.resolve().await {
                refuse_all(asking, &problem);
                return Err(problem);
            }
            let Unwritten { problem, asking: left } = match self.try_to_write(asking, give_back).await {
                Ok(()) => return Ok(()),
                Err(unwritten) => unwritten,
            };
            asking = left;
            if is_undone(&problem) && undone < MAX_UNDONE_RETRIES {
                undone += 1;
                continue;
            }
            let is_sorted_out = if may_sort_out && is_refused(&problem) {
                may_sort_out = false;
                self.set_refused_aside().await
            } else {
                Ok(false)
            };
            let problem = match is_sorted_out {
                Ok(true) => continue,
                Ok(false) => problem,
                Err(worse) => worse,
            };
            refuse_all(asking, &problem);
            return Err(problem);
        }
    }

    /// Writes one batch, in bounded time.
    async fn try_to_write(&mut self, asking: Vec<Asking>, give_back: bool) -> Result<(), Unwritten> {
        let (sealed, ended) = {
            let mut counted = self.shared.counted();
            counted.is_writing = true;
            let spare = std::mem::take(&mut counted.spare);
            let next = Ended { records: spare, set_aside: Vec::new() };
            (counted.leases.seal(), std::mem::replace(&mut counted.ended, next))
        };
        let attempt = Attempt { asking, ended, give_back };
        let written = tokio::time::timeout(BATCH_TIMEOUT, self.write(sealed, attempt)).await;
        self.shared.counted().is_writing = false;
        written.unwrap_or_else(|_| {
            // What the batch had taken out is in `uncertain` or was put back by its guard.
            Err(Unwritten { problem: no_answer(), asking: Vec::new() })
        })
    }

    /// Sets aside the records that the database refuses; whether there were any.
    async fn set_refused_aside(&mut self) -> Result<bool, Problem> {
        let ended = std::mem::take(&mut self.shared.counted().ended);
        let mut writing = Writing { shared: Arc::clone(&self.shared), ended: Some(ended) };
        let Some(ended) = &mut writing.ended else { return Ok(false) };
        let sorting = tokio::time::timeout(SORTING_TIMEOUT, ended.set_refused_aside(&self.custody.store));
        let set_aside = sorting.await.unwrap_or_else(|_| Err(no_answer()))?;
        self.custody.counters.records_set_aside.add(set_aside);
        Ok(set_aside > 0)
    }

    /// Counts the records of a commit without an answer among those that could not be written: nothing asks again at the end.
    fn give_up_uncertain(&mut self) {
        if let Some(uncertain) = self.uncertain.take() {
            self.shared.counted().ended.put_back(uncertain.ended);
        }
    }

    /// Finds out whether the batch happened whose commit got no answer.
    async fn resolve(&mut self) -> Result<(), Problem> {
        let (Some(uncertain), Some(node)) = (&self.uncertain, self.node) else { return Ok(()) };
        let mut session = self.custody.store.read().await?;
        let last = node::last_batch(&mut session, node).await?;
        let happened = match (last, uncertain.ended.records.first()) {
            (Some(last), _) => last > self.batch,
            (None, Some(record)) => usage::exists(&mut session, record.uid).await?,
            (None, None) => false,
        };
        let Some(uncertain) = self.uncertain.take() else { return Ok(()) };
        let mut counted = self.shared.counted();
        if happened {
            self.batch += 1;
            counted.leases.happened_unheard(uncertain.batch);
        } else {
            counted.leases.did_not_happen(uncertain.batch);
            counted.ended.put_back(uncertain.ended);
        }
        drop(counted);
        if last.is_none() && self.batch > 0 {
            self.start_new_epoch();
        }
        Ok(())
    }

    /// This server's lease had lapsed, and others have settled what it held.
    fn start_new_epoch(&mut self) {
        let mut counted = self.shared.counted();
        counted.leases = LeasePool::default();
        counted.epoch += 1;
        counted.alive_until = None;
        // Whatever they held has been settled without them.
        counted.ended.all_mut().for_each(|record| record.kind = Kind::Late);
        (self.node, self.batch, self.renewed) = (None, 0, None);
        tracing::warn!("node lease expired; peers settled our outstanding holds");
    }
}

async fn sleep_for(duration: Option<Duration>) {
    match duration {
        Some(duration) => tokio::time::sleep(duration).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
