//! Counters, and the ledger that they are the sum of.

use std::collections::BTreeMap;

use strongroom_model::credential::{Credential, Source};
use strongroom_model::limit::{CounterState, LimitScope, Unit, Window};
use strongroom_model::usage::{Metering, TokenUsage};
use strongroom_model::{Amount, CredentialId, LedgerText, Millis, RawUsage, Uid, UserId, month};
use strongroom_store::counter::{self, CounterKey, Delta, Discrepancy, Entry, EntryKind};
use strongroom_store::usage::{self, Kind, Record};
use strongroom_store::{credential, limit};

use super::ground::{Ground, NOW, ground, provider, row, uid};

/// A call at this instant with one credential, of one request.
pub(crate) fn record(number: u8, credential: Option<Uid>, at: Millis) -> Record {
    Record {
        uid: uid(number),
        at,
        kind: Kind::Call,
        operation: "chat.completions",
        actor: LedgerText::shown(format!("token:{}", uid(90))),
        user: Some(UserId(7)),
        credential,
        version: credential.map(|_| uid(101)),
        provider: provider("openai"),
        model: LedgerText::named("gpt-test").expect("a name"),
        source: if credential.is_some() { Source::Database } else { Source::Environment },
        status: 200,
        requests: 1,
        client_requests: 1,
        tokens: TokenUsage { input: Amount::of(10), output: Amount::of(5), ..TokenUsage::default() },
        cost_nano_usd: Some(Amount::of(100)),
        charged_tokens: Amount::of(15),
        charged_nano_usd: Amount::of(100),
        metering: Metering::Reported,
        generation: 1,
        first_byte_ms: Some(3),
        total_ms: Some(9),
        raw_usage: RawUsage::of("{}".to_owned()),
        request_id: None,
        tags: strongroom_model::tag::TagSet::default(),
    }
}

async fn add(ground: &Ground, key: CounterKey, delta: Delta) {
    let mut tx = ground.write().await;
    counter::apply(&mut tx, &BTreeMap::from([(key, delta)])).await.expect("a count");
    tx.commit().await.expect("a commit");
}

async fn take(ground: &Ground, at: Millis) {
    add(ground, CounterKey::monthly_requests(uid(1), at), Delta::used(1, at)).await;
}

async fn at(ground: &Ground, id: CredentialId, now: Millis) -> Credential {
    credential::get(&mut ground.read().await, id, now).await.expect("an answer").expect("a credential")
}

#[tokio::test]
async fn what_is_added_is_read_back_and_shown_on_the_credential() {
    let ground = ground().await;
    let id = ground.put(row(1, "one", &provider("openai"))).await;
    let key = CounterKey::monthly_requests(uid(1), NOW);
    let nothing = counter::read_all(&mut ground.read().await, &[key]).await.unwrap();
    assert_eq!(nothing.get(&key), None);
    take(&ground, NOW).await;
    let held = Delta { held: 2, leased: 10, adjusted: -1, ..Delta::default() };
    add(&ground, key, held).await;
    add(&ground, key, Delta { last_used: Some(Millis(NOW.0 - 5)), ..Delta::default() }).await;
    let read = counter::read_all(&mut ground.read().await, &[key, key]).await.unwrap();
    let state = CounterState { settled: 1, held: 2, leased: 10, adjusted: -1 };
    assert_eq!(read, BTreeMap::from([(key, state)]));
    assert_eq!((state.used(), state.taken()), (2, 12), "what is taken ahead is not used yet");
    let found = at(&ground, id, NOW).await;
    assert_eq!((found.usage_count, found.current_month_usage, found.last_used), (3, 2, Some(NOW)));
}

#[tokio::test]
async fn a_new_month_starts_at_zero_and_the_old_one_stays_as_it_was() {
    let ground = ground().await;
    let id = ground.put(row(1, "one", &provider("openai"))).await;
    let february = Millis(NOW.0 + 1);
    take(&ground, NOW).await;
    take(&ground, NOW).await;
    assert_eq!(at(&ground, id, february).await.current_month_usage, 0);
    take(&ground, february).await;
    let found = at(&ground, id, february).await;
    assert_eq!((found.usage_count, found.current_month_usage, found.last_used), (3, 1, Some(february)));
    assert_eq!(at(&ground, id, NOW).await.current_month_usage, 2);
}

#[tokio::test]
async fn a_month_is_reset_by_an_adjustment_and_a_line_about_each_counter_that_is_not_at_zero() {
    let ground = ground().await;
    for number in 1..=4 {
        ground.put(row(number, &format!("c{number}"), &provider("openai"))).await;
    }
    let january = month::start(NOW);
    for (number, settled, adjusted, at) in
        [(1, 5, 0, NOW), (2, 3, -3, NOW), (3, 0, 4, NOW), (4, 9, 0, Millis(0))]
    {
        let delta = Delta { settled, adjusted, held: 2, ..Delta::default() };
        add(&ground, CounterKey::monthly_requests(uid(number), at), delta).await;
    }
    let mut tx = ground.write().await;
    assert_eq!(counter::reset_month(&mut tx, january, "token:a", NOW).await.unwrap(), 2);
    assert_eq!(counter::reset_month(&mut tx, january, "token:a", NOW).await.unwrap(), 0);
    tx.commit().await.unwrap();
    let counters = "SELECT settled, held, adjusted FROM counters ORDER BY subject_uid";
    let counters: Vec<_> =
        ground.database.query_text(counters).await.into_iter().flatten().flatten().collect();
    assert_eq!(counters, ["5", "2", "-5", "3", "2", "-3", "0", "2", "0", "9", "2", "0"]);
    let lines = "SELECT subject_uid, kind, actor, settled, adjusted, window_start_ms, length(uid) FROM counter_entries \
                 ORDER BY subject_uid";
    let lines = ground.database.query_text(lines).await;
    let line = |number, adjusted: &str| {
        [&uid(number).to_string(), "reset", "token:a", "0", adjusted, &january.0.to_string(), "32"]
            .map(|it| Some(it.to_owned()))
    };
    assert_eq!(lines, [line(1, "-5"), line(3, "-4")]);
}

#[tokio::test]
async fn a_counter_that_is_not_the_sum_of_its_records_is_found() {
    let ground = ground().await;
    ground.put(row(1, "one", &provider("openai"))).await;
    let key = CounterKey::monthly_requests(uid(1), NOW);
    let entry = |number, kind, settled, adjusted| Entry {
        uid: uid(number),
        at: NOW,
        kind,
        actor: "library",
        key,
        settled,
        adjusted,
    };
    let mut tx = ground.write().await;
    let first_of_month = Millis(month::start(NOW).0);
    let late = Record { kind: Kind::Late, ..record(53, Some(uid(1)), NOW) };
    // What the environment serves is in the ledger and in no counter.
    let of_environment = record(60, None, NOW);
    let records =
        [record(51, Some(uid(1)), NOW), record(52, Some(uid(1)), first_of_month), late, of_environment];
    usage::insert_all(&mut tx, &records).await.unwrap();
    let entries = [
        entry(61, EntryKind::Imported, 7, 0),
        entry(62, EntryKind::Recovered, 2, 0),
        entry(63, EntryKind::Imported, 0, -3),
    ];
    counter::insert_entries(&mut tx, &entries).await.unwrap();
    let delta = Delta { settled: 2 + 7 + 2, adjusted: -3, ..Delta::default() };
    counter::apply(&mut tx, &BTreeMap::from([(key, delta)])).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(counter::proof::discrepancies(&mut ground.read().await).await.unwrap(), []);

    ground.database.execute("UPDATE counters SET settled = settled - 1").await;
    let found = Discrepancy {
        subject_uid: uid(1).to_string(),
        unit: "requests".to_owned(),
        window_kind: "month".to_owned(),
        window_start_ms: month::start(NOW).0,
        counted: 7,
        recorded: 8,
    };
    assert_eq!(counter::proof::discrepancies(&mut ground.read().await).await.unwrap(), [found]);
}

#[tokio::test]
async fn a_counter_of_a_limit_that_is_not_the_sum_of_what_the_limit_counts_is_found() {
    let ground = ground().await;
    let scope = LimitScope::Token(uid(90).to_string());
    let mut tx = ground.write().await;
    let (unit, window, amount) = (Unit::Tokens, Window::Day, Some(100));
    let change = limit::LimitChange { scope: &scope, unit, window, amount, uid: uid(70), at: NOW };
    limit::set(&mut tx, &change).await.unwrap();
    tx.commit().await.unwrap();
    let key = CounterKey::at(uid(70), Unit::Tokens, Window::Day, NOW);
    let mut tx = ground.write().await;
    let before = Record { generation: 0, ..record(50, None, NOW) };
    usage::insert_all(&mut tx, &[before, record(51, None, NOW), record(52, Some(uid(1)), NOW)])
        .await
        .unwrap();
    counter::apply(&mut tx, &BTreeMap::from([(key, Delta::used(30, NOW))])).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(counter::proof::limit_discrepancies(&mut ground.read().await, Millis(0)).await.unwrap(), []);
    ground.database.execute("UPDATE counters SET settled = 31").await;
    let found = counter::proof::limit_discrepancies(&mut ground.read().await, Millis(0)).await.unwrap();
    assert_eq!((found.len(), found[0].counted, found[0].recorded), (1, 31, 30));
    // Windows of which records may be gone already cannot be told.
    assert_eq!(counter::proof::limit_discrepancies(&mut ground.read().await, NOW).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_at_once_exactly_as_many_as_the_limit_are_taken() {
    let ground = ground().await;
    let key = CounterKey::monthly_requests(uid(1), NOW);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..120 {
        let store = ground.store.clone();
        tasks.spawn(async move {
            let mut tx = store.write().await.unwrap();
            let states = counter::lock_all(&mut tx, &[key]).await.unwrap();
            let used = states.get(&key).map_or(0, CounterState::taken);
            if used == 30 {
                tx.roll_back().await.unwrap();
                return None;
            }
            counter::apply(&mut tx, &BTreeMap::from([(key, Delta::used(1, NOW))])).await.unwrap();
            tx.commit().await.unwrap();
            Some(used + 1)
        });
    }
    let mut taken: Vec<i64> = tasks.join_all().await.into_iter().flatten().collect();
    taken.sort_unstable();
    assert_eq!(taken, (1..=30).collect::<Vec<_>>(), "every use is told once");
}

/// The same numbers each time, of no order (xorshift, <https://www.jstatsoft.org/article/view/v008i14>).
fn mixed(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_take_new_and_old_counters_in_any_mixture_never_wait_in_a_circle() {
    const SERVERS: u64 = 4;
    const ROUNDS: u64 = 40;
    let ground = ground().await;
    let mut tasks = tokio::task::JoinSet::new();
    for server in 0..SERVERS {
        let store = ground.store.clone();
        tasks.spawn(async move {
            let mut seed = server + 1;
            for round in 0..ROUNDS {
                // Some that all have, some of this minute that nobody may have yet, in whatever order they come.
                let keys: BTreeMap<u64, CounterKey> = (0..24)
                    .map(|_| {
                        let number = mixed(&mut seed) % 32;
                        let minute = if number < 8 { 0 } else { round };
                        let at = Millis(NOW.0 + minute as i64 * 60_000);
                        let key = CounterKey::at(uid(number as u8), Unit::Requests, Window::Minute, at);
                        (mixed(&mut seed), key)
                    })
                    .collect();
                let keys: Vec<_> = keys.into_values().collect();
                let mut tx = store.write_at_once().await.unwrap();
                let states = counter::lock_all(&mut tx, &keys).await?;
                let deltas: BTreeMap<_, _> = keys.iter().map(|key| (*key, Delta::used(1, NOW))).collect();
                counter::apply(&mut tx, &deltas).await?;
                let after = counter::read_all(&mut tx, &keys).await?;
                for key in deltas.keys() {
                    let before = states.get(key).map_or(0, |state| state.settled);
                    assert_eq!(after[key].settled, before + 1, "nobody else counts meanwhile");
                }
                tx.commit().await?;
            }
            Ok::<(), strongroom_store::StoreError>(())
        });
    }
    for done in tasks.join_all().await {
        done.expect("no transaction is undone");
    }
}
