//! What the worker is asked, and how it answers.

use strongroom_model::Problem;
use strongroom_model::limit::CounterState;
use tokio::sync::oneshot;

use super::guard::Grant;
use crate::admission::leases::Claim;
use crate::cache::Snapshot;

/// Why a call is not admitted.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// A limit has no room: that of this claim, which is for so much.
    Limit { claim: usize, amount: i64, state: CounterState },
    /// Something was changed, or a window ended, since the claims were made: make them anew.
    Stale,
    /// The database could not be asked.
    Problem(Problem),
}

pub(super) struct Asking {
    pub(super) claims: Vec<Claim>,
    pub(super) snapshot: Snapshot,
    pub(super) reply: oneshot::Sender<Result<Grant, Refusal>>,
}

pub(super) enum Request {
    Admit(Asking),
    SettleNow(oneshot::Sender<Result<(), Problem>>),
    Close(oneshot::Sender<Result<(), Problem>>),
}

/// Whether claims that were made in one moment hold in another: nothing was changed and no window has ended.
pub(super) fn is_of(claims: &[Claim], made: Snapshot, now: Snapshot) -> bool {
    made.generation == now.generation && claims.iter().all(|it| it.key.window.start(now.now) == it.key.start)
}

/// Tells those whose claims do not hold any more to make them anew, and gives back the others.
pub(super) fn turn_away_stale(asking: Vec<Asking>, now: Snapshot) -> Vec<Asking> {
    let (asking, stale): (Vec<_>, Vec<_>) =
        asking.into_iter().partition(|asking| is_of(&asking.claims, asking.snapshot, now));
    stale.into_iter().for_each(|asking| answer(asking, Err(Refusal::Stale)));
    asking
}

pub(super) fn answer(asking: Asking, outcome: Result<Grant, Refusal>) {
    // A caller that went away was granted nothing by this.
    let _ = asking.reply.send(outcome);
}

pub(super) fn refuse_all(asking: Vec<Asking>, problem: &Problem) {
    for asking in asking {
        answer(asking, Err(Refusal::Problem(Problem::new(problem.kind, problem.message.clone()))));
    }
}
