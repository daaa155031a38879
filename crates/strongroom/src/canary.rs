//! Canaries: how calls with staged versions fare beside those with the version in use. When providers refuse the key of one
//! clearly more often, it is taken back at once.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError, Weak};

use futures::FutureExt;
use strongroom_model::{Actor, CredentialId, Problem, ProblemKind, Uid};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::cache::ActiveCredential;
use crate::custody::Custody;
use crate::supervision::supervise;
use crate::{Inner, Strongroom};

/// Calls that are looked back at.
const RECENT: u32 = 20;
/// Refusals among them that may be chance.
const CHANCE: u32 = 2;
/// By how many points of a hundred the share of refusals has to be higher than that of the version in use.
const RISE: u32 = 10;
/// Versions that are remembered at the most; what is forgotten is counted anew.
const REMEMBERED: usize = 256;

/// The last calls of one kind, each a bit: whether the key was refused.
#[derive(Debug, Clone, Copy, Default)]
struct Recent {
    bits: u32,
    count: u32,
}

impl Recent {
    fn push(&mut self, is_refused: bool) {
        self.bits = (self.bits << 1 | u32::from(is_refused)) & ((1 << RECENT) - 1);
        self.count = (self.count + 1).min(RECENT);
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
        self.canary.refused() > CHANCE && self.canary.share() >= self.in_use.share() + RISE
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

#[derive(Debug)]
struct Fallen {
    credential: CredentialId,
    version: Uid,
    reason: String,
}

/// What is known of them here.
#[derive(Debug)]
pub(crate) struct Canaries {
    tallies: Mutex<HashMap<Uid, Tally>>,
    queue: mpsc::Sender<Fallen>,
    // Dropping it ends the task.
    _task: Mutex<JoinSet<()>>,
}

impl Canaries {
    /// Starts the task of a strongroom that is just being made.
    pub(crate) fn open(room: Weak<Inner>, custody: Weak<Custody>) -> Self {
        let (queue, fallen) = mpsc::channel(REMEMBERED);
        let mut task = JoinSet::new();
        task.spawn(supervise(("canaries", custody), (room, fallen), |(room, fallen)| {
            take_back(room, fallen).boxed()
        }));
        Self { tallies: Mutex::default(), queue, _task: Mutex::new(task) }
    }

    fn tallies(&self) -> MutexGuard<'_, HashMap<Uid, Tally>> {
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a staged version may serve.
    pub(crate) fn is_serving(&self, version: Uid) -> bool {
        self.tallies().get(&version).is_none_or(|tally| !tally.is_fallen)
    }

    /// A call with this key was answered, or its key was refused.
    pub(crate) fn note(&self, served: &ActiveCredential, is_refused: bool) {
        let credential = &served.credential;
        let Some(staged) = credential.staged.filter(|staged| staged.percent > 0) else { return };
        let mut tallies = self.tallies();
        if tallies.len() >= REMEMBERED && !tallies.contains_key(&staged.version) {
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

    /// It may be tried again: taking it back did not succeed.
    fn doubt(&self, version: Uid) {
        self.tallies().remove(&version);
    }
}

async fn take_back(room: &Weak<Inner>, queue: &mut mpsc::Receiver<Fallen>) {
    while let Some(Fallen { credential, version, reason }) = queue.recv().await {
        let Some(room) = room.upgrade().map(Strongroom) else { return };
        let service = room.credentials(Actor::system());
        match service.refuse_canary(credential, version, reason.clone()).await {
            Ok(found) => {
                tracing::warn!(credential = %found.name, reason, "a staged version was taken back");
            }
            // It was promoted, aborted or taken back by another server meanwhile.
            Err(Problem { kind: ProblemKind::Conflict | ProblemKind::NotFound, .. }) => {}
            Err(problem) => {
                tracing::error!(%problem, reason, "a staged version cannot be taken back and will be tried again");
                room.0.canaries.doubt(version);
            }
        }
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
