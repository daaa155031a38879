//! Calls that limits refused, counted in memory until they are written down, a few times a minute: a refusal is to cost nothing.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use strongroom_model::limit::Limit;
use strongroom_model::{Millis, Uid};
use strongroom_store::limit_history::{Refused, SLOT_MS};

/// Limits and slots that are kept while the database is away; refusals of others are not counted then.
const MAX_KEPT: usize = 10_000;

/// Refusals that are not written down.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<BTreeMap<(Uid, Millis, Millis), i64>>);

impl Refusals {
    fn kept(&self) -> MutexGuard<'_, BTreeMap<(Uid, Millis, Millis), i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A limit refused a call.
    pub(crate) fn add(&self, limit: &Limit, now: Millis) {
        let slot = Millis(now.0 - now.0.rem_euclid(SLOT_MS));
        self.put((limit.uid, limit.window.start(now), slot), 1);
    }

    fn put(&self, key: (Uid, Millis, Millis), more: i64) {
        let mut kept = self.kept();
        if kept.len() < MAX_KEPT || kept.contains_key(&key) {
            let count = kept.entry(key).or_default();
            *count = count.saturating_add(more);
        }
    }

    /// Takes all of them, in the order of limits.
    pub(crate) fn take(&self) -> Vec<Refused> {
        let of =
            |((limit, window_start, slot_start), count)| Refused { limit, window_start, slot_start, count };
        std::mem::take(&mut *self.kept()).into_iter().map(of).collect()
    }

    /// Keeps what could not be written down.
    pub(crate) fn put_back(&self, refusals: Vec<Refused>) {
        for Refused { limit, window_start, slot_start, count } in refusals {
            self.put((limit, window_start, slot_start), count);
        }
    }
}

#[cfg(test)]
mod tests {
    use strongroom_model::limit::{LimitScope, Unit, Window};

    use super::*;

    #[test]
    fn refusals_add_up_by_limit_and_slot_and_are_bounded() {
        let limit = |number: u64| {
            let mut uid = [0; 16];
            uid[..8].copy_from_slice(&number.to_be_bytes());
            Limit {
                uid: Uid::from_bytes(uid),
                scope: LimitScope::Token("t".to_owned()),
                unit: Unit::Tokens,
                window: Window::Day,
                amount: 1,
                created_at: Millis(0),
                updated_at: Millis(0),
                thresholds: strongroom_model::alert::Thresholds::NONE,
            }
        };
        let refusals = Refusals::default();
        refusals.add(&limit(1), Millis(SLOT_MS - 1));
        refusals.add(&limit(1), Millis(0));
        refusals.add(&limit(1), Millis(SLOT_MS));
        let counts =
            |taken: &[Refused]| taken.iter().map(|one| (one.slot_start.0, one.count)).collect::<Vec<_>>();
        let taken = refusals.take();
        assert_eq!(counts(&taken), [(0, 2), (SLOT_MS, 1)]);
        refusals.add(&limit(1), Millis(0));
        refusals.put_back(taken);
        assert_eq!(counts(&refusals.take()), [(0, 3), (SLOT_MS, 1)]);
        for number in 0..20_000 {
            refusals.add(&limit(number), Millis(0));
        }
        refusals.add(&limit(0), Millis(0));
        let taken = refusals.take();
        assert_eq!((taken.len(), taken[0].count), (MAX_KEPT, 2));
        assert_eq!(refusals.take(), []);
    }
}
