//! What this server holds of each counter, in memory: the part of admission that decides without waiting for a disk.
//!
//! Of every counter the database knows an amount that this server may consume (`durable`). Here it is divided: held by
//! calls under way, spent by calls that have ended and are not written down yet, and the rest, a lease, which calls may
//! take at once. A batch brings both sides together: it is opened, written in one transaction, and closed with what
//! became of that. Whatever leaves this server's hands leaves them when the batch opens, and whatever comes in comes when
//! its commit is certain, so that memory never promises what the database does not hold for it.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::HashMap;
use strongroom_model::Millis;
use strongroom_model::limit::CounterState;
use strongroom_store::counter::{CounterKey, Delta};

/// The most that is taken ahead of a counter without a limit.
const MAX_LEASED: i64 = 4096;
/// Of what is left of a limit, one part in so many may be taken ahead: near the limit nothing is, so that no server sits
/// on what another one's caller is refused.
const LEASE_DIVISOR: i64 = 1024;

/// What a call needs of one counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Claim {
    /// Which counter.
    pub(crate) key: CounterKey,
    /// How much at the most.
    pub(crate) amount: i64,
    /// The limit on it.
    pub(crate) limit: Option<i64>,
}

/// What became of a claim when its call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Consumed {
    /// Which counter.
    pub(crate) key: CounterKey,
    /// How much was held.
    pub(crate) held: i64,
    /// How much was consumed.
    pub(crate) amount: i64,
}

/// What a batch decided about a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// All claims are held.
    Granted,
    /// A limit has no room.
    Refused {
        /// Which of the claims.
        claim: usize,
        /// Where its counter stands.
        state: CounterState,
    },
}

#[derive(Debug, Default)]
struct Account {
    /// What the database holds for this server.
    durable: i64,
    /// What of that stands in the column `held`.
    shown: i64,
    /// Of the durable amount, held by calls under way.
    in_flight: i64,
    /// Of the durable amount, held by calls that have ended.
    spent: i64,
    /// What those calls consumed.
    consumed: i64,
    last_used: Option<Millis>,
    /// What calls asked for since the last batch, and before.
    asked: i64,
    pace: i64,
    largest: i64,
    limit: Option<i64>,
}

impl Account {
    fn lease(&self) -> i64 {
        self.durable - self.in_flight - self.spent
    }

    fn is_idle(&self) -> bool {
        self.durable == 0 && self.in_flight == 0 && self.spent == 0 && self.consumed == 0 && self.shown == 0
    }

    fn take(&mut self, claim: &Claim) {
        self.in_flight += claim.amount;
        self.note(claim);
    }

    fn note(&mut self, claim: &Claim) {
        self.asked += claim.amount;
        self.largest = self.largest.max(claim.amount);
        self.limit = claim.limit;
    }
}

/// What one batch does to one account.
#[derive(Debug, Clone, Copy, Default)]
struct Move {
    /// Leaves the account when the batch opens; comes back if it did not happen.
    spent: i64,
    consumed: i64,
    returned: i64,
    /// Comes in when the batch has happened.
    granted: i64,
    topped_up: i64,
    /// What the column `held` shows when it has happened.
    shown: i64,
    last_used: Option<Millis>,
}

/// A batch under way.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// What to add to the counters, and of it the held and leased amounts to this server's holds.
    pub(crate) deltas: BTreeMap<CounterKey, Delta>,
    /// For each call that asked.
    pub(crate) decisions: Vec<Decision>,
    moves: BTreeMap<CounterKey, Move>,
    /// The claims that were granted by this batch, by the place of their call.
    granted: Vec<(usize, Vec<Claim>)>,
    /// The claims that were held from leases when it opened, of calls that have not been told so yet.
    covered: Vec<Claim>,
}

/// What has ended since the last batch, taken out of the accounts: it is written in one transaction with the records of
/// the calls that it comes from, or put back.
#[derive(Debug, Default)]
pub(crate) struct Sealed {
    moves: BTreeMap<CounterKey, Move>,
    /// Whether a limit binds one of their counters.
    pub(crate) is_bound: bool,
}

impl Sealed {
    /// The counters.
    pub(crate) fn keys(&self) -> impl Iterator<Item = CounterKey> {
        self.moves.keys().copied()
    }
}

impl Batch {
    /// Whether the decision about the call at this place holds only if the batch happens.
    pub(crate) fn rests_on_commit(&self, place: usize) -> bool {
        self.granted.iter().any(|(granted, _)| *granted == place)
    }

    /// The calls that leases covered were told that they are held, whatever becomes of the batch.
    pub(crate) fn told_covered(&mut self) {
        self.covered.clear();
    }
}

/// The accounts of this server. They begin anew when the server's lease has lapsed.
#[derive(Debug, Default)]
pub(crate) struct LeasePool {
    accounts: HashMap<CounterKey, Account>,
    changed: BTreeSet<CounterKey>,
}

impl LeasePool {
    /// Holds all claims of a call, if leases cover them; else none.
    pub(crate) fn admit(&mut self, claims: &[Claim]) -> bool {
        let covers = |claim: &Claim| {
            self.accounts
                .get(&claim.key)
                .is_some_and(|it| it.lease() >= claim.amount && it.limit == claim.limit)
        };
        if !claims.iter().all(covers) {
            return false;
        }
        for claim in claims {
            if let Some(account) = self.accounts.get_mut(&claim.key) {
                account.take(claim);
            }
        }
        true
    }

    /// A call has ended.
    pub(crate) fn finish(&mut self, consumed: &[Consumed], at: Millis) {
        for one in consumed {
            let account = self.accounts.entry(one.key).or_default();
            account.in_flight -= one.held;
            account.spent += one.held;
            account.consumed += one.amount;
            if one.amount > 0 {
                account.last_used = account.last_used.max(Some(at));
            }
            self.changed.insert(one.key);
        }
    }

    /// Whether anything is taken ahead.
    pub(crate) fn has_leases(&self) -> bool {
        self.accounts.values().any(|account| account.lease() > 0)
    }

    /// Whether nothing is left in hand when this batch has happened.
    pub(crate) fn holds_nothing_but(&self, batch: &Batch) -> bool {
        // What calls hold is a part of the durable amount.
        batch.granted.is_empty() && self.accounts.values().all(|it| it.durable == 0)
    }

    /// Takes out what has ended.
    pub(crate) fn seal(&mut self) -> Sealed {
        let mut sealed = Sealed::default();
        for key in std::mem::take(&mut self.changed) {
            let Some(account) = self.accounts.get_mut(&key) else { continue };
            account.durable -= account.spent;
            let one = Move {
                spent: std::mem::take(&mut account.spent),
                consumed: std::mem::take(&mut account.consumed),
                last_used: account.last_used.take(),
                ..Move::default()
            };
            sealed.moves.insert(key, one);
            sealed.is_bound |= account.limit.is_some();
        }
        sealed
    }

    /// The counters of all accounts.
    pub(crate) fn keys(&self) -> impl Iterator<Item = CounterKey> {
        self.accounts.keys().copied()
    }

    /// Puts back what was taken out.
    pub(crate) fn unseal(&mut self, sealed: Sealed) {
        self.put_back(sealed.moves);
    }

    /// Opens a batch: decides the calls in their order and says what to write. `states` are the counters, locked,
    /// if a limit binds any of those in [`Sealed`] and of the calls. With `keep_leases` unset, everything that was taken
    /// ahead goes back.
    pub(crate) fn open(
        &mut self,
        sealed: Sealed,
        calls: &[&[Claim]],
        states: &BTreeMap<CounterKey, CounterState>,
        keep_leases: bool,
    ) -> Batch {
        let mut moves = sealed.moves;
        let mut touched: BTreeSet<CounterKey> = moves.keys().copied().collect();
        if !keep_leases {
            touched.extend(self.accounts.keys().copied());
        }
        // What leases cover already is granted from them.
        let mut decisions: Vec<Option<Decision>> = Vec::with_capacity(calls.len());
        let mut covered = Vec::new();
        // What was taken ahead of what the others need goes back first: nobody is refused what this server sits on itself.
        let mut needed: BTreeSet<CounterKey> = BTreeSet::new();
        for claims in calls {
            touched.extend(claims.iter().map(|claim| claim.key));
            let is_covered = keep_leases && self.admit(claims);
            if is_covered {
                covered.extend_from_slice(claims);
            } else {
                needed.extend(claims.iter().filter(|claim| claim.limit.is_some()).map(|claim| claim.key));
            }
            decisions.push(is_covered.then_some(Decision::Granted));
        }
        let mut taken: BTreeMap<CounterKey, i64> = BTreeMap::new();
        let mut before: BTreeMap<CounterKey, (i64, i64)> = BTreeMap::new();
        for key in &touched {
            let account = self.accounts.entry(*key).or_default();
            let one = moves.entry(*key).or_default();
            before.insert(*key, (account.durable + one.spent, account.shown));
            let others = states.get(key).copied().unwrap_or_default().taken() - one.spent + one.consumed;
            let left = account.limit.map(|limit| limit.saturating_sub(others));
            let keeps = keep_leases && !needed.contains(key);
            one.returned = (account.lease() - account.target(left, keeps)).max(0);
            account.durable -= one.returned;
            taken.insert(*key, others - one.returned);
        }
        let mut granted = Vec::new();
        for (place, claims) in calls.iter().enumerate() {
            if decisions[place].is_some() {
                continue;
            }
            let full = claims.iter().position(|claim| {
                let taken = taken.get(&claim.key).copied().unwrap_or_default();
                claim.limit.is_some_and(|limit| claim.amount > limit.saturating_sub(taken))
            });
            decisions[place] = Some(match full {
                Some(claim) => {
                    let state = states.get(&claims[claim].key).copied().unwrap_or_default();
                    Decision::Refused { claim, state }
                }
                None => {
                    for claim in *claims {
                        *taken.entry(claim.key).or_default() += claim.amount;
                        moves.entry(claim.key).or_default().granted += claim.amount;
                        self.accounts.entry(claim.key).or_default().note(claim);
                    }
                    granted.push((place, claims.to_vec()));
                    Decision::Granted
                }
            });
        }
        let mut deltas = BTreeMap::new();
        for (key, one) in &mut moves {
            let Some(account) = self.accounts.get_mut(key) else { continue };
            let left =
                account.limit.map(|limit| limit.saturating_sub(taken.get(key).copied().unwrap_or_default()));
            account.pace = account.asked.max(account.pace / 2);
            account.asked = 0;
            one.topped_up = (account.target(left, keep_leases) - account.lease()).max(0);
            one.shown = account.in_flight + one.granted;
            let (durable, shown) = before.get(key).copied().unwrap_or_default();
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
        let decisions = decisions.into_iter().flatten().collect();
        Batch { deltas, decisions, moves, granted, covered }
    }

    /// The batch has happened. What was granted to callers that have gone away meanwhile is theirs until they
    /// [`LeasePool::finish`].
    pub(crate) fn happened(&mut self, batch: Batch) {
        for (key, one) in batch.moves {
            let account = self.accounts.entry(key).or_default();
            account.durable += one.granted + one.topped_up;
            account.shown = one.shown;
        }
        for claim in batch.granted.iter().flat_map(|(_, claims)| claims) {
            if let Some(account) = self.accounts.get_mut(&claim.key) {
                account.in_flight += claim.amount;
            }
        }
        self.accounts.retain(|_, account| !account.is_idle());
    }

    /// The batch has happened after its callers were told that it had not: what was granted to them goes back.
    pub(crate) fn happened_unheard(&mut self, batch: Batch) {
        let granted: Vec<_> =
            batch.granted.iter().flat_map(|(_, claims)| claims).map(|claim| claim.key).collect();
        for (key, one) in batch.moves {
            let account = self.accounts.entry(key).or_default();
            account.durable += one.granted + one.topped_up;
            account.shown = one.shown;
        }
        self.changed.extend(granted);
        self.let_go(&batch.covered);
    }

    /// The batch has not happened.
    pub(crate) fn did_not_happen(&mut self, batch: Batch) {
        self.let_go(&batch.covered);
        self.put_back(batch.moves);
    }

    /// Calls that leases covered were refused with their batch, and hold nothing.
    fn let_go(&mut self, covered: &[Claim]) {
        for claim in covered {
            if let Some(account) = self.accounts.get_mut(&claim.key) {
                account.in_flight -= claim.amount;
                self.changed.insert(claim.key);
            }
        }
    }

    fn put_back(&mut self, moves: BTreeMap<CounterKey, Move>) {
        for (key, one) in moves {
            let account = self.accounts.entry(key).or_default();
            account.durable += one.spent + one.returned;
            account.spent += one.spent;
            account.consumed += one.consumed;
            account.last_used = account.last_used.max(one.last_used);
            if one.spent != 0 || one.consumed != 0 {
                self.changed.insert(key);
            }
        }
        self.accounts.retain(|_, account| !account.is_idle());
    }
}

impl Account {
    /// What to have in hand for the calls until the next batch.
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

#[cfg(test)]
mod tests;
