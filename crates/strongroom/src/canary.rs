//! Canaries: how calls with staged versions fare beside those with the version in use. When providers refuse the key of one
//! clearly more often, it is taken back at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use strongroom_model::{CredentialId, Uid};
use tokio::sync::mpsc;

use crate::cache::ActiveCredential;

/// Calls that are looked back at.
const RECENT_CALLS: u32 = 20;
/// Refusals among them that may be chance.
const CHANCE_REFUSALS: u32 = 2;
/// By how many points of a hundred the share of refusals has to be higher than that of the version in use.
const RISE_PERCENT: u32 = 10;
/// Versions that are remembered at the most; what is forgotten is counted from zero.
const MAX_REMEMBERED_VERSIONS: usize = 256;

/// The last calls of one kind, each a bit: whether the key was refused.
#[derive(Debug, Clone, Copy, Default)]
struct Recent {
    bits: u32,
    count: u32,
}

impl Recent {
    fn push(&mut self, is_refused: bool) {
        self.bits = (self.bits << 1 | u32::from(is_refused)) & ((1 << RECENT_CALLS) - 1);
        self.count = (self.count + 1).min(RECENT_CALLS);
    }

    fn refused(self) -> u32 {
        self.bits.count_ones()
    }

    /// Of a hundred.
    fn share(self) -> u32 {
        (self.refused() * 100).checked_div(self.count).unwrap_or(0)
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    canary: Recent,
    in_use: Recent,
    /// It is being taken back.
    is_fallen: bool,
}

impl Tally {
    fn has_risen(&self) -> bool {
        self.canary.refused() > CHANCE_REFUSALS && self.canary.share() >= self.in_use.share() + RISE_PERCENT
    }

    fn reason(&self) -> String {
        format!(
            "the provider refused the key in {} of its last {} calls, and in {} of {} with the version in use",
            self.canary.refused(),
            self.canary.count,
            self.in_use.refused(),
            self.in_use.count
        )
    }
}

/// A staged version whose key providers refuse.
#[derive(Debug)]
pub(crate) struct Fallen {
    pub(crate) credential: CredentialId,
    pub(crate) version: Uid,
    pub(crate) reason: String,
}

type Tallies = Mutex<HashMap<Uid, Tally>>;

fn locked(tallies: &Tallies) -> MutexGuard<'_, HashMap<Uid, Tally>> {
    tallies.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The staged versions that calls were made with, and how they fared.
#[derive(Debug)]
pub(crate) struct Canaries {
    tallies: Arc<Tallies>,
    queue: mpsc::Sender<Fallen>,
}

/// The other end: staged versions that are to be taken back.
#[derive(Debug)]
pub(crate) struct FallenCanaries {
    tallies: Arc<Tallies>,
    queue: mpsc::Receiver<Fallen>,
}

impl FallenCanaries {
    /// The next one; `None` once no calls can be made any more.
    pub(crate) async fn next(&mut self) -> Option<Fallen> {
        self.queue.recv().await
    }

    /// Forgets a staged version that could not be taken back, so that it may serve, and fall, again.
    pub(crate) fn forget(&self, version: Uid) {
        locked(&self.tallies).remove(&version);
    }
}

impl Canaries {
    /// Both ends.
    pub(crate) fn open() -> (Self, FallenCanaries) {
        let (sender, receiver) = mpsc::channel(MAX_REMEMBERED_VERSIONS);
        let tallies = Arc::<Tallies>::default();
        (Self { tallies: Arc::clone(&tallies), queue: sender }, FallenCanaries { tallies, queue: receiver })
    }

    /// Tells whether a staged version may serve.
    pub(crate) fn is_serving(&self, version: Uid) -> bool {
        locked(&self.tallies).get(&version).is_none_or(|tally| !tally.is_fallen)
    }

    /// A call with this key was answered, or its key was refused.
    pub(crate) fn note(&self, served: &ActiveCredential, is_refused: bool) {
        let credential = &served.credential;
        let Some(staged) = credential.staged.filter(|staged| staged.percent > 0) else { return };
        let mut tallies = locked(&self.tallies);
        if tallies.len() >= MAX_REMEMBERED_VERSIONS && !tallies.contains_key(&staged.version) {
            tallies.retain(|_, tally| tally.is_fallen);
        }
        let tally = tallies.entry(staged.version).or_default();
        let is_canary = credential.version == staged.version;
        let recent = if is_canary { &mut tally.canary } else { &mut tally.in_use };
        recent.push(is_refused);
        if !is_canary || !is_refused || tally.is_fallen || !tally.has_risen() {
            return;
        }
        let fallen = Fallen { credential: credential.id, version: staged.version, reason: tally.reason() };
        // A queue that is full is tried again at the next refusal.
        tally.is_fallen = self.queue.try_send(fallen).is_ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(canary: &[bool], in_use: &[bool]) -> Tally {
        let mut tally = Tally::default();
        canary.iter().for_each(|refused| tally.canary.push(*refused));
        in_use.iter().for_each(|refused| tally.in_use.push(*refused));
        tally
    }

    #[test]
    fn a_rise_is_more_than_chance_and_more_than_with_the_version_in_use() {
        let (bad, good) = ([true; 3], [false; 20]);
        assert!(tally(&bad, &good).has_risen());
        assert!(!tally(&bad[..2], &good).has_risen(), "chance");
        assert!(!tally(&bad, &[true; 20]).has_risen(), "the provider refuses the other key as well");
        assert!(!tally(&good, &good).has_risen());
        let revoked: Vec<bool> = (0..1000).map(|call| call >= 997).collect();
        assert!(tally(&revoked, &good).has_risen(), "a long good time before does not hide it");
        assert!(tally(&bad, &[]).has_risen());
    }
}
