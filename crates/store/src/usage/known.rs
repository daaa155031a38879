//! Which dims and contexts stand in the database already, so that batches write lines and sums alone.
//!
//! They are never changed and never deleted, and named by what they hold: to write one again does nothing, and to leave one out
//! that is missing would leave lines behind that nobody finds. So what is taken to stand there was committed, on this connection's
//! server, a short while ago.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use strongroom_model::Uid;

/// How many are remembered: of each half.
const HALF: usize = 2_048;
/// How long, at the most: a database that lost commits on its way to another server gets them again by then.
const SURE_FOR: Duration = Duration::from_secs(600);

/// Dims and contexts that are known to be stored, shared by all connections of a store.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// Moves whenever all is forgotten.
    epoch: u64,
    since: Option<Instant>,
    /// The newer half, and what was the newer half before it.
    young: HashSet<Uid>,
    old: HashSet<Uid>,
}

impl State {
    fn forget(&mut self) {
        self.epoch += 1;
        self.since = None;
        self.young.clear();
        self.old.clear();
    }

    fn learn(&mut self, uid: Uid) {
        if self.young.len() >= HALF {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(uid);
    }

    fn has(&mut self, uid: Uid) -> bool {
        if self.young.contains(&uid) {
            return true;
        }
        let is_known = self.old.contains(&uid);
        if is_known {
            // What is in use stays.
            self.learn(uid);
        }
        is_known
    }
}

/// Dims and contexts that a transaction has written, to be known once it is committed.
#[derive(Debug, Default)]
pub(crate) struct Lesson {
    epoch: Option<u64>,
    uids: Vec<Uid>,
}

impl Known {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets everything: the next statements may go to another server.
    pub(crate) fn forget(&self) {
        self.state().forget();
    }

    /// Which of these are not known. They are going to be written, and known when the transaction is committed.
    pub(crate) fn missing(&self, uids: impl Iterator<Item = Uid>, lesson: &mut Lesson) -> HashSet<Uid> {
        let mut state = self.state();
        if state.since.is_some_and(|since| since.elapsed() >= SURE_FOR) {
            state.forget();
        }
        let missing: HashSet<Uid> = uids.filter(|uid| !state.has(*uid)).collect();
        if !missing.is_empty() {
            // What was written before all was forgotten is not learned, nor what is written with it.
            lesson.epoch.get_or_insert(state.epoch);
            lesson.uids.extend(&missing);
        }
        missing
    }

    /// Takes in what a committed transaction has written, unless everything was forgotten meanwhile.
    pub(crate) fn learn(&self, lesson: Lesson) {
        if lesson.uids.is_empty() {
            return;
        }
        let mut state = self.state();
        if lesson.epoch == Some(state.epoch) {
            state.since.get_or_insert_with(Instant::now);
            lesson.uids.into_iter().for_each(|uid| state.learn(uid));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uid(number: u64) -> Uid {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        Uid::from_bytes(bytes)
    }

    #[test]
    fn what_was_not_committed_is_not_known() {
        let known = Known::default();
        let mut lesson = Lesson::default();
        assert_eq!(known.missing([uid(1), uid(2)].into_iter(), &mut lesson).len(), 2);
        drop(lesson);
        let mut lesson = Lesson::default();
        assert_eq!(known.missing([uid(1)].into_iter(), &mut lesson).len(), 1);
        known.learn(lesson);
        let missing = known.missing([uid(1), uid(2)].into_iter(), &mut Lesson::default());
        assert_eq!(missing, HashSet::from([uid(2)]));
    }

    #[test]
    fn what_was_under_way_when_all_was_forgotten_is_not_learned() {
        let known = Known::default();
        let mut lesson = Lesson::default();
        known.missing([uid(1)].into_iter(), &mut lesson);
        known.forget();
        known.missing([uid(2)].into_iter(), &mut lesson);
        known.learn(lesson);
        assert_eq!(known.missing([uid(1), uid(2)].into_iter(), &mut Lesson::default()).len(), 2);
    }

    #[test]
    fn what_is_in_use_stays_and_the_rest_does_not_grow() {
        let known = Known::default();
        let learn = |number| {
            let mut lesson = Lesson::default();
            let missing = known.missing([uid(number)].into_iter(), &mut lesson);
            known.learn(lesson);
            !missing.is_empty()
        };
        assert!(learn(0));
        for number in 1..20_000 {
            assert!(learn(number));
            assert!(!learn(0), "after {number}");
            let state = known.state();
            assert!(state.young.len() <= HALF && state.old.len() <= HALF);
        }
        assert!(learn(1), "what nobody asked for is gone");
    }
}
