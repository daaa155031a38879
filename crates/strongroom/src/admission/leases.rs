//! Accounts of what this server holds of each counter, in memory: the part of admission that decides without waiting for a disk.
//!
//! Of every counter the database knows an amount that this server may consume (`durable`). Here it is divided: held by
//! calls under way, spent by calls that have ended and are not written down yet, and the rest, a lease, which calls may
//! take at once. A batch brings both sides together: it is opened, written in one transaction, and closed with what
//! became of that. Whatever leaves this server's hands leaves them when the batch opens, and whatever comes in comes when
//! its commit is certain, so that memory never promises what the database does not hold for it.

mod opening;

use std::collections::{BTreeMap, BTreeSet};

use foldhash::HashMap;
use strongroom_model::Millis;
use strongroom_model::alert::Thresholds;
use strongroom_model::limit::CounterState;
use strongroom_store::counter::{CounterKey, Delta};

use crate::crossing::{Crossing, counted};

/// The most that is taken ahead of a counter without a limit.
const MAX_LEASED: i64 = 4096;
/// Of what is left of a limit, one part in so many may be taken ahead: near the limit nothing is, so that no server sits
/// on what another one's caller is refused.
const LEASE_DIVISOR: i64 = 1024;

/// Need of a call on one counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Claim {
    /// Which counter.
    pub(crate) key: CounterKey,
    /// How much at the most.
    pub(crate) amount: i64,
    /// The limit on it.
    pub(crate) limit: Option<i64>,
    /// The parts of the limit whose use people are told of.
    pub(crate) thresholds: Thresholds,
}

/// Outcome of a claim when its call has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Consumed {
    /// Which counter.
    pub(crate) key: CounterKey,
    /// How much was held.
    pub(crate) held: i64,
    /// How much was consumed.
    pub(crate) amount: i64,
}

/// Decision of a batch about a call.
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

#[derive(Debug)]
struct Account {
    /// Amount that the database holds for this server.
    durable: i64,
    /// Part of it that stands in the column `held`.
    shown: i64,
    /// Of the durable amount, held by calls under way.
    in_flight: i64,
    /// Of the durable amount, held by calls that have ended.
    spent: i64,
    /// Amount that those calls used.
    consumed: i64,
    last_used: Option<Millis>,
    /// Amounts that calls asked for since the last batch, and before.
    asked: i64,
    pace: i64,
    largest: i64,
    limit: Option<i64>,
    thresholds: Thresholds,
    /// True if a call has asked for some of it since it was last looked through for what lies unused.
    is_used: bool,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            durable: 0,
            shown: 0,
            in_flight: 0,
            spent: 0,
            consumed: 0,
            last_used: None,
            asked: 0,
            pace: 0,
            largest: 0,
            limit: None,
            thresholds: Thresholds::NONE,
            is_used: false,
        }
    }
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
        self.thresholds = claim.thresholds;
        self.is_used = true;
    }
}

/// The counters of which a batch gives back what was taken ahead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum GivingBack {
    /// All of them.
    All,
    /// These.
    Of(BTreeSet<CounterKey>),
}

impl GivingBack {
    /// Nothing goes back.
    pub(crate) fn is_nothing(&self) -> bool {
        matches!(self, Self::Of(counters) if counters.is_empty())
    }

    fn includes(&self, key: &CounterKey) -> bool {
        match self {
            Self::All => true,
            Self::Of(counters) => counters.contains(key),
        }
    }
}

/// Moves of one account in one batch.
#[derive(Debug, Clone, Copy, Default)]
struct Move {
    /// Leaves the account when the batch opens; comes back if it did not happen.
    spent: i64,
    consumed: i64,
    returned: i64,
    /// Comes in when the batch has happened.
    granted: i64,
    topped_up: i64,
    /// Figure in the column `held` once it has happened.
    shown: i64,
    last_used: Option<Millis>,
}

/// A batch under way.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// Amounts to add to the counters, and of them the held and leased ones to this server's holds.
    pub(crate) deltas: BTreeMap<CounterKey, Delta>,
    /// For each call that asked.
    pub(crate) decisions: Vec<Decision>,
    /// The counters that may come over a threshold of their limits.
    pub(crate) crossings: Vec<Crossing>,
    moves: BTreeMap<CounterKey, Move>,
    /// The claims that were granted by this batch, by the place of their call.
    granted: Vec<(usize, Vec<Claim>)>,
    /// The claims that were held from leases when it opened, of calls that have not been told so yet.
    covered: Vec<Claim>,
}

/// Amounts of calls that have ended since the last batch, taken out of the accounts: they are written in one transaction with the records of
/// the calls that it comes from, or put back.
#[derive(Debug, Default)]
pub(crate) struct Sealed {
    moves: BTreeMap<CounterKey, Move>,
    /// True if a limit binds one of their counters.
    pub(crate) is_bound: bool,
}

impl Sealed {
    /// The counters.
    pub(crate) fn keys(&self) -> impl Iterator<Item = CounterKey> {
        self.moves.keys().copied()
    }
}

impl Batch {
    /// Tells whether the decision about the call at this place holds only if the batch happens.
    pub(crate) fn rests_on_commit(&self, place: usize) -> bool {
        self.granted.iter().any(|(granted, _)| *granted == place)
    }

    /// The calls that leases covered were told that they are held, whatever becomes of the batch.
    pub(crate) fn told_covered(&mut self) {
        self.covered.clear();
    }
}

/// The accounts of this server. They start over when the server's lease has lapsed.
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

    /// Tells whether anything is taken ahead.
    pub(crate) fn has_leases(&self) -> bool {
        self.accounts.values().any(|account| account.lease() > 0)
    }

    /// Tells whether nothing is left in hand when this batch has happened.
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

    /// The counters of which something is taken ahead that no call has asked for since this was called the last time.
    pub(crate) fn take_unused(&mut self) -> Vec<CounterKey> {
        let used = |account: &mut Account| std::mem::take(&mut account.is_used);
        let unused = self
            .accounts
            .iter_mut()
            .filter_map(|(key, account)| (!used(account) && account.lease() > 0).then_some(*key));
        unused.collect()
    }

    /// Puts back what was taken out.
    pub(crate) fn unseal(&mut self, sealed: Sealed) {
        self.put_back(sealed.moves);
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

#[cfg(test)]
mod tests;
