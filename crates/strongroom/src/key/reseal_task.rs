//! The task that works on rotations beside everything else.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use strongroom_model::ProblemKind;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::reseal::{Resealer, Step};
use crate::custody::Custody;
use crate::supervision::supervise;

/// Before a step of a rotation that failed is tried again.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
/// Attempts in a row before it is left to the next one who wakes the task.
const MAX_ATTEMPTS: u32 = 60;

/// A task that reseals texts while a rotation is open, once it is woken.
#[derive(Debug)]
pub(crate) struct ResealTask {
    wake: Arc<Notify>,
    // Dropping it ends the task.
    task: Mutex<JoinSet<()>>,
}

impl ResealTask {
    /// Starts the task.
    pub(crate) fn start(custody: Arc<Custody>) -> Self {
        let wake = Arc::new(Notify::new());
        let mut task = JoinSet::new();
        let (held, state) = (Arc::downgrade(&custody), (custody, Arc::clone(&wake)));
        task.spawn(supervise("rotations", held, state, |(custody, wake)| rotate(custody, wake).boxed()));
        Self { wake, task: Mutex::new(task) }
    }

    /// Has a rotation that is open go on.
    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Stops. A rotation goes on from where it was when somebody looks again.
    pub(crate) fn stop(&self) {
        self.task.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
    }
}

async fn rotate(custody: &Custody, wake: &Notify) {
    loop {
        wake.notified().await;
        let (mut resealer, mut failures) = (Resealer::default(), 0);
        loop {
            match resealer.step(custody).await {
                Ok(Step::Pause(pause)) => {
                    failures = 0;
                    tokio::time::sleep(pause).await;
                }
                Ok(Step::Done) => break,
                Err(problem) if problem.kind == ProblemKind::Unavailable && failures < MAX_ATTEMPTS => {
                    failures += 1;
                    tracing::warn!(%problem, "failed to reseal a batch; trying again");
                    tokio::time::sleep(RETRY_PAUSE).await;
                }
                Err(problem) => {
                    tracing::error!(%problem, "failed to go on with the key rotation");
                    break;
                }
            }
        }
    }
}
