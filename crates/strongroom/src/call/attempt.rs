//! One attempt at a call: its states, as whoever makes it sees them. Dropped in any of them, it is settled at what was held.

use std::sync::{Arc, Mutex};

use strongroom_model::credential::Source;
use strongroom_model::{Provider, Secret};

use super::selection::Key;
use super::settlement::{Charge, ClientSide, Holds, Purpose, Settling};
use super::{CallEnd, Failure};

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
    settling: Option<Box<Settling>>,
}

impl Attempt {
    pub(super) fn new(key: Key, purpose: Purpose, held: Holds, client: Arc<Mutex<ClientSide>>) -> Self {
        let (target, provider) = (purpose.target, purpose.provider.clone());
        let settling = Settling::begin(key.clone(), purpose, held, client);
        Self { target, provider, key, open: Open { settling: Some(Box::new(settling)) } }
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
        self.key.secret()
    }

    /// The request never left: nothing is counted.
    pub fn release(mut self, failure: &Failure) {
        if let Some(settling) = self.open.settling.take() {
            settling.came_to_nothing(failure, Charge::Nothing);
        }
    }

    /// The provider refused it, and another may be tried: it counts as one request on the credential, and on token and
    /// user only if no other attempt follows. What a provider refuses it does not bill.
    pub fn refused(mut self, failure: &Failure) {
        if let Some(settling) = self.open.settling.take() {
            settling.came_to_nothing(failure, Charge::Request);
        }
    }

    /// It left, and nobody knows what the provider did with it: it is charged at what was held, on the credential and on
    /// token and user. Another may be tried; what that one uses is charged beside it, and the client's request counts once.
    pub fn lost(mut self, failure: &Failure) {
        if let Some(settling) = self.open.settling.take() {
            settling.came_to_nothing(failure, Charge::Billed(Box::new(CallEnd::UNKNOWN)));
        }
    }

    /// The provider refused it, and told what it bills for it all the same: it is charged at that, as one that was lost.
    pub fn billed(mut self, failure: &Failure, end: CallEnd) {
        if let Some(settling) = self.open.settling.take() {
            settling.came_to_nothing(failure, Charge::Billed(Box::new(end)));
        }
    }

    /// The head of the answer is there and goes to the client, be it good or bad news.
    #[must_use]
    pub fn answered(mut self, status: u16) -> Running {
        let first_byte_ms = self.open.settling.as_mut().map_or(0, |settling| settling.has_head(status));
        Running { open: Open { settling: self.open.settling.take() }, status, first_byte_ms }
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

    /// The key that it was made with; `None` once it is settled.
    #[must_use]
    pub fn api_key(&self) -> Option<&Secret> {
        self.open.settling.as_ref().map(|settling| settling.key().secret())
    }

    /// The call is over.
    pub fn settle(mut self, end: CallEnd) {
        if let Some(settling) = self.open.settling.take() {
            settling.settle(end);
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(settling) = self.settling.take() {
            settling.settle(CallEnd::UNKNOWN);
        }
    }
}
