//! Requests to the worker, and its answers.

use strongroom_model::limit::CounterState;
use strongroom_model::{Millis, Problem};
use strongroom_store::change::Subject;
use tokio::sync::oneshot;

use super::guard::Grant;
use crate::admission::leases::Claim;
use crate::cache::{Cache, Snapshot};

/// Why a call is not admitted.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// A limit has no room: that of this claim, which is for so much.
    Limit { claim: usize, amount: i64, state: CounterState },
    /// One of their subjects was changed, or a window ended, since the claims were made: make them again.
    Stale,
    /// The database could not be asked.
    Problem(Problem),
}

pub(super) struct Asking {
    pub(super) claims: Vec<Claim>,
    pub(super) snapshot: Snapshot,
    /// Credential, token and user: a change of one of them, or of a limit on it, has the claims made again.
    pub(super) subjects: Vec<Subject>,
    pub(super) reply: oneshot::Sender<Result<Grant, Refusal>>,
}

pub(super) enum Request {
    Admit(Asking),
    SettleNow(oneshot::Sender<Result<(), Problem>>),
    Close(oneshot::Sender<Result<(), Problem>>),
}

/// Tells whether the windows of claims have not ended since they were made.
pub(super) fn are_windows_open(claims: &[Claim], now: Millis) -> bool {
    claims.iter().all(|it| it.key.window.start(now) == it.key.start)
}

/// Tells those whose claims do not hold any more to make them again, and gives back the others. The cache has heard of every
/// change up to the snapshot.
pub(super) fn turn_away_stale(cache: &Cache, asking: Vec<Asking>, now: Snapshot) -> Vec<Asking> {
    let holds = |asking: &Asking| {
        let is_unchanged = asking.snapshot.generation == now.generation
            || cache.are_unchanged(&asking.subjects, asking.snapshot);
        is_unchanged && are_windows_open(&asking.claims, now.now)
    };
    let (asking, stale): (Vec<_>, Vec<_>) = asking.into_iter().partition(holds);
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
