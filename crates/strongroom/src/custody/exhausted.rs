//! Limits that refused a use since they were last written down: gathered in memory, for a refusal writes nothing.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use strongroom_store::counter::CounterKey;

/// Counters that are kept at the most: with more of them refused within seconds, the first ones say enough.
const MAX_COUNTERS: usize = 4096;

/// Counters whose limits refused, each once per window.
#[derive(Debug, Default)]
pub(crate) struct Exhausted {
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    new: BTreeSet<CounterKey>,
    /// Written down before: a limit that goes on refusing is written down once.
    written: BTreeSet<CounterKey>,
}

impl Exhausted {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that the limit of a counter had no room for a use, which would fit into the whole of it.
    pub(crate) fn note(&self, key: CounterKey) {
        let mut waiting = self.waiting();
        if waiting.new.len() < MAX_COUNTERS && !waiting.written.contains(&key) {
            waiting.new.insert(key);
        }
    }

    /// Takes out what was noted.
    pub(crate) fn take(&self) -> Vec<CounterKey> {
        std::mem::take(&mut self.waiting().new).into_iter().collect()
    }

    /// Keeps in mind what was written down.
    pub(crate) fn written(&self, keys: &[CounterKey]) {
        let mut waiting = self.waiting();
        if waiting.written.len() + keys.len() > MAX_COUNTERS {
            waiting.written.clear();
        }
        waiting.written.extend(keys);
    }

    /// Puts back what could not be written down.
    pub(crate) fn put_back(&self, keys: Vec<CounterKey>) {
        self.waiting().new.extend(keys);
    }

    /// Forgets what was written of a counter: its limit was changed, and may refuse for the first time again.
    pub(crate) fn forget_written(&self) {
        self.waiting().written.clear();
    }
}

#[cfg(test)]
mod tests {
    use strongroom_model::limit::{Unit, Window};
    use strongroom_model::{Millis, Uid};

    use super::*;

    fn key(number: u16) -> CounterKey {
        let [high, low] = number.to_be_bytes();
        let mut uid = [0; 16];
        (uid[0], uid[1]) = (high, low);
        CounterKey::at(Uid::from_bytes(uid), Unit::Requests, Window::Day, Millis(0))
    }

    #[test]
    fn a_limit_that_goes_on_refusing_is_written_down_once_until_it_is_changed() {
        let exhausted = Exhausted::default();
        (0..3).for_each(|_| exhausted.note(key(1)));
        let taken = exhausted.take();
        assert_eq!(taken, [key(1)]);
        exhausted.put_back(taken);
        let taken = exhausted.take();
        exhausted.written(&taken);
        exhausted.note(key(1));
        assert_eq!(exhausted.take(), []);
        exhausted.forget_written();
        exhausted.note(key(1));
        assert_eq!(exhausted.take(), [key(1)]);
    }

    #[test]
    fn memory_has_a_bound() {
        let exhausted = Exhausted::default();
        (0..10_000).for_each(|number| exhausted.note(key(number)));
        let taken = exhausted.take();
        assert_eq!(taken.len(), MAX_COUNTERS);
        exhausted.written(&taken);
        exhausted.written(&[key(9999)]);
        assert_eq!(exhausted.waiting().written.len(), 1);
    }
}
