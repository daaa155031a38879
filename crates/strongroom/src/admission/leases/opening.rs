//! Opening a batch: calls are decided in their order, in four phases that no database is asked in.
//!
//! ```text
//!  covered ──► returned ──► decided ──► topped up
//!  leases      what was      the other   leases for the
//!  admit       taken ahead   calls, in   calls until the
//!  these       goes back     their turn  next batch
//! ```

use std::collections::{BTreeMap, BTreeSet};

use strongroom_model::limit::CounterState;
use strongroom_store::counter::{CounterKey, Delta};

use super::{
    Account, Batch, Claim, Crossing, Decision, GivingBack, LEASE_DIVISOR, LeasePool, MAX_LEASED, Move,
    Sealed, counted,
};

/// A batch that is being opened.
struct Opening<'s> {
    states: &'s BTreeMap<CounterKey, CounterState>,
    giving_back: &'s GivingBack,
    moves: BTreeMap<CounterKey, Move>,
    /// By the place of the call.
    decisions: Vec<Option<Decision>>,
    covered: Vec<Claim>,
    granted: Vec<(usize, Vec<Claim>)>,
    touched: BTreeSet<CounterKey>,
    /// Counters with a limit that calls need which leases do not cover.
    needed: BTreeSet<CounterKey>,
    /// Of each counter, everything that is taken by others and by the calls of this batch so far.
    taken: BTreeMap<CounterKey, i64>,
    /// Of each account, what was durable and what was shown as held before.
    before: BTreeMap<CounterKey, (i64, i64)>,
}

impl LeasePool {
    /// Opens a batch: decides the calls in their order and says what to write. `states` are the counters, locked,
    /// if a limit binds any of those in [`Sealed`] and of the calls. What was taken ahead of the counters in `giving_back` goes
    /// back, and nothing is taken of them ahead.
    pub(crate) fn open(
        &mut self,
        sealed: Sealed,
        calls: &[&[Claim]],
        states: &BTreeMap<CounterKey, CounterState>,
        giving_back: &GivingBack,
    ) -> Batch {
        let mut opening = Opening {
            states,
            giving_back,
            touched: sealed.moves.keys().copied().collect(),
            moves: sealed.moves,
            decisions: Vec::with_capacity(calls.len()),
            covered: Vec::new(),
            granted: Vec::new(),
            needed: BTreeSet::new(),
            taken: BTreeMap::new(),
            before: BTreeMap::new(),
        };
        match giving_back {
            GivingBack::All => opening.touched.extend(self.accounts.keys().copied()),
            GivingBack::Of(counters) => opening.touched.extend(counters),
        }
        self.admit_covered(&mut opening, calls);
        self.return_leases(&mut opening);
        self.decide_others(&mut opening, calls);
        let deltas = self.top_up(&mut opening);
        let crossings = self.crossings(opening.states, &deltas);
        let Opening { moves, decisions, covered, granted, .. } = opening;
        let decisions = decisions.into_iter().flatten().collect();
        Batch { deltas, decisions, crossings, moves, granted, covered }
    }

    /// The counters that come over a threshold of their limits by what this batch settles.
    fn crossings(
        &self,
        states: &BTreeMap<CounterKey, CounterState>,
        deltas: &BTreeMap<CounterKey, Delta>,
    ) -> Vec<Crossing> {
        let crossing = |(key, delta): (&CounterKey, &Delta)| {
            let account = self.accounts.get(key).filter(|_| delta.settled > 0)?;
            let limit = account.limit.filter(|_| !account.thresholds.is_empty())?;
            let state = states.get(key).copied().unwrap_or_default();
            let before = counted(&state);
            let after = before.saturating_add(delta.settled);
            let has_crossed = account.thresholds.crossed(before, after, limit).next().is_some();
            has_crossed.then_some(Crossing { key: *key, before, after })
        };
        deltas.iter().filter_map(crossing).collect()
    }

    /// Admits from leases the calls that these cover.
    fn admit_covered(&mut self, opening: &mut Opening<'_>, calls: &[&[Claim]]) {
        for claims in calls {
            opening.touched.extend(claims.iter().map(|claim| claim.key));
            let is_kept = !claims.iter().any(|claim| opening.giving_back.includes(&claim.key));
            let is_covered = is_kept && self.admit(claims);
            if is_covered {
                opening.covered.extend_from_slice(claims);
            } else {
                let bound = claims.iter().filter(|claim| claim.limit.is_some());
                opening.needed.extend(bound.map(|claim| claim.key));
            }
            opening.decisions.push(is_covered.then_some(Decision::Granted));
        }
    }

    /// Returns what was taken ahead and is not kept. What the other calls need goes back first: nobody is refused what this
    /// server sits on itself.
    fn return_leases(&mut self, opening: &mut Opening<'_>) {
        for key in &opening.touched {
            let account = self.accounts.entry(*key).or_default();
            let one = opening.moves.entry(*key).or_default();
            opening.before.insert(*key, (account.durable + one.spent, account.shown));
            // The counter as it is once this batch has settled what has ended.
            let state = opening.states.get(key).copied().unwrap_or_default();
            let others = state.taken() - one.spent + one.consumed;
            let left = account.limit.map(|limit| limit.saturating_sub(others));
            let keeps = !opening.giving_back.includes(key) && !opening.needed.contains(key);
            one.returned = (account.lease() - account.target(left, keeps)).max(0);
            account.durable -= one.returned;
            opening.taken.insert(*key, others - one.returned);
        }
    }

    /// Decides the calls that leases do not cover, in their order: each is granted all of its claims, or refused.
    fn decide_others(&mut self, opening: &mut Opening<'_>, calls: &[&[Claim]]) {
        for (place, claims) in calls.iter().enumerate() {
            if opening.decisions[place].is_some() {
                continue;
            }
            let full = claims.iter().position(|claim| {
                let taken = opening.taken.get(&claim.key).copied().unwrap_or_default();
                claim.limit.is_some_and(|limit| claim.amount > limit.saturating_sub(taken))
            });
            opening.decisions[place] = Some(match full {
                Some(claim) => {
                    let state = opening.states.get(&claims[claim].key).copied().unwrap_or_default();
                    Decision::Refused { claim, state }
                }
                None => {
                    for claim in *claims {
                        *opening.taken.entry(claim.key).or_default() += claim.amount;
                        opening.moves.entry(claim.key).or_default().granted += claim.amount;
                        self.accounts.entry(claim.key).or_default().note(claim);
                    }
                    opening.granted.push((place, claims.to_vec()));
                    Decision::Granted
                }
            });
        }
    }

    /// Takes ahead what the next calls may need, and says what to add to each counter.
    fn top_up(&mut self, opening: &mut Opening<'_>) -> BTreeMap<CounterKey, Delta> {
        let mut deltas = BTreeMap::new();
        for (key, one) in &mut opening.moves {
            let Some(account) = self.accounts.get_mut(key) else { continue };
            let taken = opening.taken.get(key).copied().unwrap_or_default();
            let left = account.limit.map(|limit| limit.saturating_sub(taken));
            account.pace = account.asked.max(account.pace / 2);
            account.asked = 0;
            let keeps = !opening.giving_back.includes(key);
            one.topped_up = (account.target(left, keeps) - account.lease()).max(0);
            one.shown = account.in_flight + one.granted;
            let (durable, shown) = opening.before.get(key).copied().unwrap_or_default();
            let after = account.durable + one.granted + one.topped_up;
            let held = one.shown - shown;
            let delta = Delta {
                settled: one.consumed,
                held,
                leased: after - durable - held,
                adjusted: 0,
                last_used: one.last_used,
            };
            if delta != Delta::default() {
                deltas.insert(*key, delta);
            }
        }
        deltas
    }
}

impl Account {
    /// The lease to have in hand for the calls until the next batch.
    fn target(&self, left: Option<i64>, keep_leases: bool) -> i64 {
        if !keep_leases {
            return 0;
        }
        let wanted = self.pace.max(self.asked).saturating_mul(2);
        match left {
            None => wanted.min(MAX_LEASED),
            Some(left) => {
                let most = left / LEASE_DIVISOR;
                if most < self.largest { 0 } else { wanted.min(most) }
            }
        }
    }
}
