//! A guard against starvation: changes yield to calls that they have put off. A call is planned on a snapshot and admitted
//! only while nothing was changed since; while one change follows the other without a pause, none ever would be.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// How long a change waits for calls, at the most.
const MAX_WAIT: Duration = Duration::from_millis(250);

/// The number of calls of this process that were put off by changes and are trying again.
#[derive(Debug, Clone)]
pub(crate) struct WritePriority {
    calls: Arc<watch::Sender<usize>>,
}

impl Default for WritePriority {
    fn default() -> Self {
        Self { calls: Arc::new(watch::Sender::new(0)) }
    }
}

impl WritePriority {
    pub(crate) fn prioritise_call(&self) -> PrioritisedCall {
        self.calls.send_modify(|calls| *calls += 1);
        PrioritisedCall { write_priority: self.clone() }
    }

    /// Waits until no call is put off any more, or for long enough: either way the change has its turn then.
    pub(crate) async fn yield_to_calls(&self) {
        if *self.calls.borrow() > 0 {
            let mut calls = self.calls.subscribe();
            drop(tokio::time::timeout(MAX_WAIT, calls.wait_for(|calls| *calls == 0)).await);
        }
    }
}

/// A call that changes yield to, until this is dropped.
#[derive(Debug)]
pub struct PrioritisedCall {
    write_priority: WritePriority,
}

impl Drop for PrioritisedCall {
    fn drop(&mut self) {
        self.write_priority.calls.send_modify(|calls| *calls -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_change_waits_for_calls_that_were_put_off_though_not_for_ever() {
        let write_priority = WritePriority::default();
        write_priority.yield_to_calls().await;
        let (one, other) = (write_priority.prioritise_call(), write_priority.prioritise_call());
        let mut waiting = std::pin::pin!(write_priority.yield_to_calls());
        drop(one);
        tokio::select! {
            biased;
            () = &mut waiting => panic!("it did not wait for the other one"),
            () = std::future::ready(()) => {}
        }
        drop(other);
        waiting.await;
        let stays = write_priority.prioritise_call();
        write_priority.yield_to_calls().await;
        drop(stays);
        assert_eq!(*write_priority.calls.borrow(), 0);
    }
}
