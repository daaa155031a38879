//! One attempt at a call: what is held for it, and how it is settled, whatever becomes of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use strongroom_crypto::random;
use strongroom_model::credential::Source;
use strongroom_model::limit::Unit;
use strongroom_model::usage::{Metering, TokenUsage};
use strongroom_model::{Amount, LedgerText, Provider, Secret, UserId};
use strongroom_store::usage::{Kind, Record};

use super::selection::Key;
use super::{Ailment, CallEnd, Failure};
use crate::Strongroom;
use crate::admission::{Claim, Consumed, Held, Need, Plan, Settlement, Spent};
use crate::catalog::Moment;

/// What an attempt is for.
#[derive(Debug)]
pub(super) struct Purpose {
    pub(super) room: Strongroom,
    pub(super) operation: &'static str,
    pub(super) actor: String,
    pub(super) user: Option<UserId>,
    pub(super) request_id: Option<String>,
    pub(super) provider: Provider,
    pub(super) model: Option<String>,
    pub(super) target: usize,
    pub(super) need: Need,
    pub(super) moment: Moment,
}

/// What outlives an attempt that came to nothing: what it holds of token and user, and its record. Whether it was the
/// last one, and is what the client gets, shows later.
#[derive(Debug, Default)]
pub(super) struct ClientSide {
    held: Held,
    /// Boxed: most calls succeed at once.
    failed: Option<Box<Failed>>,
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

/// What is held of token and user by an attempt: new claims, with what was held before.
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
pub(super) fn close(room: &Strongroom, client: &Mutex<ClientSide>) {
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
            let at = room.fresh_moment().map_or(strongroom_model::Millis(0), |moment| moment.now);
            (Settlement { consumed: Vec::new(), epoch: held.epoch, at, record: None }, 0)
        }
    };
    let spent = Spent { requests: Amount::of(count), ..Spent::default() };
    if settlement.epoch == held.epoch {
        settlement.consumed.extend(held.consumed(|claim| spent.of(claim.key.unit)));
    }
    room.0.admission.settle(settlement);
}

/// One attempt, admitted: what it may consume is held. Dropped, it is settled at that.
#[derive(Debug)]
pub struct Attempt {
    /// Which of the call's targets.
    pub target: usize,
    /// Whose API.
    pub provider: Provider,
    key: Key,
    open: Open,
}

/// A call whose answer is on its way to the client. Dropped, it is settled at what was held.
#[derive(Debug)]
pub struct Running {
    open: Open,
    status: u16,
    first_byte_ms: i64,
}

#[derive(Debug)]
struct Open {
    /// Taken when it is settled.
    inner: Option<Box<Inner>>,
}

#[derive(Debug)]
struct Inner {
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

impl Attempt {
    pub(super) fn new(
        key: Key,
        purpose: Purpose,
        (client_held, credential_held): (Held, Held),
        client: Arc<Mutex<ClientSide>>,
    ) -> Self {
        // An attempt before this one was not the last: it counts on its credential alone.
        let (before, failed) = {
            let mut side = locked(&client);
            (std::mem::take(&mut side.held), side.failed.take())
        };
        let admission = &purpose.room.0.admission;
        let is_kept = |claim: &&Claim| !client_held.claims.iter().any(|held| held.key == claim.key);
        let left: Vec<_> = before.claims.iter().filter(is_kept).copied().collect();
        if !left.is_empty() {
            let left = Held { claims: left, epoch: before.epoch };
            let consumed = left.nothing_consumed();
            admission.settle(Settlement {
                consumed,
                epoch: left.epoch,
                at: purpose.moment.now,
                record: None,
            });
        }
        if let Some(Failed { record, consumed, epoch }) = failed.map(|failed| *failed) {
            let at = record.at;
            admission.settle(Settlement { consumed, epoch, at, record: Some(record) });
        }
        Self {
            target: purpose.target,
            provider: purpose.provider.clone(),
            key: key.clone(),
            open: Open {
                inner: Some(Box::new(Inner {
                    purpose,
                    key,
                    client_held,
                    credential_held,
                    client,
                    started: Instant::now(),
                    status: 0,
                    first_byte_ms: None,
                })),
            },
        }
    }

    /// The credential's name; the variable's when the key comes from the environment.
    #[must_use]
    pub fn credential(&self) -> &str {
        match &self.key {
            Key::Sealed(served) => &served.credential.name,
            Key::Environment(variable, _) => variable,
        }
    }

    /// Where the key comes from.
    #[must_use]
    pub fn source(&self) -> Source {
        match &self.key {
            Key::Sealed(_) => Source::Database,
            Key::Environment(..) => Source::Environment,
        }
    }

    /// A base URL in place of the provider's own.
    #[must_use]
    pub fn endpoint(&self) -> Option<&str> {
        match &self.key {
            Key::Sealed(served) => served.credential.endpoint.as_deref(),
            Key::Environment(..) => None,
        }
    }

    /// The key.
    #[must_use]
    pub fn api_key(&self) -> &Secret {
        match &self.key {
            Key::Sealed(served) => &served.api_key,
            Key::Environment(_, key) => key,
        }
    }

    /// The request never left: nothing is counted.
    pub fn release(mut self, failure: &Failure) {
        if let Some(inner) = self.open.inner.take() {
            inner.came_to_nothing(failure, 0);
        }
    }

    /// It left and came to nothing, and another may be tried: it counts on the credential, and on token and user only if
    /// no other attempt follows.
    pub fn failed(mut self, failure: &Failure) {
        if let Some(inner) = self.open.inner.take() {
            inner.came_to_nothing(failure, 1);
        }
    }

    /// The head of the answer is there and goes to the client, be it good or bad news.
    #[must_use]
    pub fn answered(mut self, status: u16) -> Running {
        let mut first_byte_ms = 0;
        if let Some(inner) = &mut self.open.inner {
            first_byte_ms = inner.elapsed_ms();
            (inner.status, inner.first_byte_ms) = (status, Some(first_byte_ms));
            if status < 400 {
                inner.has_served();
            }
            inner.note_canary(matches!(status, 401 | 403));
        }
        Running { open: Open { inner: self.open.inner.take() }, status, first_byte_ms }
    }
}

impl Running {
    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Milliseconds from the admission to the head of the answer.
    #[must_use]
    pub fn first_byte_ms(&self) -> i64 {
        self.first_byte_ms
    }

    /// The call is over.
    pub fn settle(mut self, end: CallEnd) {
        if let Some(inner) = self.open.inner.take() {
            inner.settle(end);
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.take() {
            inner.settle(CallEnd { usage: None, model: None, raw_usage: None, metering: Metering::Held });
        }
    }
}

impl Inner {
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
            self.purpose.room.0.canaries.note(served, is_refused);
        }
    }

    fn has_served(&self) {
        if let Some(which) = self.which() {
            self.purpose.room.0.health.served(which);
        }
    }

    /// The record of it, into which its texts go: an attempt has one.
    fn record(&mut self, kind: Kind) -> Record {
        let (which, total_ms) = (self.which(), self.elapsed_ms());
        let is_served = (200..400).contains(&self.status);
        let purpose = &mut self.purpose;
        let inner = &purpose.room.0;
        let model = match &purpose.model {
            Some(model) => {
                let prices = (&inner.prices, purpose.moment.now);
                inner.model_names.of(prices, (&purpose.provider, model), is_served)
            }
            None => LedgerText::default(),
        };
        Record {
            uid: random::uid_at(purpose.moment.now),
            at: purpose.moment.now,
            kind,
            operation: purpose.operation,
            actor: LedgerText::shown(std::mem::take(&mut purpose.actor)),
            user: purpose.user,
            credential: which.map(|(credential, _)| credential),
            version: which.map(|(_, version)| version),
            provider: purpose.provider.clone(),
            model,
            source: if which.is_some() { Source::Database } else { Source::Environment },
            status: self.status,
            requests: 1,
            client_requests: 1,
            tokens: TokenUsage::default(),
            cost_nano_usd: Some(Amount::ZERO),
            charged_tokens: Amount::ZERO,
            charged_nano_usd: Amount::ZERO,
            metering: Metering::Unmetered,
            generation: purpose.moment.generation,
            first_byte_ms: self.first_byte_ms,
            total_ms: Some(total_ms),
            raw_usage: None,
            request_id: purpose.request_id.take().map(LedgerText::shown),
        }
    }

    fn came_to_nothing(mut self: Box<Self>, failure: &Failure, requests: i64) {
        let (status, ailment, retry_after) = match failure {
            Failure::Connect | Failure::Timeout => (0, Ailment::ProviderDown, None),
            Failure::Refused { status, health, retry_after } => {
                let millis = retry_after.map(|after| i64::try_from(after.as_millis()).unwrap_or(i64::MAX));
                (*status, *health, millis)
            }
        };
        self.status = status;
        if ailment == Ailment::BadKey {
            self.note_canary(true);
        }
        if let Some(which) = self.which() {
            let name = match &self.key {
                Key::Sealed(served) => &served.credential.name,
                Key::Environment(..) => "",
            };
            tracing::warn!(credential = name, status, ailment = ailment.as_str(), "a credential was refused");
            self.purpose.room.0.health.refused(which, ailment, retry_after, self.purpose.moment.now);
        }
        let record = Record { requests, client_requests: 0, ..self.record(Kind::Attempt) };
        let spent = Spent { requests: Amount::of(requests), ..Spent::default() };
        let consumed = self.credential_held.consumed(|claim| spent.of(claim.key.unit));
        let epoch = self.credential_held.epoch;
        if requests == 0 {
            let at = record.at;
            let settlement = Settlement { consumed, epoch, at, record: Some(record) };
            self.purpose.room.0.admission.settle(settlement);
        } else {
            locked(&self.client).failed = Some(Box::new(Failed { record, consumed, epoch }));
        }
        locked(&self.client).held = self.client_held;
    }

    fn settle(mut self: Box<Self>, end: CallEnd) {
        let mut record = self.record(Kind::Call);
        let purpose = &self.purpose;
        let (need, room) = (&purpose.need, &purpose.room);
        record.metering = end.metering;
        record.raw_usage = end.raw_usage;
        let refused = self.status >= 400 && end.usage.is_none();
        if refused {
            // What a provider refuses it does not charge.
            record.metering = Metering::Unmetered;
        } else if let Some(usage) = end.usage {
            let find = |model: &str| room.0.prices.find(&purpose.provider, model, record.at);
            let asked = purpose.model.as_deref().and_then(find);
            let price = asked.or_else(|| end.model.as_deref().and_then(find));
            record.tokens = usage;
            record.cost_nano_usd = usage.reported_nano_usd.or_else(|| price.map(|price| price.cost(&usage)));
            record.charged_tokens = usage.total();
            record.charged_nano_usd = record.cost_nano_usd.or(need.nano_usd).unwrap_or_default();
            if end.metering == Metering::Received {
                // An estimate is not to be more than what the call could consume at all.
                record.charged_tokens = record.charged_tokens.min(need.tokens.unwrap_or(Amount::CEILING));
                record.charged_nano_usd =
                    record.charged_nano_usd.min(need.nano_usd.unwrap_or(Amount::CEILING));
            }
        } else {
            record.charged_tokens = need.tokens.unwrap_or_default();
            record.charged_nano_usd = need.nano_usd.unwrap_or_default();
            record.cost_nano_usd = need.nano_usd;
        }
        if let Some(model) = end.model.filter(|_| record.model.is_empty()) {
            let named = (&purpose.provider, model.as_str());
            record.model = room.0.model_names.of((&room.0.prices, record.at), named, self.status < 400);
        }
        let spent =
            Spent { requests: Amount::ONE, tokens: record.charged_tokens, nano_usd: record.charged_nano_usd };
        let overrun =
            |claim: &Claim| claim.key.unit != Unit::Requests && spent.of(claim.key.unit) > claim.amount;
        if self.client_held.claims.iter().chain(&self.credential_held.claims).any(overrun) {
            tracing::warn!(
                provider = purpose.provider.as_str(),
                model = record.model.as_str(),
                "a provider used more than the bound that it was given; it is counted as it is"
            );
        }
        let mut consumed = self.credential_held.consumed(|claim| spent.of(claim.key.unit));
        consumed.extend(self.client_held.consumed(|claim| spent.of(claim.key.unit)));
        let epoch = self.credential_held.epoch.max(self.client_held.epoch);
        room.0.admission.settle(Settlement { consumed, epoch, at: record.at, record: Some(record) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_held_before_is_held_on_and_only_the_rest_is_claimed() {
        use strongroom_model::limit::Window;
        use strongroom_model::{Millis, Uid};
        use strongroom_store::counter::CounterKey;
        let key = |byte| CounterKey::at(Uid::from_bytes([byte; 16]), (Unit::Tokens, Window::Day), Millis(0));
        let claim = |byte, amount| Claim { key: key(byte), amount, limit: Some(100) };
        let client = Mutex::new(ClientSide {
            held: Held { claims: vec![claim(1, 30), claim(2, 5)], epoch: 3 },
            failed: None,
        });
        let mut plan = Plan { claims: vec![claim(1, 50), claim(3, 7), claim(2, 4)], limits: Vec::new() };
        let reused = reuse(&client, &mut plan, 2);
        assert_eq!(plan.claims.iter().map(|claim| claim.amount).collect::<Vec<_>>(), [20, 7, 4]);
        let joined = join(Held { claims: plan.claims[..2].to_vec(), epoch: 3 }, reused);
        assert_eq!(joined.claims.iter().map(|claim| claim.amount).collect::<Vec<_>>(), [50, 7]);
    }
}
