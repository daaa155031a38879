//! How long commits take: how many there were in this process, and how many of them were slow.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// From so long on a commit is slow.
pub const SLOW: Duration = Duration::from_millis(250);

/// Counts that only grow.
#[derive(Debug, Clone, Default)]
pub struct CommitTimes(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    all: AtomicU64,
    slow: AtomicU64,
}

impl CommitTimes {
    pub(crate) fn note(&self, took: Duration) {
        self.0.all.fetch_add(1, Ordering::Relaxed);
        if took >= SLOW {
            self.0.slow.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many commits there were, and how many were slow.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        // In this order: a commit that is counted meanwhile is not more slow ones than there are.
        let slow = self.0.slow.load(Ordering::Relaxed);
        (self.0.all.load(Ordering::Relaxed), slow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_of_a_quarter_of_a_second_is_slow() {
        let times = CommitTimes::default();
        for milliseconds in [1, 249, 250, 9000] {
            times.note(Duration::from_millis(milliseconds));
        }
        assert_eq!(times.counts(), (4, 2));
    }
}
