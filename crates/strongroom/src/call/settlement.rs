//! The settlement of an attempt: its charge, its record, and the holds that remain for the next one.
//!
//! ```text
//!            ┌─ released: charged with nothing ──────────────┐
//!  admitted ─┼─ refused: a request on the credential ────────┤► came to nothing ─► next attempt: the holds on token
//!     │      └─ lost: charged as it was held ────────────────┘         │           and user go on, the record is an
//!     │                                                                │           attempt's
//!     ▼                                                                └► no other: the record is the call's
//!  answered ─► settled: charged with what its answer reports, else as it was held
//!     └─ dropped: settled as it was held
//! ```
//!
//! Each attempt is settled once, with everything that was held for it, under the epoch in which it was held. The client's
//! request counts once, with the attempt that it gets.

mod cost;
mod record;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use strongroom_model::limit::Unit;
use strongroom_model::tag::TagSet;
use strongroom_model::usage::Metering;
use strongroom_model::{Amount, Provider, UserId};
use strongroom_store::usage::{Kind, Record};

use record::spent_by;

use super::selection::Key;
use super::{CallEnd, Calls, Failure, FailureReason};
use crate::admission::{Claim, Consumed, Held, Need, Plan, Settlement, Spent};
use crate::cache::Snapshot;

/// Charge of an attempt without an answer.
#[derive(Debug)]
pub(super) enum Charge {
    /// It did not leave.
    Nothing,
    /// The provider refused it.
    Request,
    /// It is or may have been billed: what its answer told, else what was held.
    Billed(Box<CallEnd>),
}

/// Purpose of an attempt.
#[derive(Debug)]
pub(super) struct Purpose {
    pub(super) calls: Arc<Calls>,
    pub(super) operation: &'static str,
    pub(super) actor: String,
    pub(super) user: Option<UserId>,
    pub(super) request_id: Option<String>,
    pub(super) tags: TagSet,
    pub(super) provider: Provider,
    pub(super) model: Option<String>,
    pub(super) target: usize,
    pub(super) need: Need,
    pub(super) snapshot: Snapshot,
}

/// Holds on token and user, and the record, of an attempt that came to nothing: they outlive it. Whether it was the
/// last one, and is what the client gets, shows later.
#[derive(Debug, Default)]
pub(super) struct ClientSide {
    held: Held,
    /// Boxed: most calls succeed at once.
    failed: Option<Box<Failed>>,
    /// True if an attempt before that one has left, which the client's request is not counted with yet.
    has_left: bool,
}

#[derive(Debug)]
struct Failed {
    record: Record,
    consumed: Vec<Consumed>,
    epoch: u64,
}

fn locked(client: &Mutex<ClientSide>) -> MutexGuard<'_, ClientSide> {
    client.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes out of a plan what an earlier attempt holds already, and tells what that is.
pub(super) fn reuse(client: &Mutex<ClientSide>, plan: &mut Plan, client_claims: usize) -> Held {
    let client = locked(client);
    let mut reused = Held { claims: Vec::new(), epoch: client.held.epoch };
    for claim in &mut plan.claims[..client_claims] {
        if let Some(held) = client.held.claims.iter().find(|held| held.key == claim.key) {
            claim.amount = (claim.amount - held.amount).max(0);
            reused.claims.push(*held);
        }
    }
    reused
}

/// Joins an attempt's new claims on token and user with what was held before.
pub(super) fn join(mut held: Held, reused: Held) -> Held {
    if held.epoch == reused.epoch {
        for before in reused.claims {
            if let Some(claim) = held.claims.iter_mut().find(|claim| claim.key == before.key) {
                claim.amount += before.amount;
            }
        }
    }
    held
}

/// The call is over. An attempt that failed and was not followed by another is what the client got.
pub(super) fn close(calls: &Calls, client: &Mutex<ClientSide>) {
    let (held, failed) = {
        let mut client = locked(client);
        (std::mem::take(&mut client.held), client.failed.take())
    };
    let (mut settlement, count) = match failed.map(|failed| *failed) {
        Some(Failed { mut record, consumed, epoch }) => {
            (record.kind, record.client_requests) = (Kind::Call, 1);
            let at = record.at;
            (Settlement { consumed, epoch, at, record: Some(record) }, 1)
        }
        None if held.claims.is_empty() => return,
        None => {
            let at =
                calls.cache.fresh_snapshot().map_or(strongroom_model::Millis(0), |snapshot| snapshot.now);
            (Settlement { consumed: Vec::new(), epoch: held.epoch, at, record: None }, 0)
        }
    };
    let spent = Spent { requests: Amount::of(count), ..Spent::default() };
    if settlement.epoch == held.epoch {
        settlement.consumed.extend(held.consumed(|claim| spent.of(claim.key.unit)));
    }
    calls.admission.settle(settlement);
}

/// The holds of an attempt.
#[derive(Debug)]
pub(super) struct Holds {
    /// On token and user.
    pub(super) client: Held,
    pub(super) credential: Held,
}

/// An attempt that is not settled yet.
#[derive(Debug)]
pub(super) struct Settling {
    purpose: Purpose,
    key: Key,
    client_held: Held,
    credential_held: Held,
    client: Arc<Mutex<ClientSide>>,
    started: Instant,
    /// The status of the answer, once its head is there.
    status: u16,
    first_byte_ms: Option<i64>,
}

impl Settling {
    /// An attempt begins. One before it was not the last: it is written down as an attempt.
    pub(super) fn begin(key: Key, purpose: Purpose, held: Holds, client: Arc<Mutex<ClientSide>>) -> Self {
        let Holds { client: client_held, credential: credential_held } = held;
        let (before, failed) = {
            let mut side = locked(&client);
            side.has_left |= side.failed.is_some();
            (std::mem::take(&mut side.held), side.failed.take())
        };
        let admission = &purpose.calls.admission;
        let is_kept = |claim: &&Claim| !client_held.claims.iter().any(|held| held.key == claim.key);
        let left: Vec<_> = before.claims.iter().filter(is_kept).copied().collect();
        if !left.is_empty() {
            let left = Held { claims: left, epoch: before.epoch };
            let consumed = left.nothing_consumed();
            let at = purpose.snapshot.now;
            admission.settle(Settlement { consumed, epoch: left.epoch, at, record: None });
        }
        if let Some(Failed { record, consumed, epoch }) = failed.map(|failed| *failed) {
            let at = record.at;
            admission.settle(Settlement { consumed, epoch, at, record: Some(record) });
        }
        Self {
            purpose,
            key,
            client_held,
            credential_held,
            client,
            started: Instant::now(),
            status: 0,
            first_byte_ms: None,
        }
    }

    /// The key that the attempt is made with.
    pub(super) fn key(&self) -> &Key {
        &self.key
    }

    /// The head of the answer is there. Tells how long that took, in milliseconds.
    pub(super) fn has_head(&mut self, status: u16) -> i64 {
        let first_byte_ms = self.elapsed_ms();
        (self.status, self.first_byte_ms) = (status, Some(first_byte_ms));
        if status < 400 {
            self.has_served();
        }
        // A refusal of the key comes to nothing; another 401 or 403 tells nothing of it.
        if !matches!(status, 401 | 403) {
            self.note_canary(false);
        }
        first_byte_ms
    }

    fn elapsed_ms(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    fn which(&self) -> Option<(strongroom_model::Uid, strongroom_model::Uid)> {
        match &self.key {
            Key::Sealed(served) => Some((served.credential.uid, served.credential.version)),
            Key::Environment(..) => None,
        }
    }

    /// How staged versions fare is looked at call by call.
    fn note_canary(&self, is_refused: bool) {
        if let Key::Sealed(served) = &self.key {
            self.purpose.calls.canaries.note(served, is_refused);
        }
    }

    fn has_served(&self) {
        if let Some(which) = self.which() {
            self.purpose.calls.cooldowns.served(which);
            self.purpose
                .calls
                .cooldowns
                .served_model(which, self.purpose.model.as_deref().unwrap_or_default());
        }
    }

    /// It did not come to an answer that a client gets for good.
    pub(super) fn came_to_nothing(mut self: Box<Self>, failure: &Failure, charge: Charge) {
        let (status, reason, retry_after) = match failure {
            Failure::Ours => (0, None, None),
            Failure::Unblamed { status }
            | Failure::NotPermitted { status }
            | Failure::OfModel { status, .. } => (*status, None, None),
            Failure::Connect | Failure::Timeout => (0, Some(FailureReason::ProviderDown), None),
            Failure::Refused { status, health, retry_after } => {
                let millis = retry_after.map(|after| i64::try_from(after.as_millis()).unwrap_or(i64::MAX));
                (*status, Some(*health), millis)
            }
        };
        self.status = status;
        if reason == Some(FailureReason::BadKey) || matches!(failure, Failure::NotPermitted { .. }) {
            self.note_canary(true);
        }
        if let (Some(which), Some(reason)) = (self.which(), reason) {
            let name = match &self.key {
                Key::Sealed(served) => &served.credential.name,
                Key::Environment(..) => "",
            };
            tracing::warn!(
                credential = name,
                status,
                reason = reason.as_str(),
                "provider refused a credential"
            );
            self.purpose.calls.cooldowns.refused(which, reason, retry_after, self.purpose.snapshot.now);
        }
        if let (Some(which), Failure::OfModel { retry_after, .. }) = (self.which(), failure) {
            let now = self.purpose.snapshot.now;
            let model = self.purpose.model.as_deref().unwrap_or_default();
            self.purpose.calls.cooldowns.refused_model(which, model, *retry_after, now);
        }
        let has_left = !matches!(charge, Charge::Nothing);
        let requests = i64::from(has_left);
        let mut record = Record { requests, client_requests: 0, ..self.record(Kind::Attempt) };
        let is_billed = matches!(charge, Charge::Billed(_));
        if let Charge::Billed(end) = charge {
            self.charge(&mut record, *end);
        }
        let spent = spent_by(&record);
        let mut consumed = self.credential_held.consumed(|claim| spent.of(claim.key.unit));
        let epoch = self.credential_held.epoch;
        let mut held = self.client_held;
        if is_billed && held.epoch == epoch {
            // The client's request counts once, with the last attempt; what this one may have used is used.
            let is_request = |claim: &Claim| claim.key.unit == Unit::Requests;
            let used =
                Held { claims: held.claims.iter().filter(|it| !is_request(it)).copied().collect(), epoch };
            held.claims.retain(is_request);
            consumed.extend(used.consumed(|claim| spent.of(claim.key.unit)));
        }
        let mut side = locked(&self.client);
        side.held = held;
        if has_left || side.has_left {
            side.failed = Some(Box::new(Failed { record, consumed, epoch }));
            return;
        }
        drop(side);
        let at = record.at;
        self.purpose.calls.admission.settle(Settlement { consumed, epoch, at, record: Some(record) });
    }

    /// The call is over.
    pub(super) fn settle(mut self: Box<Self>, end: CallEnd) {
        let mut record = self.record(Kind::Call);
        // What a provider itself refuses it does not bill.
        if self.status < 400 || end.usage.is_some() || end.metering == Metering::Held {
            self.charge(&mut record, end);
        }
        let spent = spent_by(&record);
        let overrun =
            |claim: &Claim| claim.key.unit != Unit::Requests && spent.of(claim.key.unit) > claim.amount;
        if self.client_held.claims.iter().chain(&self.credential_held.claims).any(overrun) {
            tracing::warn!(
                provider = self.purpose.provider.as_str(),
                model = record.model.as_str(),
                "counted more use than the bound of the call"
            );
        }
        let mut consumed = self.credential_held.consumed(|claim| spent.of(claim.key.unit));
        consumed.extend(self.client_held.consumed(|claim| spent.of(claim.key.unit)));
        let epoch = self.credential_held.epoch.max(self.client_held.epoch);
        let settlement = Settlement { consumed, epoch, at: record.at, record: Some(record) };
        self.purpose.calls.admission.settle(settlement);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_held_before_is_held_on_and_only_the_rest_is_claimed() {
        use strongroom_model::alert::Thresholds;
        use strongroom_model::limit::Window;
        use strongroom_model::{Millis, Uid};
        use strongroom_store::counter::CounterKey;
        let key = |byte| CounterKey::at(Uid::from_bytes([byte; 16]), Unit::Tokens, Window::Day, Millis(0));
        let claim =
            |byte, amount| Claim { key: key(byte), amount, limit: Some(100), thresholds: Thresholds::NONE };
        let client = Mutex::new(ClientSide {
            held: Held { claims: vec![claim(1, 30), claim(2, 5)], epoch: 3 },
            failed: None,
            has_left: false,
        });
        let mut plan = Plan { claims: vec![claim(1, 50), claim(3, 7), claim(2, 4)], limits: Vec::new() };
        let reused = reuse(&client, &mut plan, 2);
        assert_eq!(plan.claims.iter().map(|claim| claim.amount).collect::<Vec<_>>(), [20, 7, 4]);
        let joined = join(Held { claims: plan.claims[..2].to_vec(), epoch: 3 }, reused);
        assert_eq!(joined.claims.iter().map(|claim| claim.amount).collect::<Vec<_>>(), [50, 7]);
    }
}
