//! Counts of what happened in this process since it started.

use std::sync::atomic::{AtomicU64, Ordering};

/// A count that only grows.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    pub(crate) fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// How many so far.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The unit that is counted.
#[derive(Debug, Default)]
pub struct Counters {
    /// Secrets handed out from the database.
    pub reads_from_database: Count,
    /// Secrets handed out from the environment.
    pub reads_from_environment: Count,
    /// Uses refused because a limit was used up.
    pub limit_refusals: Count,
    /// Sealed texts or granting rows that did not verify.
    pub integrity_failures: Count,
    /// Usage records that the database refused and that were set aside, with their charges kept.
    pub records_set_aside: Count,
    /// Incidents that could not be written down with the use that they are about.
    pub incidents_set_aside: Count,
    /// Batches of calls that could not be written down, and were tried again.
    pub failed_batches: Count,
    /// Background tasks that panicked and were started again.
    pub task_restarts: Count,
    /// Audit entries written.
    pub audit_entries: Count,
}
