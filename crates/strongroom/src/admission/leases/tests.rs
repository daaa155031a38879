//! The ledger as a state machine: servers that admit, settle, lose commits and die, against a database that forgets nothing.

use proptest::prelude::*;
use strongroom_model::Uid;
use strongroom_model::limit::{Unit, Window};

use super::*;

const SERVERS: usize = 3;
const KEYS: usize = 3;

fn key(number: usize) -> CounterKey {
    CounterKey::at(Uid::from_bytes([number as u8; 16]), Unit::Tokens, Window::Day, Millis(0))
}

/// The next step.
#[derive(Debug, Clone)]
enum Step {
    /// A call asks one server for these amounts of these counters, and takes what leases cover.
    Ask { server: usize, amounts: Vec<(usize, i64)> },
    /// The oldest call of a server ends, having consumed this share of what it held, in percent.
    End { server: usize, percent: i64 },
    /// A server writes down what has ended and decides the calls that wait.
    Batch { server: usize, giving_back: GivingBack, fate: Fate, meanwhile: Vec<(i64, bool)> },
    /// A server is killed, and its holds are recovered.
    Kill { server: usize },
}

/// Fate of a commit.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Commits,
    /// A statement before it failed: every caller is refused.
    Refused,
    Fails,
    /// No answer came; it had happened.
    CommitsUnheard,
}

fn nothing() -> GivingBack {
    GivingBack::Of(BTreeSet::new())
}

/// Nothing, some or all of what was taken ahead.
fn giving_back() -> impl Strategy<Value = GivingBack> {
    let some = proptest::collection::btree_set((0..KEYS).prop_map(key), 0..KEYS).prop_map(GivingBack::Of);
    prop_oneof![2 => Just(nothing()), 2 => some, 1 => Just(GivingBack::All)]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let server = 0..SERVERS;
    let amounts = proptest::collection::vec((0..KEYS, 1..20_i64), 1..3);
    let fate = prop_oneof![4 => Just(Fate::Commits), 1 => Just(Fate::Fails), 1 => Just(Fate::CommitsUnheard), 1 => Just(Fate::Refused)];
    let meanwhile = proptest::collection::vec((0..=100_i64, any::<bool>()), 0..3);
    let step = prop_oneof![
        6 => (server.clone(), amounts).prop_map(|(server, amounts)| Step::Ask { server, amounts }),
        5 => (server.clone(), 0..=100_i64).prop_map(|(server, percent)| Step::End { server, percent }),
        5 => (server.clone(), giving_back(), fate, meanwhile).prop_map(|(server, giving_back, fate, meanwhile)| {
            Step::Batch { server, giving_back, fate, meanwhile }
        }),
        1 => server.prop_map(|server| Step::Kill { server }),
    ];
    proptest::collection::vec(step, 1..80)
}

#[derive(Default)]
struct Server {
    leases: LeasePool,
    waiting: Vec<Vec<Claim>>,
    running: Vec<Vec<Claim>>,
}

struct World {
    servers: Vec<Server>,
    limits: [Option<i64>; KEYS],
    counters: BTreeMap<CounterKey, CounterState>,
    /// Holds of each server in the database.
    holds: Vec<BTreeMap<CounterKey, (i64, i64)>>,
    /// Use of each counter by calls that have ended; of those that died with a server, as it was held.
    consumed: BTreeMap<CounterKey, i64>,
    recovered: BTreeMap<CounterKey, i64>,
    admitted: usize,
}

impl World {
    fn new(limits: [Option<i64>; KEYS]) -> Self {
        Self {
            servers: (0..SERVERS).map(|_| Server::default()).collect(),
            limits,
            counters: BTreeMap::new(),
            holds: vec![BTreeMap::new(); SERVERS],
            consumed: BTreeMap::new(),
            recovered: BTreeMap::new(),
            admitted: 0,
        }
    }

    fn claims(&self, amounts: &[(usize, i64)]) -> Vec<Claim> {
        let merged: BTreeMap<usize, i64> = amounts.iter().copied().collect();
        let claim = |(number, amount)| Claim {
            key: key(number),
            amount,
            limit: self.limits[number],
            thresholds: Thresholds::NONE,
        };
        merged.into_iter().map(claim).collect()
    }

    fn end(&mut self, server: usize, percent: i64) {
        let server = &mut self.servers[server];
        if server.running.is_empty() {
            return;
        }
        let ended = server.running.remove(0);
        let consume = |claim: &Claim| Consumed {
            key: claim.key,
            held: claim.amount,
            amount: claim.amount * percent / 100,
        };
        let consumed: Vec<_> = ended.iter().map(consume).collect();
        server.leases.finish(&consumed, Millis(1));
        for one in consumed {
            *self.consumed.entry(one.key).or_default() += one.amount;
        }
    }

    fn batch(&mut self, number: usize, giving_back: &GivingBack, fate: Fate, meanwhile: &[(i64, bool)]) {
        let waiting = std::mem::take(&mut self.servers[number].waiting);
        let sealed = self.servers[number].leases.seal();
        let calls: Vec<&[Claim]> = waiting.iter().map(Vec::as_slice).collect();
        let mut locked: BTreeSet<CounterKey> = sealed.keys().collect();
        locked.extend(calls.iter().copied().flatten().map(|claim| claim.key));
        let states =
            locked.iter().map(|key| (*key, self.counters.get(key).copied().unwrap_or_default())).collect();
        let mut batch = self.servers[number].leases.open(sealed, &calls, &states, giving_back);
        // While the disk works, calls that leases cover come and go.
        for (percent, comes) in meanwhile {
            if *comes {
                let claims = self.claims(&[(0, 1)]);
                if self.servers[number].leases.admit(&claims) {
                    self.servers[number].running.push(claims);
                }
            } else {
                self.end(number, *percent);
            }
        }
        if ![Fate::Fails, Fate::Refused].contains(&fate) {
            for (key, delta) in &batch.deltas {
                let state = self.counters.entry(*key).or_default();
                state.settled += delta.settled;
                state.held += delta.held;
                state.leased += delta.leased;
                let hold = self.holds[number].entry(*key).or_default();
                *hold = (hold.0 + delta.held, hold.1 + delta.leased);
            }
        }
        let (decisions, rests): (Vec<_>, Vec<_>) =
            batch.decisions.iter().enumerate().map(|(place, it)| (*it, batch.rests_on_commit(place))).unzip();
        let server = &mut self.servers[number];
        if fate != Fate::Refused {
            batch.told_covered();
        }
        match fate {
            Fate::Commits => server.leases.happened(batch),
            Fate::CommitsUnheard => server.leases.happened_unheard(batch),
            Fate::Fails | Fate::Refused => server.leases.did_not_happen(batch),
        }
        for ((claims, decision), rests) in waiting.into_iter().zip(decisions).zip(rests) {
            if decision == Decision::Granted && (fate == Fate::Commits || fate != Fate::Refused && !rests) {
                server.running.push(claims);
                self.admitted += 1;
            }
        }
    }

    fn kill(&mut self, number: usize) {
        self.servers[number] = Server::default();
        for (key, (held, leased)) in std::mem::take(&mut self.holds[number]) {
            *self.recovered.entry(key).or_default() += held + leased;
            let state = self.counters.entry(key).or_default();
            state.settled += held + leased;
            (state.held, state.leased) = (state.held - held, state.leased - leased);
        }
    }

    fn check(&self) {
        for number in 0..KEYS {
            let key = key(number);
            let state = self.counters.get(&key).copied().unwrap_or_default();
            if let Some(limit) = self.limits[number] {
                assert!(state.taken() <= limit, "{state:?} is over {limit}");
            }
            let held: i64 = self.holds.iter().filter_map(|holds| holds.get(&key)).map(|it| it.0 + it.1).sum();
            assert_eq!(state.held + state.leased, held, "what is held is held by somebody");
            for (server, holds) in self.servers.iter().zip(&self.holds) {
                let durable = holds.get(&key).map_or(0, |it| it.0 + it.1);
                let running: i64 =
                    server.running.iter().flatten().filter(|it| it.key == key).map(|it| it.amount).sum();
                assert!(running <= durable, "calls under way hold {running}, and the database {durable}");
                assert!(durable >= 0);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, ..ProptestConfig::default() })]

    #[test]
    fn no_limit_is_overdrawn_and_nothing_is_lost(
        steps in steps(),
        limits in (0..200_i64, 0..200_000_i64).prop_map(|(low, high)| [Some(low), Some(high), None]),
    ) {
        let mut world = World::new(limits);
        for step in steps {
            match step {
                Step::Ask { server, amounts } => {
                    let claims = world.claims(&amounts);
                    if world.servers[server].leases.admit(&claims) {
                        world.servers[server].running.push(claims);
                    } else {
                        world.servers[server].waiting.push(claims);
                    }
                }
                Step::End { server, percent } => world.end(server, percent),
                Step::Batch { server, giving_back, fate, meanwhile } => {
                    world.batch(server, &giving_back, fate, &meanwhile);
                }
                Step::Kill { server } => world.kill(server),
            }
            world.check();
        }
        // Everything ends and is written down: counters are what was consumed, and what died with a server.
        for server in 0..SERVERS {
            while !world.servers[server].running.is_empty() {
                world.end(server, 50);
            }
            world.servers[server].waiting.clear();
            world.batch(server, &GivingBack::All, Fate::Commits, &[]);
            world.check();
            prop_assert!(!world.servers[server].leases.has_leases());
            prop_assert!(world.servers[server].leases.accounts.is_empty(), "{:?}", world.servers[server].leases);
        }
        for number in 0..KEYS {
            let state = world.counters.get(&key(number)).copied().unwrap_or_default();
            prop_assert_eq!((state.held, state.leased), (0, 0));
            let recovered = world.recovered.get(&key(number)).copied().unwrap_or_default();
            let consumed = world.consumed.get(&key(number)).copied().unwrap_or_default();
            // Of what a killed server had ended and not written down, the held amount counts in place of the consumed one.
            prop_assert!(state.settled >= consumed.min(state.settled) && state.settled <= consumed + recovered);
            if recovered == 0 {
                prop_assert_eq!(state.settled, consumed);
            }
        }
    }
}

#[test]
fn alone_on_a_limit_all_of_it_can_be_used_and_nothing_more() {
    let mut world = World::new([Some(100), None, None]);
    for _ in 0..150 {
        let claims = world.claims(&[(0, 1)]);
        if world.servers[0].leases.admit(&claims) {
            world.servers[0].running.push(claims);
        } else {
            world.servers[0].waiting.push(claims);
            world.batch(0, &nothing(), Fate::Commits, &[]);
        }
        world.check();
    }
    assert_eq!(world.servers[0].running.len(), 100);
}

#[test]
fn far_from_a_limit_leases_cover_most_calls() {
    let mut world = World::new([Some(1_000_000_000), None, None]);
    let mut batches = 0;
    for turn in 0..10_000 {
        let claims = world.claims(&[(0, 1), (2, 1)]);
        if world.servers[0].leases.admit(&claims) {
            world.servers[0].running.push(claims);
        } else {
            world.servers[0].waiting.push(claims);
            world.batch(0, &nothing(), Fate::Commits, &[]);
            batches += 1;
        }
        world.end(0, 100);
        if turn % 100 == 0 {
            world.batch(0, &nothing(), Fate::Commits, &[]);
        }
    }
    assert!(batches < 100, "{batches} calls waited for the disk");
}

#[test]
fn calls_that_are_refused_with_their_batch_hold_nothing_of_the_leases_that_covered_them() {
    let mut world = World::new([None, None, None]);
    for fate in [Fate::Commits, Fate::Refused] {
        let claims = world.claims(&[(0, 1)]);
        world.servers[0].waiting.push(claims);
        world.batch(0, &nothing(), fate, &[]);
    }
    world.end(0, 100);
    world.batch(0, &GivingBack::All, Fate::Commits, &[]);
    assert!(world.servers[0].leases.accounts.is_empty(), "{:?}", world.servers[0].leases);
}

/// Leases that have granted one call of this amount, in a batch that happened.
fn after_one_call(limit: Option<i64>, amount: i64) -> (LeasePool, Claim) {
    let mut leases = LeasePool::default();
    let claim = Claim { key: key(1), amount, limit, thresholds: Thresholds::NONE };
    let sealed = leases.seal();
    let batch = leases.open(sealed, &[&[claim]], &BTreeMap::new(), &nothing());
    assert_eq!(batch.decisions, [Decision::Granted]);
    leases.happened(batch);
    (leases, claim)
}

#[test]
fn near_a_limit_nothing_is_taken_ahead_and_far_from_it_twice_what_was_asked() {
    for (limit, amount, lease) in [
        (None, 1, 2),
        (None, 5000, MAX_LEASED),
        (Some(1_000_000), 1, 2),
        (Some(1_000_000), 5, 10),
        // One part in 1024 of what is left: of 2050 that is two, and of 2047 one.
        (Some(2051), 1, 2),
        (Some(2048), 1, 1),
        (Some(1024), 1, 0),
        (Some(1000), 1, 0),
        (Some(1), 1, 0),
        // Less than a call needs would be of no use.
        (Some(2048), 2, 0),
    ] {
        let (leases, claim) = after_one_call(limit, amount);
        assert_eq!(leases.accounts[&claim.key].lease(), lease, "{amount} of {limit:?}");
        assert_eq!(leases.has_leases(), lease > 0, "{amount} of {limit:?}");
    }
}

#[test]
fn the_last_batch_is_the_one_after_which_nothing_is_left_in_hand() {
    let (mut leases, claim) = after_one_call(Some(1_000_000), 5);
    let last = |leases: &mut LeasePool| {
        let sealed = leases.seal();
        let batch = leases.open(sealed, &[], &BTreeMap::new(), &GivingBack::All);
        let is_last = leases.holds_nothing_but(&batch);
        leases.happened(batch);
        is_last
    };
    assert!(!last(&mut leases), "a call is under way");
    assert!(!leases.has_leases(), "what was taken ahead went back");
    leases.finish(&[Consumed { key: claim.key, held: 5, amount: 3 }], Millis(1));
    assert!(last(&mut leases), "all has ended and was written down with it");
    assert!(last(&mut leases), "there is nothing at all");

    let (mut leases, claim) = after_one_call(None, 5);
    leases.finish(&[Consumed { key: claim.key, held: 5, amount: 5 }], Millis(1));
    let sealed = leases.seal();
    let batch = leases.open(sealed, &[&[claim]], &BTreeMap::new(), &GivingBack::All);
    assert!(!leases.holds_nothing_but(&batch), "a call was granted in it");
    leases.did_not_happen(batch);
    let kept = Sealed::default();
    let batch = leases.open(kept, &[], &BTreeMap::new(), &GivingBack::All);
    assert!(!leases.holds_nothing_but(&batch), "what has ended is not written down");
}

#[test]
fn what_was_taken_ahead_is_there_for_the_calls_of_a_batch() {
    let here = GivingBack::Of(BTreeSet::from([key(1)]));
    for (amount, is_granted, giving_back) in [
        (2050, true, &GivingBack::All),
        (2051, false, &GivingBack::All),
        (2050, true, &here),
        (2051, false, &here),
        (2050, true, &nothing()),
        (2051, false, &nothing()),
    ] {
        let (mut leases, claim) = after_one_call(Some(2051), 1);
        let states = BTreeMap::from([(claim.key, CounterState { held: 1, leased: 2, ..Default::default() })]);
        let sealed = leases.seal();
        let batch = leases.open(sealed, &[&[Claim { amount, ..claim }]], &states, giving_back);
        assert_eq!(batch.decisions[0] == Decision::Granted, is_granted, "{amount} {giving_back:?}");
    }
}

#[test]
fn what_was_put_back_is_taken_out_again_also_when_nothing_was_held_for_it() {
    let mut leases = LeasePool::default();
    leases.finish(&[Consumed { key: key(1), held: 0, amount: 3 }], Millis(1));
    let sealed = leases.seal();
    leases.unseal(sealed);
    let sealed = leases.seal();
    let batch = leases.open(sealed, &[], &BTreeMap::new(), &nothing());
    assert_eq!(batch.deltas[&key(1)], Delta::used(3, Millis(1)));
}

#[test]
fn leases_of_the_counters_that_were_changed_go_back_and_others_stay() {
    let (mut leases, changed) = after_one_call(None, 5);
    let other = Claim { key: key(2), ..changed };
    let sealed = leases.seal();
    let batch = leases.open(sealed, &[&[other]], &BTreeMap::new(), &nothing());
    leases.happened(batch);
    assert_eq!((leases.accounts[&changed.key].lease(), leases.accounts[&other.key].lease()), (10, 10));

    let sealed = leases.seal();
    let giving_back = GivingBack::Of(BTreeSet::from([changed.key]));
    let batch = leases.open(sealed, &[], &BTreeMap::new(), &giving_back);
    assert_eq!(batch.deltas.keys().collect::<Vec<_>>(), [&changed.key], "nothing else is written");
    assert_eq!((batch.deltas[&changed.key].held, batch.deltas[&changed.key].leased), (0, -10));
    leases.happened(batch);
    assert_eq!((leases.accounts[&changed.key].lease(), leases.accounts[&other.key].lease()), (0, 10));
}

#[test]
fn leases_that_no_call_has_used_since_the_last_look_are_found() {
    let (mut leases, claim) = after_one_call(None, 5);
    assert_eq!(leases.take_unused(), [], "it was asked for a moment ago");
    assert!(leases.admit(&[claim]));
    assert_eq!(leases.take_unused(), []);
    assert_eq!(leases.take_unused(), [claim.key]);
    let batch = leases.open(Sealed::default(), &[], &BTreeMap::new(), &GivingBack::All);
    leases.happened(batch);
    assert_eq!(leases.take_unused(), [], "nothing is taken ahead");
}
