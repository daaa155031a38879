//! Whether the database could be written to when it was last tried: what this process knows without trying once more.

use std::sync::atomic::{AtomicBool, Ordering};

use strongroom_model::Problem;
use strongroom_store::StoreError;

/// How the last write ended, of those that are made all the time: reads, calls, and signs of life.
#[derive(Debug, Default)]
pub(crate) struct Writes {
    is_refused: AtomicBool,
}

impl Writes {
    /// One was done.
    pub(crate) fn done(&self) {
        self.is_refused.store(false, Ordering::Relaxed);
    }

    /// One failed; it counts when the database could not be written to.
    pub(crate) fn failed(&self, problem: &Problem) {
        let cause = problem.cause.as_ref().and_then(|cause| cause.downcast_ref::<StoreError>());
        if matches!(cause, Some(StoreError::NotWritable(_))) {
            self.is_refused.store(true, Ordering::Relaxed);
        }
    }

    /// Whether the last one was refused, and none was done since.
    pub(crate) fn are_refused(&self) -> bool {
        self.is_refused.load(Ordering::Relaxed)
    }
}
