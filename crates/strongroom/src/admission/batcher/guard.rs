//! Guards: amounts that a batch has taken out go back unless the batch happened, also when its task panics or is given up.

use std::sync::Arc;

use strongroom_model::Millis;

use super::Shared;
use super::set_aside::Ended;
use crate::admission::Held;
use crate::admission::leases::{Batch, Sealed};

/// Amounts taken out for a batch that has not opened; dropped, they go back.
pub(super) struct TakenOut {
    pub(super) shared: Arc<Shared>,
    pub(super) sealed: Option<Sealed>,
    pub(super) ended: Option<Ended>,
}

impl Drop for TakenOut {
    fn drop(&mut self) {
        let mut counted = self.shared.counted();
        if let Some(sealed) = self.sealed.take() {
            counted.leases.unseal(sealed);
        }
        if let Some(ended) = self.ended.take() {
            counted.ended.put_back(ended);
        }
    }
}

/// A batch that is open and not committed; dropped, it has not happened.
pub(super) struct Opened {
    pub(super) shared: Arc<Shared>,
    pub(super) batch: Option<Batch>,
    pub(super) calls: usize,
}

impl Opened {
    pub(super) fn changes_something(&self) -> bool {
        let rests = |batch: &Batch| (0..self.calls).any(|place| batch.rests_on_commit(place));
        self.batch.as_ref().is_some_and(|batch| !batch.deltas.is_empty() || rests(batch))
    }

    pub(super) fn keep(mut self) -> Batch {
        self.batch.take().unwrap_or_default()
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        if let Some(batch) = self.batch.take() {
            self.shared.counted().leases.did_not_happen(batch);
        }
    }
}

/// Holds for a caller, on their way there; dropped before they were taken, nothing of them was used. A caller can go away
/// when it has been sent and not received yet.
#[derive(Debug)]
pub(super) struct Grant {
    pub(super) shared: Arc<Shared>,
    pub(super) held: Option<Held>,
    pub(super) at: Millis,
}

impl Grant {
    pub(super) fn take(mut self) -> Held {
        self.held.take().unwrap_or_default()
    }
}

impl Drop for Grant {
    fn drop(&mut self) {
        let Some(held) = self.held.take() else { return };
        let mut counted = self.shared.counted();
        // What was held in an earlier life has been settled by others.
        if held.epoch == counted.epoch {
            counted.leases.finish(&held.nothing_consumed(), self.at);
            self.shared.wake.notify_one();
        }
    }
}

/// Calls that have ended and are being written down; dropped, they wait again.
pub(super) struct Writing {
    pub(super) shared: Arc<Shared>,
    pub(super) ended: Option<Ended>,
}

impl Drop for Writing {
    fn drop(&mut self) {
        if let Some(ended) = self.ended.take() {
            self.shared.counted().ended.put_back(ended);
        }
    }
}
