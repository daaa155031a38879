//! The heartbeat of a process: it says regularly that it is alive, and which master keys it holds.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures::FutureExt;
use tokio::task::AbortHandle;

use super::node_keys;
use crate::custody::Custody;
use crate::supervision::supervise;

/// Between two beats: well within the time that a process counts as alive.
const INTERVAL: Duration = Duration::from_secs(15);

/// A task that beats for as long as somebody has custody of the database.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    task: AbortHandle,
}

impl Heartbeat {
    /// Starts the task.
    pub(crate) fn start(custody: &Arc<Custody>) -> Self {
        let held = Arc::downgrade(custody);
        let (state, mut tasks) = (held.clone(), custody.tasks());
        let task = tasks.spawn(supervise("heartbeat", held, state, |custody| beat(custody).boxed()));
        Self { task }
    }

    /// Stops it.
    pub(crate) fn stop(&self) {
        self.task.abort();
    }
}

async fn beat(custody: &Weak<Custody>) {
    loop {
        tokio::time::sleep(INTERVAL).await;
        let Some(custody) = custody.upgrade() else { return };
        if let Err(problem) = node_keys::keep_alive(&custody).await {
            tracing::warn!(%problem, "failed to renew the heartbeat; peers consider this node dead after a minute");
        }
        if let Err(problem) = custody.write_repeats(false).await {
            tracing::error!(
                code = problem.kind.code(),
                "repeated failures could not be written to the audit trail"
            );
        }
    }
}
