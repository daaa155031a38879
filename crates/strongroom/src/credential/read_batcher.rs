//! Group commit of reads: concurrent reads share one transaction, one lock of the audit chain's head and one commit.
//!
//! Reads queue while a commit is under way, so the batches grow with the load and the number of commits follows the
//! disk. The worker is a task of its own: a caller that goes away half-way takes nobody else's read with it.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use serde_json::json;
use strongroom_model::audit::{NewEntry, Target};
use strongroom_model::credential::{Credential, Source};
use strongroom_model::problem::Causes;
use strongroom_model::{Actor, CredentialId, Problem, ProblemKind, Provider, UserId};
use strongroom_store::usage::{self, Kind, Record};
use strongroom_store::{Session, Write, change, credential};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::revealed::RevealedCredential;
use super::visibility::{expired, is_seen, no_key, within_reach};
use crate::admission::Plan;
use crate::admission::immediate;
use crate::cache::{ActiveCredential, Cache, Snapshot};
use crate::custody::Custody;
use crate::custody::seal::Fault;
use crate::custody::trail::entry;
use crate::supervision::supervise;

/// Reads in one transaction at the most: few enough that other writers do not wait long for their turn.
const MAX_READS_PER_BATCH: usize = 256;
/// Reads that may wait; more wait at the door of the queue.
const MAX_WAITING_READS: usize = 1024;

/// How often a batch starts over because a credential in it was changed.
const ATTEMPTS: usize = 8;
/// The longest that a batch may take: a database that vanished without a word is not waited for.
const BATCH_TIMEOUT: Duration = Duration::from_secs(20);

/// Credential that a read looks for.
#[derive(Debug, Clone)]
pub(super) enum Wanted {
    /// The credential of this name, if one of these views shows it: `None` the global ones, a user its own.
    Named { name: String, views: Vec<Option<UserId>> },
    /// This credential, as long as it is the provider's and this view shows it.
    Candidate { id: CredentialId, provider: Provider, view: Option<UserId> },
}

/// Outcome of a read; `None` when there is no such active credential.
type Outcome = Result<Option<RevealedCredential>, Problem>;

struct Read {
    actor: Actor,
    wanted: Wanted,
    /// What a person said about it; goes into the audit entry.
    because: Option<serde_json::Value>,
    reply: oneshot::Sender<Outcome>,
}

/// Takes reads and answers them in batches.
#[derive(Debug)]
pub(crate) struct ReadBatcher {
    queue: mpsc::Sender<Read>,
    // Dropping it ends the task; by then nobody is left who could wait for an answer.
    _task: Mutex<JoinSet<()>>,
}

impl ReadBatcher {
    /// Starts the worker.
    pub(crate) fn open(custody: Arc<Custody>, cache: Arc<Cache>) -> Self {
        let (queue, reads) = mpsc::channel(MAX_WAITING_READS);
        let mut task = JoinSet::new();
        let held = Arc::downgrade(&custody);
        let worker = Worker { custody, cache };
        task.spawn(supervise("reads", held, (worker, reads), |(worker, reads)| worker.work(reads).boxed()));
        Self { queue, _task: Mutex::new(task) }
    }

    /// Reads a key: counted, recorded and audited, or not handed out.
    pub(super) async fn read(&self, actor: Actor, wanted: Wanted) -> Outcome {
        self.send(actor, wanted, None).await
    }

    /// As [`Self::read`], with something to say about it in the audit entry.
    pub(super) async fn read_because(
        &self,
        actor: Actor,
        wanted: Wanted,
        because: serde_json::Value,
    ) -> Outcome {
        self.send(actor, wanted, Some(because)).await
    }

    async fn send(&self, actor: Actor, wanted: Wanted, because: Option<serde_json::Value>) -> Outcome {
        let gone = || Problem::internal("the read broke off; the log has more");
        let (reply, answer) = oneshot::channel();
        self.queue.send(Read { actor, wanted, because, reply }).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

/// The task that answers reads.
struct Worker {
    custody: Arc<Custody>,
    cache: Arc<Cache>,
}

/// Takes in who is on the way: those whom the last batch answered come back with their next reads while the worker would be
/// at the disk again with half of them. Over when nobody came while everybody else had a turn.
async fn gather(reads: &mut mpsc::Receiver<Read>, batch: &mut Vec<Read>) {
    while batch.len() < MAX_READS_PER_BATCH {
        let before = batch.len();
        tokio::task::yield_now().await;
        while batch.len() < MAX_READS_PER_BATCH
            && let Ok(read) = reads.try_recv()
        {
            batch.push(read);
        }
        if batch.len() == before {
            return;
        }
    }
}

/// A read that has found its credential and opened its values, and now only needs a use to be left.
struct Ready {
    read: Read,
    served: Arc<ActiveCredential>,
    plan: Plan,
}

/// A credential that did not open.
struct Broken {
    found: Credential,
    fault: Fault,
}

/// The reads of one transaction. Each is in exactly one place, so that none goes without an answer.
struct Batch {
    waiting: VecDeque<Read>,
    ready: Vec<Ready>,
    answered: Vec<(Read, Outcome)>,
    broken: Vec<(Read, Broken)>,
}

impl Batch {
    fn len(&self) -> usize {
        self.waiting.len() + self.ready.len() + self.answered.len() + self.broken.len()
    }

    /// All reads wait again.
    fn start_over(&mut self) {
        let (ready, answered, broken) = (Vec::new(), Vec::new(), Vec::new());
        let done = std::mem::replace(self, Self { waiting: VecDeque::new(), ready, answered, broken });
        self.waiting.extend(done.into_reads());
    }

    fn into_reads(self) -> impl Iterator<Item = Read> {
        let ready = self.ready.into_iter().map(|one| one.read);
        let answered = self.answered.into_iter().map(|(read, _)| read);
        let broken = self.broken.into_iter().map(|(read, _)| read);
        self.waiting.into_iter().chain(ready).chain(answered).chain(broken)
    }
}

impl Worker {
    async fn work(&self, reads: &mut mpsc::Receiver<Read>) {
        let mut batch = Vec::with_capacity(MAX_READS_PER_BATCH);
        while reads.recv_many(&mut batch, MAX_READS_PER_BATCH).await > 0 {
            gather(reads, &mut batch).await;
            // A caller that has gone away gets no key, so none is counted for it.
            batch.retain(|read| !read.reply.is_closed());
            let answered = AssertUnwindSafe(self.answer(std::mem::take(&mut batch))).catch_unwind().await;
            if answered.is_err() {
                tracing::error!("restarted after a batch of reads panicked; its callers got an error");
            }
        }
    }

    async fn answer(&self, reads: Vec<Read>) {
        if reads.is_empty() {
            return;
        }
        let (ready, answered, broken) = (Vec::new(), Vec::new(), Vec::new());
        let mut batch = Batch { waiting: VecDeque::from(reads), ready, answered, broken };
        if let Err(problem) = self.commit_in_time(&mut batch).await {
            self.custody.write_health.failed(&problem);
            // Nothing is certain to be durable, so nobody gets a key.
            if let Some(cause) = &problem.cause {
                tracing::warn!(cause = %Causes(cause.as_ref()), reads = batch.len(), "failed to commit a batch of reads");
            }
            let is_alone = batch.len() == 1;
            for read in batch.into_reads() {
                if is_alone || problem.kind == ProblemKind::Unavailable {
                    reply(read, Err(Problem::new(problem.kind, problem.message.clone())));
                } else {
                    // What one of them ran into is not the others' matter.
                    Box::pin(self.answer(vec![read])).await;
                }
            }
            return;
        }
        for (read, outcome) in batch.answered {
            if matches!(outcome, Ok(Some(_))) {
                self.custody.counters.reads_from_database.add_one();
            }
            reply(read, outcome);
        }
        for (read, Broken { found, fault }) in batch.broken {
            let problem = self.custody.report_broken(&read.actor, &found, fault).await;
            reply(read, Err(problem));
        }
    }

    async fn commit_in_time(&self, batch: &mut Batch) -> Result<(), Problem> {
        let attempts = async {
            let mut moved = Vec::new();
            for _ in 0..ATTEMPTS {
                moved = self.commit(batch, &moved).await?;
                if moved.is_empty() {
                    return Ok(());
                }
                batch.start_over();
            }
            Err(Problem::new(
                ProblemKind::Unavailable,
                "the credential is being changed all the time; try again",
            ))
        };
        let late =
            || Problem::new(ProblemKind::Unavailable, "the database did not answer in time; try again");
        tokio::time::timeout(BATCH_TIMEOUT, attempts).await.unwrap_or_else(|_| Err(late()))
    }

    /// Moves every read to where its answer is, and makes that durable. When a credential was changed meanwhile, nothing
    /// was done: the rows may come from different versions, and the change is to bind what comes after it. Then it tells
    /// what the batch had read, to be locked beforehand the next time: else somebody who changes one of them again and
    /// again, who holds the head while we wait for it, would win every time.
    async fn commit(&self, batch: &mut Batch, lock: &[CredentialId]) -> Result<Vec<CredentialId>, Problem> {
        let mut tx = self.custody.store.write_at_once().await?;
        for id in lock {
            credential::lock(&mut tx, *id).await?;
        }
        let snapshot = self.cache.snapshot_in(&mut tx).await?;
        self.find_all(&mut tx, batch, snapshot).await?;
        let ready = batch.ready.iter().map(|one| &one.served.credential);
        let seen: Vec<_> =
            ready.chain(batch.broken.iter().map(|(_, broken)| &broken.found)).cloned().collect();
        let (entries, records) = self.hand_out_all(&mut tx, batch, snapshot).await?;
        // Whoever holds the head is alone: every change is audited, so none can commit from here on.
        let head = if entries.is_empty() { None } else { Some(self.custody.lock_chain(&mut tx).await?) };
        if change::has_moved(&mut tx, snapshot.generation).await?
            && credential::any_moved(&mut tx, &seen).await?
        {
            tx.roll_back().await?;
            self.cache.invalidate();
            return Ok(seen.iter().map(|found| found.id).collect());
        }
        match head {
            Some(head) => {
                usage::insert_all(&mut tx, &records).await?;
                self.custody.append_behind(&mut tx, head, entries).await?;
                tx.commit().await?;
                self.custody.write_health.done();
            }
            None => tx.roll_back().await?,
        }
        Ok(Vec::new())
    }

    async fn find_all(&self, tx: &mut Write, batch: &mut Batch, snapshot: Snapshot) -> Result<(), Problem> {
        while let Some(read) = batch.waiting.front() {
            let found = match self.find(tx, read, snapshot).await {
                // A row that holds what we never write is the matter of those who asked for it.
                Err(problem) if !matches!(problem.kind, ProblemKind::Denied | ProblemKind::Integrity) => {
                    return Err(problem);
                }
                other => other,
            };
            let Some(read) = batch.waiting.pop_front() else { break };
            match found {
                Ok(Found::Ready(served, plan)) => batch.ready.push(Ready { read, served, plan }),
                Ok(Found::Nothing) => batch.answered.push((read, Ok(None))),
                Ok(Found::Expired(problem)) => batch.answered.push((read, Err(*problem))),
                Ok(Found::WithoutKey(found)) => {
                    batch.answered.push((read, Err(no_key(&found))));
                }
                Ok(Found::Broken(broken)) => batch.broken.push((read, *broken)),
                Err(problem) => {
                    if problem.kind == ProblemKind::Integrity {
                        self.custody.counters.integrity_failures.add_one();
                    }
                    batch.answered.push((read, Err(problem)));
                }
            }
        }
        Ok(())
    }

    async fn find(&self, session: &mut Session, read: &Read, snapshot: Snapshot) -> Result<Found, Problem> {
        if let Wanted::Named { name, views } = &read.wanted
            && let Some(served) = self.cache.credential_by_name(name, snapshot)
        {
            let found = &served.credential;
            let is_for = within_reach(&read.actor, Some(found))?.is_some() && is_seen(found, views);
            return if is_for && found.is_served() {
                if let Some(at) = found.expires_at.filter(|at| *at <= snapshot.now) {
                    return Ok(Found::Expired(Box::new(expired(found, at))));
                }
                self.ready(session, read, served, snapshot).await
            } else {
                Ok(Found::Nothing)
            };
        }
        let found = match &read.wanted {
            Wanted::Named { name, views } => {
                let found = credential::get_by_name(session, name, snapshot.now).await?;
                within_reach(&read.actor, found.as_ref())?.filter(|found| is_seen(found, views)).cloned()
            }
            Wanted::Candidate { id, provider, view } => credential::get(session, *id, snapshot.now)
                .await?
                .filter(|found| found.provider == *provider && is_seen(found, &[*view])),
        };
        let Some(found) = found.filter(Credential::is_served) else { return Ok(Found::Nothing) };
        let values = self.custody.values_of_version(session, found.version).await?;
        // Opened before a use is counted: what cannot be handed out costs nothing.
        let opened = match self.custody.open_all(&found, values) {
            Ok(opened) => opened,
            Err(fault) => return Ok(Found::Broken(Box::new(Broken { found, fault }))),
        };
        let Some(api_key) = opened.api_key else { return Ok(Found::WithoutKey(Box::new(found))) };
        // The row is known to say what we wrote: only then does its date count.
        if let Some(at) = found.expires_at.filter(|at| *at <= snapshot.now) {
            return Ok(Found::Expired(Box::new(expired(&found, at))));
        }
        let served =
            ActiveCredential { credential: found, api_key, api_secret: opened.api_secret, canary: None };
        let served = Arc::new(served);
        self.cache.keep_named(Arc::clone(&served), snapshot);
        self.ready(session, read, served, snapshot).await
    }

    async fn ready(
        &self,
        session: &mut Session,
        read: &Read,
        served: Arc<ActiveCredential>,
        snapshot: Snapshot,
    ) -> Result<Found, Problem> {
        let plan =
            immediate::plan_use(&self.cache, session, &read.actor, served.credential.uid, snapshot).await?;
        Ok(Found::Ready(served, plan))
    }

    /// Counts the reads that have everything else, in one statement for all.
    async fn hand_out_all(
        &self,
        tx: &mut Write,
        batch: &mut Batch,
        snapshot: Snapshot,
    ) -> Result<(Vec<NewEntry>, Vec<Record>), Problem> {
        let plans: Vec<&Plan> = batch.ready.iter().map(|one| &one.plan).collect();
        let taken = immediate::take_all(&self.custody, tx, &plans, snapshot.now).await?;
        let (mut entries, mut records) = (Vec::new(), Vec::new());
        for (one, taken) in std::mem::take(&mut batch.ready).into_iter().zip(taken) {
            let standing = match taken {
                Ok(standing) => standing,
                Err(problem) => {
                    self.custody.counters.limit_refusals.add_one();
                    batch.answered.push((one.read, Err(problem)));
                    continue;
                }
            };
            let (actor, found) = (&one.read.actor, &one.served.credential);
            let mut detail = json!({
                "provider": found.provider.as_str(),
                "version": found.version_number,
                "source": Source::Database.as_str(),
            });
            if let (Some(detail), Some(serde_json::Value::Object(because))) =
                (detail.as_object_mut(), &one.read.because)
            {
                detail.extend(because.clone());
            }
            let target = Target::named("credential", found.uid, &found.name);
            entries.push(entry(actor, "credential.read", target, snapshot.now, &detail));
            records.push(immediate::record(
                &self.custody,
                actor,
                Some(found),
                &found.provider,
                Kind::Read,
                snapshot,
            ));
            let revealed = RevealedCredential {
                id: Some(found.id),
                name: found.name.clone(),
                provider: found.provider.clone(),
                endpoint: found.endpoint.clone(),
                api_key: one.served.api_key.clone(),
                api_secret: one.served.api_secret.clone(),
                source: Source::Database,
                version: Some(found.version_number),
                usage_count: found.usage_before_this_month + standing.consumed,
                current_month_usage: standing.used,
                rate_limit: found.rate_limit,
            };
            batch.answered.push((one.read, Ok(Some(revealed))));
        }
        Ok((entries, records))
    }
}

/// State of a read after its credential was looked for.
enum Found {
    Ready(Arc<ActiveCredential>, Plan),
    Nothing,
    WithoutKey(Box<Credential>),
    Expired(Box<Problem>),
    Broken(Box<Broken>),
}

fn reply(read: Read, outcome: Outcome) {
    // A caller that went away meanwhile: its use stays counted, as for an answer that was lost on the wire.
    let _ = read.reply.send(outcome);
}
