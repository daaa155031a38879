//! The batcher, batch by batch: over a database that refuses, that answers too late, and that has given the server up.

mod refused_records;

use std::collections::BTreeSet;

use strongroom_crypto::MasterKey;
use strongroom_model::alert::Thresholds;
use strongroom_model::limit::{Unit, Window};
use strongroom_model::{Actor, Clock, Millis, Provider};
use strongroom_store::Write;
use strongroom_store::counter::CounterKey;
use strongroom_testkit::{Backend, TestDatabase};

use super::asking::are_windows_open;
use super::guard::TakenOut;
use super::writing::Begun;
use super::*;
use crate::admission::immediate;
use crate::admission::leases::GivingBack;
use crate::{Options, Strongroom};

const NOW: Millis = Millis(1_769_903_999_999);
const LIMIT: i64 = 1000;

/// A batcher whose worker does what it is told, beside the one of its strongroom, which has nothing to do.
struct Bench {
    room: Strongroom,
    database: TestDatabase,
    clock: Clock,
    batcher: AdmissionBatcher,
    worker: Worker,
    requests: mpsc::Receiver<Request>,
}

type Answer = oneshot::Receiver<Result<Grant, Refusal>>;

/// So much of a counter; near a limit, or far from any.
fn claim(number: u8, amount: i64, limit: Option<i64>) -> Claim {
    let key = CounterKey::at(Uid::from_bytes([number; 16]), Unit::Tokens, Window::Day, NOW);
    Claim { key, amount, limit, thresholds: Thresholds::NONE }
}

fn near(amount: i64) -> Claim {
    claim(1, amount, Some(LIMIT))
}

fn far(amount: i64) -> Claim {
    claim(2, amount, None)
}

impl Bench {
    async fn new() -> Self {
        let database = TestDatabase::new(Backend::Sqlite).await;
        let clock = Clock::fixed(NOW);
        let mut options = Options::new(database.url(), MasterKey::generate().to_hex());
        options.clock = clock.clone();
        let room = Strongroom::open(options).await.unwrap();
        let shared = Arc::new(Shared::default());
        let (queue, requests) = mpsc::channel(MAX_WAITING_CALLS);
        let batcher = AdmissionBatcher {
            custody: Arc::clone(&room.0.custody),
            shared: Arc::clone(&shared),
            queue,
            _task: Mutex::default(),
        };
        let worker = Worker {
            custody: Arc::clone(&room.0.custody),
            cache: Arc::clone(&room.0.cache),
            shared,
            node: None,
            batch: 0,
            generation: 0,
            uncertain: None,
            renewed: None,
        };
        Self { room, database, clock, batcher, worker, requests }
    }

    async fn snapshot(&self) -> Snapshot {
        self.room.0.cache.snapshot().await.unwrap()
    }

    async fn asking(&self, claim: Claim) -> (Asking, Answer) {
        let (reply, answer) = oneshot::channel();
        let (claims, snapshot, subjects) = (vec![claim], self.snapshot().await, Vec::new());
        (Asking { claims, snapshot, subjects, reply }, answer)
    }

    /// One batch that decides these calls; what they are told.
    async fn decide(&mut self, claims: &[Claim]) -> (Result<(), Problem>, Vec<Result<Held, Refusal>>) {
        let (mut order, mut answers) = (Order::default(), Vec::new());
        for claim in claims {
            let (asking, answer) = self.asking(*claim).await;
            order.asking.push(asking);
            answers.push(answer);
        }
        let done = self.worker.run(order).await;
        (done, answers.into_iter().map(told).collect())
    }

    /// One batch that grants this.
    async fn granted(&mut self, claim: Claim) -> Held {
        let (done, mut told) = self.decide(&[claim]).await;
        done.unwrap();
        told.remove(0).unwrap()
    }

    async fn write_down(&mut self) -> Result<(), Problem> {
        self.worker.run(Order::default()).await
    }

    async fn give_back(&mut self) {
        self.worker.run(Order { give_back: true, ..Order::default() }).await.unwrap();
    }

    async fn record(&self) -> Record {
        let provider = Provider::parse("openai").unwrap();
        immediate::record(
            &self.batcher.custody,
            &Actor::library(),
            None,
            &provider,
            Kind::Call,
            self.snapshot().await,
        )
    }

    /// A call ends, having consumed so much of what it held.
    async fn end(&self, held: Held, amount: i64) {
        let (consumed, epoch) = (held.consumed(|_| amount), held.epoch);
        let record = Some(self.record().await);
        self.batcher.settle(Settlement { consumed, epoch, at: NOW, record });
    }

    /// A batch that decides this call comes to its commit; the test does that.
    async fn until_commit(&mut self, claim: Claim) -> (Write, Uncertain) {
        let mut taken = {
            let mut counted = self.batcher.shared.counted();
            TakenOut {
                shared: Arc::clone(&self.batcher.shared),
                sealed: Some(counted.leases.seal()),
                ended: Some(std::mem::take(&mut counted.ended)),
            }
        };
        let (asking, _) = self.asking(claim).await;
        let nothing = GivingBack::Of(BTreeSet::new());
        let Begun { mut tx, is_known, .. } = self.worker.begin().await.unwrap();
        assert!(is_known);
        let decided = self.worker.decide(&mut tx, &mut taken, &[asking], &nothing, NOW).await.unwrap();
        assert!(decided.is_written);
        (tx, Uncertain { batch: decided.batch, ended: decided.ended })
    }

    /// Others give this server up.
    async fn given_up(&self) {
        self.clock.set(NOW.plus_seconds(LEASE_SECONDS + 1));
        assert_eq!(self.room.recover_holds().await.unwrap(), 1);
        self.clock.set(NOW);
    }

    /// From now on the database refuses a batch at this statement, or at its commit.
    async fn refuse(&self, at: &str) {
        let sql = match at {
            // What is put off until the commit fails there.
            "COMMIT" => {
                "CREATE TABLE IF NOT EXISTS trap (node TEXT REFERENCES nodes (uid) DEFERRABLE INITIALLY DEFERRED);
                 CREATE TRIGGER refusal AFTER UPDATE ON nodes BEGIN INSERT INTO trap VALUES ('nobody'); END;
                 CREATE TRIGGER refusal_of_first AFTER INSERT ON nodes BEGIN INSERT INTO trap VALUES ('nobody'); END"
                    .to_owned()
            }
            statement => {
                format!("CREATE TRIGGER refusal BEFORE {statement} BEGIN SELECT RAISE(ABORT, 'no'); END")
            }
        };
        self.database.execute(&sql).await;
    }

    async fn refuse_no_more(&self) {
        self.database.execute("DROP TRIGGER refusal; DROP TRIGGER IF EXISTS refusal_of_first").await;
    }

    async fn rows(&self, sql: &str) -> Vec<String> {
        let rows = self.database.query_text(sql).await;
        rows.into_iter().map(|row| row.into_iter().flatten().collect::<Vec<_>>().join(" ")).collect()
    }

    /// Amounts settled, held and taken ahead of each counter.
    async fn counters(&self) -> Vec<String> {
        self.rows("SELECT settled, held, leased FROM counters ORDER BY subject_uid").await
    }

    /// Amounts that this server holds of each counter and has taken ahead.
    async fn holds(&self) -> Vec<String> {
        self.rows("SELECT held, leased FROM node_holds ORDER BY subject_uid").await
    }

    /// The last batch of each server.
    async fn batches(&self) -> Vec<String> {
        self.rows("SELECT batch FROM nodes").await
    }

    async fn kinds(&self) -> Vec<String> {
        self.rows("SELECT kind FROM usage_records ORDER BY kind").await
    }

    fn epoch(&self) -> u64 {
        self.batcher.shared.counted().epoch
    }

    /// Everything ends, and nothing is left of this server.
    async fn assert_leaves_nothing(&mut self) {
        self.give_back().await;
        assert_eq!(self.batches().await, Vec::<String>::new());
        assert_eq!(self.holds().await, Vec::<String>::new());
        assert_eq!(
            format!("{:?}", self.batcher.shared.counted().leases),
            format!("{:?}", LeasePool::default())
        );
        assert_eq!(self.worker.node, None);
    }
}

fn told(mut answer: Answer) -> Result<Held, Refusal> {
    answer.try_recv().expect("an answer").map(Grant::take)
}

fn is_refused_with(told: &Result<Held, Refusal>, problem: &Problem) -> bool {
    matches!(told, Err(Refusal::Problem(told)) if told.kind == problem.kind && told.message == problem.message)
}

#[tokio::test]
async fn a_batch_that_fails_at_any_statement_is_as_if_it_had_not_been_and_the_next_one_makes_up_for_it() {
    for statement in [
        "UPDATE ON nodes",
        "INSERT ON counters",
        "INSERT ON node_holds",
        "INSERT ON usage_contexts",
        "INSERT ON usage_lines",
        "COMMIT",
    ] {
        let mut bench = Bench::new().await;
        let first = bench.granted(near(5)).await;
        let under_way = bench.granted(near(20)).await;
        bench.end(first, 3).await;
        bench.refuse(statement).await;
        let (done, told) = bench.decide(&[near(7), near(1)]).await;
        let problem = done.unwrap_err();
        assert!(told.iter().all(|told| is_refused_with(told, &problem)), "{statement}: {told:?}");
        // Once more, of which nobody is told.
        bench.write_down().await.unwrap_err();
        assert_eq!(bench.counters().await, ["0 25 0"], "{statement}");
        bench.refuse_no_more().await;
        let second = bench.granted(near(1)).await;
        assert_eq!(bench.counters().await, ["3 21 0"], "{statement}");
        assert_eq!((bench.kinds().await, bench.batches().await), (vec!["call".into()], vec!["3".into()]));
        assert_eq!((second.epoch, bench.epoch()), (0, 0), "{statement}");
        bench.end(second, 1).await;
        bench.end(under_way, 20).await;
        bench.assert_leaves_nothing().await;
        assert_eq!(bench.counters().await, ["24 0 0"], "{statement}");
        assert_eq!(bench.kinds().await, ["call"; 3], "{statement}");
    }
}

#[tokio::test]
async fn a_first_batch_that_fails_is_followed_by_another_first_one() {
    for statement in ["INSERT ON nodes", "INSERT ON counters", "COMMIT"] {
        let mut bench = Bench::new().await;
        // A call with a key from the environment holds nothing, and has a record.
        bench.end(Held::default(), 0).await;
        bench.refuse(statement).await;
        let (done, told) = bench.decide(&[near(7)]).await;
        let problem = done.unwrap_err();
        assert!(is_refused_with(&told[0], &problem), "{statement}: {told:?}");
        bench.refuse_no_more().await;
        let held = bench.granted(near(5)).await;
        assert_eq!((held.epoch, bench.batches().await), (0, vec!["1".into()]), "{statement}");
        assert_eq!(bench.kinds().await, ["call"], "{statement}");
        bench.end(held, 5).await;
        bench.assert_leaves_nothing().await;
        assert_eq!(bench.counters().await, ["5 0 0"], "{statement}");
    }
}

#[tokio::test]
async fn a_commit_that_happened_unheard_counts_once_and_what_it_granted_goes_back() {
    let mut bench = Bench::new().await;
    for number in 1..4 {
        let held = bench.granted(near(5)).await;
        bench.end(held, 3).await;
        let (tx, uncertain) = bench.until_commit(near(7)).await;
        tx.commit().await.unwrap();
        assert_eq!(bench.counters().await, [format!("{} 7 0", 3 * number)]);
        bench.worker.uncertain = Some(uncertain);
        assert_eq!(bench.worker.rest(), Some(RETRY_PAUSE), "to find out is due soon");
        bench.write_down().await.unwrap();
        assert_eq!(bench.counters().await, [format!("{} 0 0", 3 * number)]);
        assert_eq!(bench.kinds().await.len(), number);
        assert_eq!((bench.epoch(), bench.batches().await), (0, vec![(3 * number).to_string()]));
    }
    bench.assert_leaves_nothing().await;
}

#[tokio::test]
async fn a_first_commit_that_happened_unheard_is_found() {
    let mut bench = Bench::new().await;
    let (tx, uncertain) = bench.until_commit(near(7)).await;
    tx.commit().await.unwrap();
    bench.worker.uncertain = Some(uncertain);
    let held = bench.granted(near(5)).await;
    assert_eq!((held.epoch, bench.batches().await), (0, vec!["2".into()]));
    assert_eq!(bench.counters().await, ["0 5 0"]);
    bench.end(held, 5).await;
    bench.assert_leaves_nothing().await;
}

#[tokio::test]
async fn records_of_a_commit_without_an_answer_are_unwritten_when_it_ends() {
    let mut bench = Bench::new().await;
    let held = bench.granted(near(5)).await;
    bench.end(held, 3).await;
    let (tx, uncertain) = bench.until_commit(near(7)).await;
    tx.roll_back().await.unwrap();
    bench.worker.uncertain = Some(uncertain);
    assert_eq!(bench.batcher.unwritten(), 0);
    bench.worker.give_up_uncertain();
    assert_eq!(bench.batcher.unwritten(), 1);
    assert_eq!(bench.kinds().await, Vec::<String>::new());
}

#[tokio::test]
async fn what_was_unheard_of_when_the_server_was_given_up_counts_once() {
    for happened in [true, false] {
        let mut bench = Bench::new().await;
        let held = bench.granted(near(5)).await;
        bench.end(held, 3).await;
        let (tx, uncertain) = bench.until_commit(near(7)).await;
        if happened {
            tx.commit().await.unwrap();
        } else {
            tx.roll_back().await.unwrap();
        }
        bench.given_up().await;
        // Of a batch that happened, what it settled and what it granted; else what the call had held.
        let settled = if happened { "10 0 0" } else { "5 0 0" };
        assert_eq!(bench.counters().await, [settled], "{happened}");
        bench.worker.uncertain = Some(uncertain);
        bench.write_down().await.unwrap();
        assert_eq!(bench.epoch(), 1, "{happened}");
        assert_eq!(bench.counters().await, [settled], "{happened}");
        assert_eq!(bench.kinds().await, [if happened { "call" } else { "late" }]);
        bench.assert_leaves_nothing().await;
    }
}

#[tokio::test]
async fn a_server_that_was_given_up_starts_over_and_what_it_held_counts_once() {
    let mut bench = Bench::new().await;
    let (first, second) = (bench.granted(near(5)).await, bench.granted(near(7)).await);
    bench.given_up().await;
    assert_eq!(bench.counters().await, ["12 0 0"]);
    bench.end(first, 3).await;
    let (done, told) = bench.decide(&[near(1)]).await;
    done.unwrap();
    assert!(matches!(told[0], Err(Refusal::Stale)), "{told:?}");
    assert_eq!((bench.epoch(), bench.worker.rest()), (1, None));
    assert!(bench.batcher.shared.counted().alive_until.is_none(), "leases are not spent any more");
    // One that ends now, two that held nothing, and one of the new life.
    bench.end(second, 7).await;
    for _ in 0..2 {
        bench.end(Held::default(), 0).await;
    }
    let third = bench.granted(near(1)).await;
    assert_eq!((third.epoch, bench.counters().await), (1, vec!["12 1 0".into()]));
    bench.end(third, 1).await;
    bench.write_down().await.unwrap();
    assert_eq!(bench.counters().await, ["13 0 0"]);
    assert_eq!(bench.kinds().await, ["call", "call", "call", "late", "late"]);
    bench.assert_leaves_nothing().await;
}

#[tokio::test]
async fn what_a_server_that_is_given_up_had_taken_ahead_counts_as_consumed() {
    let mut bench = Bench::new().await;
    bench.granted(far(1)).await;
    bench.granted(far(1)).await;
    assert_eq!((bench.counters().await, bench.holds().await), (vec!["0 2 2".into()], vec!["2 2".into()]));
    bench.given_up().await;
    assert_eq!((bench.counters().await, bench.holds().await), (vec!["4 0 0".into()], Vec::new()));
    assert_eq!(bench.batches().await, Vec::<String>::new());
    assert_eq!(bench.rows("SELECT kind, settled FROM counter_entries").await, ["recovered 4"]);
}

#[tokio::test]
async fn a_grant_of_an_earlier_life_that_nobody_takes_gives_nothing_back() {
    let bench = Bench::new().await;
    let grant = |epoch| Grant {
        shared: Arc::clone(&bench.batcher.shared),
        held: Some(Held { claims: vec![near(5)], epoch }),
        at: NOW,
    };
    bench.batcher.shared.counted().epoch = 1;
    drop(grant(0));
    assert_eq!(format!("{:?}", bench.batcher.shared.counted().leases), format!("{:?}", LeasePool::default()));
    drop(grant(1));
    assert_ne!(format!("{:?}", bench.batcher.shared.counted().leases), format!("{:?}", LeasePool::default()));
}

#[tokio::test]
async fn a_commit_that_fails_takes_nothing_from_calls_that_leases_cover() {
    let mut bench = Bench::new().await;
    bench.granted(far(1)).await;
    let leased = bench.granted(far(1)).await;
    assert_eq!(bench.counters().await, ["0 2 2"]);
    bench.end(leased, 1).await;
    bench.refuse("COMMIT").await;
    let (done, mut told) = bench.decide(&[far(2), near(7)]).await;
    let problem = done.unwrap_err();
    assert!(is_refused_with(&told[1], &problem), "{told:?}");
    let covered = told.remove(0).unwrap();
    bench.refuse_no_more().await;
    bench.write_down().await.unwrap();
    assert_eq!(bench.counters().await, ["1 3 2"], "it is under way");
    bench.end(covered, 2).await;
    bench.write_down().await.unwrap();
    assert_eq!(bench.counters().await[0].split(' ').next(), Some("3"));
}

#[tokio::test]
async fn a_batch_writes_when_there_is_something_to_write_or_a_sign_of_life_is_due() {
    let mut bench = Bench::new().await;
    for _ in 0..2 {
        bench.write_down().await.unwrap();
        assert_eq!(bench.batches().await, Vec::<String>::new(), "nothing is held, and nobody is to know");
    }
    let held = bench.granted(near(5)).await;
    bench.write_down().await.unwrap();
    assert_eq!(bench.batches().await, ["1"]);
    bench.worker.renewed = Instant::now().checked_sub(RENEWAL_INTERVAL);
    bench.clock.set(NOW.plus_seconds(9));
    let before = Instant::now();
    bench.write_down().await.unwrap();
    let after = Instant::now();
    let lease = bench.rows("SELECT batch, lease_until_ms FROM nodes").await;
    assert_eq!(lease, [format!("2 {}", NOW.plus_seconds(9 + LEASE_SECONDS).0)]);
    let until = bench.batcher.shared.counted().alive_until.unwrap();
    assert!(before + 2 * RENEWAL_INTERVAL <= until && until <= after + 2 * RENEWAL_INTERVAL, "{until:?}");
    assert!(2 * RENEWAL_INTERVAL < Duration::from_secs(LEASE_SECONDS as u64), "others wait for longer");
    bench.write_down().await.unwrap();
    assert_eq!(bench.batches().await, ["2"], "the next one is not due yet");
    bench.end(held, 5).await;
    bench.write_down().await.unwrap();
    assert_eq!(bench.batches().await, ["3"]);
    bench.assert_leaves_nothing().await;
}

#[tokio::test]
async fn what_was_taken_ahead_stays_until_its_limit_changes_or_it_is_given_back() {
    let of = |number: u8| format!("'limit', '{}'", Uid::from_bytes([number; 16]));
    let anything = "'all', ''".to_owned();
    for (changed, left) in [(None, 0), (Some(of(2)), 0), (Some(of(1)), 2), (Some(anything), 0)] {
        let mut bench = Bench::new().await;
        bench.granted(far(1)).await;
        let held = bench.granted(far(1)).await;
        assert_eq!(bench.counters().await, ["0 2 2"]);
        bench.end(held, 1).await;
        bench.write_down().await.unwrap();
        assert_eq!(bench.counters().await, ["1 1 2"], "nothing has changed");
        match &changed {
            None => bench.give_back().await,
            Some(changed) => {
                bench.database.execute("UPDATE changes SET value = value + 1").await;
                let row = format!("INSERT INTO change_log SELECT value, {changed} FROM changes");
                bench.database.execute(&row).await;
                bench.write_down().await.unwrap();
            }
        }
        assert_eq!(bench.counters().await, [format!("1 1 {left}")], "{changed:?}");
        let holds = vec![format!("1 {left}")];
        assert_eq!((bench.holds().await, bench.batches().await.len()), (holds, 1), "{changed:?}");
    }
}

#[tokio::test]
async fn a_lease_admits_at_once_and_only_while_the_server_is_sure_of_its_own() {
    let mut bench = Bench::new().await;
    bench.granted(far(1)).await;
    bench.granted(far(1)).await;
    let snapshot = bench.snapshot().await;
    let admitted = async |amount| {
        let mut admitted = std::pin::pin!(bench.batcher.admit(vec![far(amount)], snapshot, Vec::new));
        match futures::poll!(admitted.as_mut()) {
            std::task::Poll::Ready(held) => Some(held.unwrap()),
            std::task::Poll::Pending => None,
        }
    };
    assert!(admitted(3).await.is_none(), "it is more than was taken ahead");
    assert_eq!(admitted(1).await.expect("a lease").claims, [far(1)]);
    bench.batcher.shared.counted().alive_until = Some(Instant::now());
    assert!(admitted(1).await.is_none());
    bench.batcher.shared.counted().alive_until = None;
    assert!(admitted(1).await.is_none());
    bench.batcher.shared.counted().alive_until = Some(Instant::now() + RENEWAL_INTERVAL);
    assert_eq!(admitted(1).await.expect("a lease").claims, [far(1)]);
    assert!(admitted(1).await.is_none(), "it is used up");
}

#[tokio::test]
async fn the_worker_rests_until_leases_have_lain_idle_or_a_sign_of_life_is_due() {
    let mut bench = Bench::new().await;
    assert_eq!(bench.worker.rest(), None);
    let held = bench.granted(near(1)).await;
    let rest = bench.worker.rest().expect("a sign of life is due");
    assert!(LEASE_IDLE_TIME < rest && rest <= RENEWAL_INTERVAL, "{rest:?}");
    bench.granted(far(1)).await;
    bench.granted(far(1)).await;
    assert_eq!(bench.worker.rest(), Some(LEASE_IDLE_TIME));
    bench.end(held, 1).await;
}

#[tokio::test]
async fn the_first_of_several_calls_wakes_the_worker_and_the_one_with_which_it_is_enough() {
    let bench = Bench::new().await;
    let is_woken = || bench.batcher.shared.wake.notified().now_or_never().is_some();
    let mut woken = Vec::new();
    for number in 1..=FULL_BATCH + 1 {
        bench.end(Held::default(), 0).await;
        if is_woken() {
            woken.push(number);
        }
    }
    assert_eq!(woken, [1, FULL_BATCH]);
}

#[tokio::test]
async fn whoever_wants_everything_written_down_waits_for_the_batch_that_is_being_written() {
    let mut bench = Bench::new().await;
    assert!(matches!(bench.batcher.settle_now().now_or_never(), Some(Ok(()))), "there is nothing");
    bench.batcher.shared.counted().is_writing = true;
    assert!(bench.batcher.settle_now().now_or_never().is_none());
    assert!(matches!(bench.requests.try_recv(), Ok(Request::SettleNow(_))));
    bench.batcher.shared.counted().is_writing = false;
    bench.end(Held::default(), 0).await;
    assert!(bench.batcher.settle_now().now_or_never().is_none());
}

#[tokio::test]
async fn the_worker_pauses_after_a_failure_and_only_then() {
    let Bench { room: _room, batcher, mut worker, mut requests, database, .. } = Bench::new().await;
    let mut working = std::pin::pin!(worker.work(&mut requests));
    let ask = || {
        let (reply, answer) = oneshot::channel();
        batcher.queue.try_send(Request::SettleNow(reply)).expect("a worker");
        answer
    };
    for is_away in [false, true] {
        if is_away {
            database.execute("ALTER TABLE changes RENAME TO away").await;
        }
        let mut answer = ask();
        for _ in 0..2 {
            let done = tokio::select! {
                biased;
                () = &mut working => panic!("the worker has stopped"),
                done = answer => done.expect("an answer"),
            };
            assert_eq!(done.is_err(), is_away, "{done:?}");
            answer = ask();
            assert!(futures::poll!(working.as_mut()).is_pending());
            // A worker that pauses takes nothing out of its queue.
            let is_taken = batcher.queue.capacity() == batcher.queue.max_capacity();
            assert_eq!(is_taken, !is_away);
        }
        tokio::select! {
            biased;
            () = &mut working => panic!("the worker has stopped"),
            done = answer => assert_eq!(done.expect("an answer").is_err(), is_away),
        }
    }
}

#[test]
fn claims_hold_until_one_of_their_windows_ends() {
    let at = |window| CounterKey::at(Uid::from_bytes([1; 16]), Unit::Tokens, window, Millis(0));
    let claims = [Window::Month, Window::Minute].map(|it| Claim {
        key: at(it),
        amount: 1,
        limit: None,
        thresholds: Thresholds::NONE,
    });
    assert!(are_windows_open(&claims, Millis(0)));
    assert!(are_windows_open(&claims, Millis(59_999)));
    assert!(!are_windows_open(&claims, Millis(60_000)), "a minute has ended");
    assert!(are_windows_open(&claims[..1], Millis(60_000)), "a month has not");
}
