//! The reading desk: concurrent reads share one transaction, one lock of the audit chain's head and one commit.
//!
//! Reads queue while a commit is under way, so the batches grow with the load and the number of commits follows the
//! disk. The desk works in a task of its own: a caller that goes away half-way takes nobody else's read with it.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, Weak};

use futures::FutureExt;
use serde_json::json;
use strongroom_crypto::{OpenError, random};
use strongroom_model::audit::{NewEntry, Target};
use strongroom_model::credential::{Credential, Field, Source};
use strongroom_model::{Actor, CredentialId, Millis, Problem, ProblemKind, Provider, Secret, UserId, month};
use strongroom_store::usage::{self, Kind, Record};
use strongroom_store::value::{self, SealedValue};
use strongroom_store::{Session, Write, counter, credential};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::read::{RevealedCredential, within_reach};
use crate::audit::entry;
use crate::sealing::Place;
use crate::{Inner, Strongroom};

/// Reads in one transaction at the most: few enough that other writers do not wait long for their turn.
const BATCH: usize = 64;
/// Reads that may wait; more wait at the door of the queue.
const QUEUE: usize = 1024;

/// What a read looks for.
#[derive(Debug, Clone)]
pub(super) enum Wanted {
    /// The credential of this name, if one of these views shows it: `None` the global ones, a user its own.
    Named { name: String, views: Vec<Option<UserId>> },
    /// This credential, as long as it is the provider's.
    Candidate { id: CredentialId, provider: Provider },
}

/// What a read comes to; `None` when there is no such credential that is active.
type Outcome = Result<Option<RevealedCredential>, Problem>;

struct Read {
    actor: Actor,
    wanted: Wanted,
    reply: oneshot::Sender<Outcome>,
}

/// Takes reads and answers them in batches.
#[derive(Debug)]
pub(crate) struct Desk {
    queue: mpsc::Sender<Read>,
    // Dropping it ends the task; by then nobody is left who could wait for an answer.
    _task: Mutex<JoinSet<()>>,
}

impl Desk {
    /// Starts the desk of a strongroom that is just being made.
    pub(crate) fn open(room: Weak<Inner>) -> Self {
        let (queue, reads) = mpsc::channel(QUEUE);
        let mut task = JoinSet::new();
        task.spawn(work(room, reads));
        Self { queue, _task: Mutex::new(task) }
    }

    /// Reads a key: counted, recorded and audited, or not handed out.
    pub(super) async fn read(&self, actor: Actor, wanted: Wanted) -> Outcome {
        let gone = || Problem::internal("the read broke off; the log has more");
        let (reply, answer) = oneshot::channel();
        self.queue.send(Read { actor, wanted, reply }).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

async fn work(room: Weak<Inner>, mut reads: mpsc::Receiver<Read>) {
    let mut batch = Vec::with_capacity(BATCH);
    while reads.recv_many(&mut batch, BATCH).await > 0 {
        let Some(room) = room.upgrade().map(Strongroom) else { return };
        // A caller that has gone away gets no key, so none is counted for it.
        batch.retain(|read| !read.reply.is_closed());
        let answered = AssertUnwindSafe(room.answer(std::mem::take(&mut batch))).catch_unwind().await;
        if answered.is_err() {
            tracing::error!("a batch of reads panicked; its callers were told that their reads broke off");
        }
    }
}

/// A read that has found its credential and opened its values, and now only needs a use to be left.
struct Ready {
    read: Read,
    found: Credential,
    api_key: Secret,
    api_secret: Option<Secret>,
}

/// A sealed value that did not open.
struct Broken {
    found: Credential,
    value: SealedValue,
    error: OpenError,
}

/// The reads of one transaction. Each is in exactly one place, so that none goes without an answer.
struct Batch {
    waiting: VecDeque<Read>,
    ready: Vec<Ready>,
    answered: Vec<(Read, Outcome)>,
    broken: Vec<(Read, Broken)>,
}

impl Batch {
    fn into_reads(self) -> impl Iterator<Item = Read> {
        let ready = self.ready.into_iter().map(|one| one.read);
        let answered = self.answered.into_iter().map(|(read, _)| read);
        let broken = self.broken.into_iter().map(|(read, _)| read);
        self.waiting.into_iter().chain(ready).chain(answered).chain(broken)
    }
}

impl Strongroom {
    async fn answer(&self, reads: Vec<Read>) {
        if reads.is_empty() {
            return;
        }
        let (ready, answered, broken) = (Vec::new(), Vec::new(), Vec::new());
        let mut batch = Batch { waiting: VecDeque::from(reads), ready, answered, broken };
        if let Err(problem) = self.commit(&mut batch).await {
            // Nothing is certain to be durable, so nobody gets a key.
            let cause = problem.cause.as_ref().map(ToString::to_string);
            for read in batch.into_reads() {
                let same = Problem::new(problem.kind, problem.message.clone());
                reply(read, Err(cause.iter().cloned().fold(same, Problem::caused_by)));
            }
            return;
        }
        for (read, outcome) in batch.answered {
            if matches!(outcome, Ok(Some(_))) {
                self.0.signals.reads_from_database.add_one();
            }
            reply(read, outcome);
        }
        for (read, Broken { found, value, error }) in batch.broken {
            let problem = self.report_broken(&read.actor, &found, &value, error).await;
            reply(read, Err(problem));
        }
    }

    /// Moves every read to where its answer is, and makes that durable.
    async fn commit(&self, batch: &mut Batch) -> Result<(), Problem> {
        let mut tx = self.0.store.write().await?;
        let now = tx.now().await?;
        while let Some(read) = batch.waiting.front() {
            let found = match self.find(&mut tx, read, now).await {
                Err(problem) if problem.kind != ProblemKind::Denied => return Err(problem),
                other => other,
            };
            let Some(read) = batch.waiting.pop_front() else { break };
            match found {
                Ok(Some((found, values))) => self.open_for(read, found, values, batch),
                Ok(None) => batch.answered.push((read, Ok(None))),
                Err(denied) => batch.answered.push((read, Err(denied))),
            }
        }
        // Counters are locked in one order everywhere: two nodes never wait for each other.
        batch.ready.sort_by_key(|one| std::cmp::Reverse(one.found.uid));
        let mut entries = Vec::with_capacity(batch.ready.len());
        while let Some(one) = batch.ready.last() {
            let outcome = match self.hand_out(&mut tx, one, now, &mut entries).await {
                Err(problem) if problem.kind != ProblemKind::LimitReached => return Err(problem),
                other => other.map(Some),
            };
            let Some(one) = batch.ready.pop() else { break };
            batch.answered.push((one.read, outcome));
        }
        if entries.is_empty() {
            return Ok(tx.roll_back().await?);
        }
        self.append(&mut tx, entries).await?;
        Ok(tx.commit().await?)
    }

    async fn find(
        &self,
        session: &mut Session,
        read: &Read,
        now: Millis,
    ) -> Result<Option<(Credential, Vec<SealedValue>)>, Problem> {
        let found = match &read.wanted {
            Wanted::Named { name, views } => {
                let found = credential::get_by_name(session, name, now).await?;
                within_reach(&read.actor, found)?.filter(|found| is_seen(found, views))
            }
            Wanted::Candidate { id, provider } => {
                credential::get(session, *id, now).await?.filter(|found| found.provider == *provider)
            }
        };
        let Some(found) = found.filter(|found| found.is_active) else { return Ok(None) };
        let values = value::list_of_version(session, found.version).await?;
        Ok(Some((found, values)))
    }

    /// Opened before a use is counted: what cannot be handed out costs nothing.
    fn open_for(&self, read: Read, found: Credential, values: Vec<SealedValue>, batch: &mut Batch) {
        let (mut api_key, mut api_secret) = (None, None);
        for value in values {
            match self.open_value(Place::of(&found), &value) {
                Ok(secret) if value.field == Field::ApiKey => api_key = Some(secret),
                Ok(secret) => api_secret = Some(secret),
                Err(error) => return batch.broken.push((read, Broken { found, value, error })),
            }
        }
        match api_key {
            Some(api_key) => batch.ready.push(Ready { read, found, api_key, api_secret }),
            None => {
                let problem = super::test::no_key(&found);
                batch.answered.push((read, Err(problem)));
            }
        }
    }

    async fn hand_out(
        &self,
        tx: &mut Write,
        ready: &Ready,
        now: Millis,
        entries: &mut Vec<NewEntry>,
    ) -> Result<RevealedCredential, Problem> {
        let found = &ready.found;
        let actor = &ready.read.actor;
        let current_month_usage = self.take(tx, actor, found, Kind::Read, now).await?;
        let detail = json!({
            "provider": found.provider.as_str(),
            "version": found.version_number,
            "source": Source::Database.as_str(),
        });
        let target = Target::named("credential", found.uid, &found.name);
        entries.push(entry(actor, "credential.read", target, now, &detail));
        Ok(RevealedCredential {
            id: Some(found.id),
            name: found.name.clone(),
            provider: found.provider.clone(),
            endpoint: found.endpoint.clone(),
            api_key: ready.api_key.clone(),
            api_secret: ready.api_secret.clone(),
            source: Source::Database,
            version: Some(found.version_number),
            // What the month gained since the row was read, others in this batch included.
            usage_count: found.usage_count + (current_month_usage - found.current_month_usage),
            current_month_usage,
            rate_limit: found.rate_limit,
        })
    }

    /// Counts one use and writes it into the ledger.
    pub(super) async fn take(
        &self,
        tx: &mut Write,
        actor: &Actor,
        found: &Credential,
        kind: Kind,
        now: Millis,
    ) -> Result<i64, Problem> {
        let Some(used) = counter::take_one(tx, found.uid, now).await? else {
            self.0.signals.limit_refusals.add_one();
            return Err(super::read::used_up(now));
        };
        let record = Record {
            uid: random::uid(),
            at: now,
            window_start: month::start(now),
            kind,
            actor: &actor.label(),
            user: actor.user,
            credential: Some(found.uid),
            version: Some(found.version),
            provider: &found.provider,
            source: Source::Database,
            requests: 1,
            adjustment: 0,
        };
        usage::insert(tx, &record).await?;
        Ok(used)
    }
}

fn is_seen(found: &Credential, views: &[Option<UserId>]) -> bool {
    views.iter().any(|view| match view {
        None => found.is_global,
        Some(user) => !found.is_global && found.user == Some(*user),
    })
}

fn reply(read: Read, outcome: Outcome) {
    // A caller that went away meanwhile: its use stays counted, as for an answer that was lost on the wire.
    let _ = read.reply.send(outcome);
}
