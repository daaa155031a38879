//! What this server has seen of itself up to the last look.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Commits from which on their times say something.
const LEAST_COMMITS: u64 = 20;

/// Figures of the last look.
#[derive(Debug)]
pub(super) struct SeenSoFar {
    pub(super) integrity: Last,
    commits: Mutex<(u64, u64)>,
}

/// A count as it was.
#[derive(Debug)]
pub(super) struct Last(AtomicU64);

impl Last {
    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn set(&self, count: u64) {
        self.0.store(count, Ordering::Relaxed);
    }
}

impl SeenSoFar {
    pub(super) const fn new() -> Self {
        Self { integrity: Last(AtomicU64::new(0)), commits: Mutex::new((0, 0)) }
    }

    /// The share of slow commits since the last look, in thousandths; `None` while there are too few, which then count for the next one.
    pub(super) fn slow_commits(&self, (all, slow): (u64, u64)) -> Option<i64> {
        let mut last = self.commits.lock().unwrap_or_else(PoisonError::into_inner);
        let (more, of_them) = (all.saturating_sub(last.0), slow.saturating_sub(last.1));
        if more < LEAST_COMMITS {
            return None;
        }
        *last = (all, slow);
        i64::try_from(of_them.saturating_mul(1000) / more).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_commits_are_added_to_the_next_ones() {
        let seen = SeenSoFar::new();
        assert_eq!(seen.slow_commits((10, 10)), None);
        assert_eq!(seen.slow_commits((20, 10)), Some(500));
        assert_eq!(seen.slow_commits((39, 10)), None);
        assert_eq!(seen.slow_commits((60, 12)), Some(50));
    }
}
