//! The share of a gateway's calls that a staged version takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::ActiveCredential;

/// A staged version that serves a share of the calls.
#[derive(Debug)]
pub(crate) struct Canary {
    /// The credential with the staged version in place of the one in use.
    pub(crate) active: Arc<ActiveCredential>,
    percent: u64,
    calls: AtomicU64,
}

impl Canary {
    pub(crate) fn new(active: ActiveCredential, percent: i64) -> Self {
        let percent = u64::try_from(percent).unwrap_or(0);
        Self { active: Arc::new(active), percent, calls: AtomicU64::new(0) }
    }

    /// Tells whether the next call goes to it: spread evenly, so that of a hundred in a row exactly its share does.
    pub(crate) fn is_next(&self) -> bool {
        let calls = self.calls.fetch_add(1, Ordering::Relaxed) % 100;
        (calls + 1) * self.percent / 100 > calls * self.percent / 100
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn of_a_hundred_calls_in_a_row_exactly_the_share_goes_to_it() {
        let is_next = |percent: u64, call: u64| (call + 1) * percent / 100 > call * percent / 100;
        for percent in 0..=100 {
            assert_eq!((0..100).filter(|call| is_next(percent, *call)).count() as u64, percent);
        }
    }
}
