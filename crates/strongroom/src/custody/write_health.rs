//! Outcome of the last writes to the database: what this process knows without trying once more.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use strongroom_model::Problem;
use strongroom_store::StoreError;

/// Batches of ended calls that fail one after the other before the server is not ready any more: a deadlock or a
/// connection that broke is over with the next one.
const FAILED_BATCHES: u32 = 3;

/// How the last write ended, of those that are made all the time: reads, calls, and signs of life.
#[derive(Debug, Default)]
pub(crate) struct WriteHealth {
    is_refused: AtomicBool,
    /// Batches that failed since the last one that was written, while calls waited to be written down.
    failed_batches: AtomicU32,
}

impl WriteHealth {
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

    /// A batch of calls was written down, or nothing waits to be.
    pub(crate) fn batch_done(&self) {
        self.failed_batches.store(0, Ordering::Relaxed);
    }

    /// A batch with calls that have ended could not be written down. It is tried again and again, so that this heals by
    /// itself.
    pub(crate) fn batch_failed(&self) {
        self.failed_batches.fetch_add(1, Ordering::Relaxed);
    }

    /// Tells whether the last one was refused, and none was done since.
    pub(crate) fn are_refused(&self) -> bool {
        self.is_refused.load(Ordering::Relaxed)
    }

    /// Tells whether calls that have ended cannot be written into the ledger.
    pub(crate) fn is_ledger_stuck(&self) -> bool {
        self.failed_batches.load(Ordering::Relaxed) >= FAILED_BATCHES
    }
}
