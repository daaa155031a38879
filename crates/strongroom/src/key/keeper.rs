//! What a process does for its keys beside everything else: signs of life, and rotations that go on.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use futures::FutureExt;
use strongroom_model::ProblemKind;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::drive::{Drive, Step};
use crate::supervision::supervise;
use crate::{Inner, Strongroom};

/// Between two signs of life: well within the time that a process counts as alive.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);
/// Before a step of a rotation that failed is tried again, and how often that is.
const PAUSE: Duration = Duration::from_secs(1);
const ATTEMPTS: u32 = 60;

/// Works in tasks of its own, which end with the strongroom.
#[derive(Debug)]
pub(crate) struct Keeper {
    wake: Arc<Notify>,
    tasks: Mutex<JoinSet<()>>,
}

impl Keeper {
    /// Starts the keeper of a strongroom that is just being made.
    pub(crate) fn open(room: &Weak<Inner>) -> Self {
        let wake = Arc::new(Notify::new());
        let mut tasks = JoinSet::new();
        tasks
            .spawn(supervise(("signs of life", room.clone()), room.clone(), |room| keep_alive(room).boxed()));
        let state = (room.clone(), Arc::clone(&wake));
        tasks.spawn(supervise(("rotations", room.clone()), state, |(room, wake)| rotate(room, wake).boxed()));
        Self { wake, tasks: Mutex::new(tasks) }
    }

    /// Has a rotation that is open go on.
    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Stops. A rotation goes on from where it was when somebody looks again.
    pub(crate) fn stop(&self) {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
    }
}

async fn keep_alive(room: &Weak<Inner>) {
    loop {
        tokio::time::sleep(SIGN_OF_LIFE).await;
        let Some(room) = room.upgrade().map(Strongroom) else { return };
        if let Err(problem) = room.keep_alive().await {
            tracing::warn!(%problem, "this server could not say that it is alive and which master keys it holds");
        }
    }
}

async fn rotate(room: &Weak<Inner>, wake: &Notify) {
    loop {
        wake.notified().await;
        let (mut drive, mut failures) = (Drive::default(), 0);
        loop {
            let Some(room) = room.upgrade().map(Strongroom) else { return };
            let step = drive.step(&room).await;
            drop(room);
            match step {
                Ok(Step::Pause(pause)) => {
                    failures = 0;
                    tokio::time::sleep(pause).await;
                }
                Ok(Step::Done) => break,
                Err(problem) if problem.kind == ProblemKind::Unavailable && failures < ATTEMPTS => {
                    failures += 1;
                    tracing::warn!(%problem, "a step of the key's rotation failed and is tried again");
                    tokio::time::sleep(PAUSE).await;
                }
                Err(problem) => {
                    tracing::error!(%problem, "the key's rotation does not go on");
                    break;
                }
            }
        }
    }
}
