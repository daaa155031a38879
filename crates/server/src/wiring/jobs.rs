//! What runs beside the requests.

use std::time::Duration;

use strongroom::key::Policy;
use strongroom::{Actor, Strongroom};
use tokio_util::sync::CancellationToken;

/// How the log calls a head of the audit chain.
pub(crate) const AUDIT_HEAD: &str = "audit head";

/// Writes the heads of the audit chain to the log at intervals: a copy outside the database, against which a chain that
/// was cut short or put back can be told.
pub(super) async fn log_audit_heads(room: Strongroom, interval: Duration, stop: CancellationToken) {
    loop {
        match room.audit().heads().await {
            Ok(heads) => heads.iter().for_each(|head| {
                tracing::info!(chain = head.chain_id, seq = head.seq, link = head.link, "{AUDIT_HEAD}");
            }),
            Err(problem) => tracing::warn!(code = problem.kind.code(), "the audit heads cannot be read"),
        }
        tokio::select! {
            () = tokio::time::sleep(interval) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// How often servers that are gone are looked for: well within their lease.
const RECOVER: Duration = Duration::from_secs(5);
/// How often it is looked whether the data key is to be replaced, or a rotation to go on that was cut short.
const TEND: Duration = Duration::from_secs(5);
/// How often keys that providers refused are asked about.
const RECHECK: Duration = Duration::from_secs(30);
/// How often records that were kept for long enough are deleted.
const RETIRE: Duration = Duration::from_secs(3600);

/// How often replaced versions are looked at; a server that is busy with one counts as such for longer.
const DRAIN: Duration = Duration::from_secs(10);
/// How often it is looked for what has become due, and for what was deleted long ago.
const CARE: Duration = Duration::from_secs(3600);

/// What a job that is done again and again is told to do next.
async fn again(pause: Duration, stop: &CancellationToken) -> bool {
    tokio::select! {
        () = tokio::time::sleep(pause) => true,
        () = stop.cancelled() => false,
    }
}

/// Settles what servers hold that are gone.
pub(super) async fn recover_holds(room: Strongroom, stop: CancellationToken) {
    loop {
        if let Err(problem) = room.recover_holds().await {
            tracing::warn!(code = problem.kind.code(), "what other servers hold cannot be looked at");
        }
        if !again(RECOVER, &stop).await {
            return;
        }
    }
}

/// Asks providers again about keys that they refused.
pub(super) async fn recheck_health(room: Strongroom, stop: CancellationToken) {
    while again(RECHECK, &stop).await {
        if let Err(problem) = room.recheck_health().await {
            tracing::warn!(code = problem.kind.code(), "keys that were refused cannot be tested again");
        }
    }
}

/// Deletes records that were kept for long enough.
pub(super) async fn retire_usage(room: Strongroom, days: u32, stop: CancellationToken) {
    loop {
        match room.usage(Actor::system()).retire(days).await {
            Ok(0) => {}
            Ok(records) => {
                tracing::info!(records, days, "usage records were deleted; the sums of their days stay")
            }
            Err(problem) => tracing::warn!(code = problem.kind.code(), "old usage records cannot be deleted"),
        }
        if !again(RETIRE, &stop).await {
            return;
        }
    }
}

/// Replaces the data key when it has come of age, and has rotations go on that were cut short.
pub(super) async fn tend_keys(room: Strongroom, policy: Policy, stop: CancellationToken) {
    let mut said = String::new();
    loop {
        let tended = room.keys().rotate_if_due(&policy).await;
        let trouble = tended.err().map(|problem| problem.message).unwrap_or_default();
        // Once, and not every few seconds.
        if trouble != said && !trouble.is_empty() {
            tracing::warn!(trouble, "the data key cannot be replaced just now");
        }
        said = trouble;
        if !again(TEND, &stop).await {
            return;
        }
    }
}

/// Retires versions that were replaced once no call uses them any more.
pub(super) async fn drain_versions(room: Strongroom, stop: CancellationToken) {
    while again(DRAIN, &stop).await {
        if let Err(problem) = room.drain_versions().await {
            tracing::warn!(code = problem.kind.code(), "replaced versions cannot be looked at");
        }
    }
}

/// Says what has become due, rotates what can be by itself, and purges what was deleted long ago.
pub(super) async fn care_for_credentials(room: Strongroom, stop: CancellationToken) {
    loop {
        let service = room.credentials(Actor::system());
        if let Err(problem) = service.remind().await {
            tracing::warn!(code = problem.kind.code(), "what is due cannot be looked at");
        }
        if let Err(problem) = service.rotate_due().await {
            tracing::warn!(code = problem.kind.code(), "what is to be rotated cannot be looked at");
        }
        if let Err(problem) = service.revoke_retired().await {
            tracing::warn!(code = problem.kind.code(), "what is to be revoked cannot be looked at");
        }
        match service.purge_deleted().await {
            Ok(0) => {}
            Ok(credentials) => tracing::info!(credentials, "deleted credentials were purged"),
            Err(problem) => {
                tracing::warn!(code = problem.kind.code(), "deleted credentials cannot be purged")
            }
        }
        if !again(CARE, &stop).await {
            return;
        }
    }
}
