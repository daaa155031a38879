//! Jobs that run beside the requests: each again and again, on every server or on one of them for all.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use strongroom::key::Policy;
use strongroom::{Actor, Clock, Problem, Strongroom};
use tokio_util::sync::CancellationToken;

/// How the log calls a head of the audit chain.
pub(crate) const AUDIT_HEAD: &str = "audit head";

/// Well within the lease of a server: those that are gone are found soon after it has ended.
const RECOVERY_INTERVAL: Duration = Duration::from_secs(5);
/// Also how long a rotation of the data key that was cut short waits until it goes on.
const KEY_INTERVAL: Duration = Duration::from_secs(5);
/// Between two questions to a provider about a key that it refused.
const RECHECK_INTERVAL: Duration = Duration::from_secs(30);
/// A server that holds a replaced version counts as such for longer.
const DRAIN_INTERVAL: Duration = Duration::from_secs(10);
/// Between two looks at what limits refused and providers said of keys.
const OBSERVATION_INTERVAL: Duration = Duration::from_secs(5);
/// The grain of a limit's history.
const SAMPLE_INTERVAL: Duration = Duration::from_secs(60);
/// How old figures of single credentials, tokens and users may be on a page.
const ROLLUP_INTERVAL: Duration = Duration::from_secs(15);
const RANK_INTERVAL: Duration = Duration::from_secs(300);
/// Between two looks for alerts to tell or to send: mostly one question to the database.
const ALERT_INTERVAL: Duration = Duration::from_secs(2);
/// How long a refusal by a limit waits until it is written down.
const REFUSAL_INTERVAL: Duration = Duration::from_secs(5);
/// Between two looks at limits and at what fires.
const ALERT_WATCH_INTERVAL: Duration = Duration::from_secs(15);
/// Between two looks at credentials that expire or are not used.
const CREDENTIAL_WATCH_INTERVAL: Duration = Duration::from_secs(300);
/// Between two verifications of the whole audit trail, which reads every entry.
const VERIFICATION_INTERVAL: Duration = Duration::from_secs(6 * 3600);
/// What is due by the day, or kept for days.
const DAILY_WORK_INTERVAL: Duration = Duration::from_secs(3600);

/// Where a job runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Runs {
    /// On every server.
    Node,
    /// On one server for all that share the database.
    Cluster,
}

/// When a job runs for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begins {
    AtOnce,
    AfterPause,
}

/// A job. Its run does no harm when it is done twice.
pub(super) struct Job {
    name: &'static str,
    every: Duration,
    runs: Runs,
    begins: Begins,
    run: Box<dyn Fn(Strongroom) -> BoxFuture<'static, Result<(), Problem>> + Send + Sync>,
}

impl Job {
    /// A job of every server that begins at once.
    fn new<F>(
        name: &'static str,
        every: Duration,
        run: impl Fn(Strongroom) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<(), Problem>> + Send + 'static,
    {
        let run = Box::new(move |room| run(room).boxed());
        Self { name, every, runs: Runs::Node, begins: Begins::AtOnce, run }
    }

    fn in_cluster(self) -> Self {
        Self { runs: Runs::Cluster, ..self }
    }

    fn after_pause(self) -> Self {
        Self { begins: Begins::AfterPause, ..self }
    }

    /// Runs it again and again until the stop. That it failed is logged when it fails in another way than the time before.
    pub(super) async fn work(self, room: Strongroom, stop: CancellationToken) {
        let mut is_due = self.begins == Begins::AtOnce;
        let mut failure = String::new();
        loop {
            if is_due {
                let failed = self.run_once(&room).await.err();
                let message = failed.as_ref().map_or_else(String::new, |problem| problem.message.clone());
                if let Some(problem) = failed.filter(|_| message != failure) {
                    tracing::warn!(job = self.name, code = problem.kind.code(), %problem, "failed to run a job");
                }
                failure = message;
            }
            is_due = true;
            tokio::select! {
                () = tokio::time::sleep(self.every) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    async fn run_once(&self, room: &Strongroom) -> Result<(), Problem> {
        // Begun once it is claimed.
        let work = async { (self.run)(room.clone()).await };
        match self.runs {
            Runs::Node => work.await,
            Runs::Cluster => room.run_claimed(self.name, self.every, work).await.map(|_| ()),
        }
    }
}

/// Settings of the jobs.
pub(super) struct JobOptions {
    /// Between two copies of the heads of the audit chain in the log.
    pub(super) audit_head_interval: Duration,
    /// How long usage records are kept.
    pub(super) usage_days: u32,
    /// When the data key is replaced.
    pub(super) key_policy: Policy,
}

/// The jobs of a server.
pub(super) fn all(options: JobOptions) -> Vec<Job> {
    let JobOptions { audit_head_interval, usage_days, key_policy } = options;
    vec![
        Job::new("audit-heads", audit_head_interval, log_audit_heads),
        Job::new("hold-recovery", RECOVERY_INTERVAL, async |room| room.recover_holds().await.map(drop)),
        Job::new("key-rotation", KEY_INTERVAL, move |room| rotate_data_key(room, key_policy)),
        Job::new("health-recheck", RECHECK_INTERVAL, async |room| room.recheck_health().await.map(drop))
            .after_pause(),
        Job::new("version-drain", DRAIN_INTERVAL, async |room| room.drain_versions().await.map(drop))
            .after_pause(),
        Job::new("observations", OBSERVATION_INTERVAL, async |room| room.write_observations().await)
            .after_pause(),
        Job::new("limit-samples", SAMPLE_INTERVAL, sample_limits).after_pause(),
        Job::new("usage-rollups", ROLLUP_INTERVAL, roll_up),
        Job::new("usage-tops", RANK_INTERVAL, rank),
        Job::new("usage-hours", DAILY_WORK_INTERVAL, async |room| {
            room.usage(Actor::system()).fold().await?;
            room.retire_observations().await
        })
        .in_cluster(),
        Job::new("alert-delivery", ALERT_INTERVAL, tell_alerts),
        Job::new("alert-refusals", REFUSAL_INTERVAL, async |room| room.note_refusals().await.map(drop))
            .after_pause(),
        Job::new("alert-limits", ALERT_WATCH_INTERVAL, async |room| room.watch_limits().await.map(drop))
            .in_cluster(),
        Job::new("alert-node", ALERT_WATCH_INTERVAL, async |room| {
            room.alert_work().watch_node(Clock::default().local_now()).await.map(drop)
        })
        .after_pause(),
        Job::new("alert-digest", DAILY_WORK_INTERVAL, async |room| {
            room.alert_work().write_digest().await.map(drop)
        })
        .in_cluster(),
        Job::new("audit-verification", VERIFICATION_INTERVAL, verify_audit).in_cluster().after_pause(),
        Job::new("alert-figures", SAMPLE_INTERVAL, async |room| room.watch_figures().await.map(drop))
            .in_cluster(),
        Job::new("alert-credentials", CREDENTIAL_WATCH_INTERVAL, async |room| {
            room.watch_credentials().await.map(drop)
        })
        .in_cluster(),
        Job::new("usage-retention", DAILY_WORK_INTERVAL, move |room| retire_usage(room, usage_days))
            .in_cluster(),
        Job::new("credential-reminders", DAILY_WORK_INTERVAL, async |room| {
            system(&room).remind().await.map(drop)
        })
        .in_cluster(),
        Job::new("credential-rotation", DAILY_WORK_INTERVAL, async |room| {
            system(&room).rotate_due().await.map(drop)
        })
        .in_cluster(),
        Job::new("key-revocation", DAILY_WORK_INTERVAL, async |room| {
            system(&room).revoke_retired().await.map(drop)
        })
        .in_cluster(),
        Job::new("credential-purge", DAILY_WORK_INTERVAL, purge_deleted).in_cluster(),
    ]
}

fn system(room: &Strongroom) -> strongroom::CredentialService {
    room.credentials(Actor::system())
}

/// Has one server decide who is told of alerts, and sends what is due. A message is claimed by itself, so that every server sends some.
async fn tell_alerts(room: Strongroom) -> Result<(), Problem> {
    if !room.has_alerts_to_tell().await? {
        return Ok(());
    }
    let telling = async { room.fan_out_alerts().await.map(drop) };
    let is_ours = Box::pin(room.run_claimed("alert-fan-out", ALERT_INTERVAL, telling)).await?;
    // A server that was killed keeps its lease for a minute. Two that decide tell nobody twice.
    if !is_ours && room.are_alerts_overdue().await? {
        room.fan_out_alerts().await?;
    }
    room.deliver_alerts().await.map(drop)
}

/// Verifies the audit trail; people are told when it does not verify.
async fn verify_audit(room: Strongroom) -> Result<(), Problem> {
    for fault in room.alert_work().verify_audit().await?.faults {
        tracing::error!(
            chain = fault.chain_id,
            seq = fault.seq,
            fault = fault.fault,
            "failed to verify the audit trail"
        );
    }
    Ok(())
}

/// Writes the heads of the audit chain to the log: a copy outside the database, against which a chain that was cut short or put
/// back can be told.
async fn log_audit_heads(room: Strongroom) -> Result<(), Problem> {
    for head in room.audit().heads().await? {
        tracing::info!(chain = head.chain_id, seq = head.seq, link = head.link, "{AUDIT_HEAD}");
    }
    Ok(())
}

/// Replaces the data key when it has come of age, and has rotations go on that were cut short.
async fn rotate_data_key(room: Strongroom, policy: Policy) -> Result<(), Problem> {
    room.keys().rotate_if_due(&policy).await
}

/// Notes where limits stand. Claimed only when there is something to note: an idle server writes nothing.
async fn sample_limits(room: Strongroom) -> Result<(), Problem> {
    if !room.have_limits_moved().await? {
        return Ok(());
    }
    let work = async { room.sample_limits().await.map(drop) };
    Box::pin(room.run_claimed("limit-samples", SAMPLE_INTERVAL, work)).await.map(drop)
}

/// Makes roll-ups of days that have changed, if there are any.
async fn roll_up(room: Strongroom) -> Result<(), Problem> {
    let usage = room.usage(Actor::system());
    if !usage.is_behind().await? {
        return Ok(());
    }
    let work = async { usage.roll_up().await.map(drop) };
    Box::pin(room.run_claimed("usage-rollups", ROLLUP_INTERVAL, work)).await.map(drop)
}

/// Ranks the dearest subjects, if there is anything new to rank.
async fn rank(room: Strongroom) -> Result<(), Problem> {
    let usage = room.usage(Actor::system());
    if !usage.is_ranking_due().await? {
        return Ok(());
    }
    let work = async { usage.rank().await };
    Box::pin(room.run_claimed("usage-tops", RANK_INTERVAL, work)).await.map(drop)
}

/// Deletes records that were kept for long enough.
async fn retire_usage(room: Strongroom, days: u32) -> Result<(), Problem> {
    let records = room.usage(Actor::system()).retire(days).await?;
    if records > 0 {
        tracing::info!(records, days, "deleted usage records; the sums of their days stay");
    }
    Ok(())
}

/// Erases the keys of credentials that were deleted long ago.
async fn purge_deleted(room: Strongroom) -> Result<(), Problem> {
    let credentials = system(&room).purge_deleted().await?;
    if credentials > 0 {
        tracing::info!(credentials, "purged deleted credentials");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
