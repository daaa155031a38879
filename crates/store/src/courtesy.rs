//! Changes that let calls go ahead. A call is planned by what is known, and admitted only while nothing was changed since:
//! while one change follows the other without a pause, none ever would be.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// How long a change waits for calls, at the most.
const LONGEST: Duration = Duration::from_millis(250);

/// How many calls of this process were put off by changes and are trying again.
#[derive(Debug, Clone)]
pub(crate) struct Courtesy {
    calls: Arc<watch::Sender<usize>>,
}

impl Default for Courtesy {
    fn default() -> Self {
        Self { calls: Arc::new(watch::Sender::new(0)) }
    }
}

impl Courtesy {
    pub(crate) fn go_ahead(&self) -> Ahead {
        self.calls.send_modify(|calls| *calls += 1);
        Ahead { courtesy: self.clone() }
    }

    /// Waits until no call is put off any more, or for long enough: either way the change has its turn then.
    pub(crate) async fn give_way(&self) {
        if *self.calls.borrow() > 0 {
            let mut calls = self.calls.subscribe();
            drop(tokio::time::timeout(LONGEST, calls.wait_for(|calls| *calls == 0)).await);
        }
    }
}

/// A call that changes let go ahead, until this is dropped.
#[derive(Debug)]
pub struct Ahead {
    courtesy: Courtesy,
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.courtesy.calls.send_modify(|calls| *calls -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_change_waits_for_calls_that_were_put_off_though_not_for_ever() {
        let courtesy = Courtesy::default();
        courtesy.give_way().await;
        let (one, other) = (courtesy.go_ahead(), courtesy.go_ahead());
        let mut waiting = std::pin::pin!(courtesy.give_way());
        drop(one);
        tokio::select! {
            biased;
            () = &mut waiting => panic!("it did not wait for the other one"),
            () = std::future::ready(()) => {}
        }
        drop(other);
        waiting.await;
        let stays = courtesy.go_ahead();
        courtesy.give_way().await;
        drop(stays);
        assert_eq!(*courtesy.calls.borrow(), 0);
    }
}
