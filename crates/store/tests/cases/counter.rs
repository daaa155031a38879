//! Limits, counters, and the ledger that the counters are the sum of.

use strongroom_model::credential::{Credential, Source};
use strongroom_model::limit::{Unit, Window};
use strongroom_model::{CredentialId, Millis, month};
use strongroom_store::counter::{self, Discrepancy};
use strongroom_store::usage::{self, Kind, Record};
use strongroom_store::{credential, limit};

use super::ground::{Ground, NOW, ground, provider, row, uid};

const MONTHLY: (Unit, Window) = (Unit::Requests, Window::Month);

async fn limited(ground: &Ground, amount: Option<i64>) {
    let mut tx = ground.write().await;
    limit::set_for_credential(&mut tx, uid(1), MONTHLY, amount, NOW).await.expect("a limit");
    tx.commit().await.expect("a commit");
}

async fn take(ground: &Ground, at: Millis) -> Option<i64> {
    let mut tx = ground.write().await;
    let used = counter::take_one(&mut tx, uid(1), at).await.expect("an answer");
    tx.commit().await.expect("a commit");
    used
}

async fn add(ground: &Ground, window_start: Millis, amounts: (i64, i64), last_used: Option<Millis>) {
    let mut tx = ground.write().await;
    counter::add(&mut tx, uid(1), window_start, amounts, last_used).await.expect("a count");
    tx.commit().await.expect("a commit");
}

async fn at(ground: &Ground, id: CredentialId, now: Millis) -> Credential {
    credential::get(&mut ground.read().await, id, now).await.expect("an answer").expect("a credential")
}

#[tokio::test]
async fn a_limit_is_set_changed_and_removed() {
    let ground = ground().await;
    let id = ground.put(row(1, "one", &provider("openai"))).await;
    let other = ground.put(row(2, "two", &provider("openai"))).await;
    for amount in [Some(10), Some(0), Some(i64::MAX), None, None] {
        limited(&ground, amount).await;
        assert_eq!(ground.get(id).await.rate_limit, amount);
        assert_eq!(ground.get(other).await.rate_limit, None);
    }
}

#[tokio::test]
async fn the_last_use_is_taken_and_not_one_more() {
    let ground = ground().await;
    let id = ground.put(row(1, "one", &provider("openai"))).await;
    limited(&ground, Some(0)).await;
    assert_eq!(take(&ground, NOW).await, None, "a limit of nothing allows nothing");
    assert_eq!(ground.get(id).await.last_used, None);

    limited(&ground, Some(2)).await;
    assert_eq!((take(&ground, NOW).await, take(&ground, NOW).await), (Some(1), Some(2)));
    assert_eq!((take(&ground, NOW).await, take(&ground, NOW).await), (None, None));
    let found = ground.get(id).await;
    assert_eq!((found.usage_count, found.current_month_usage, found.last_used), (2, 2, Some(NOW)));

    limited(&ground, Some(1)).await;
    assert_eq!(take(&ground, NOW).await, None, "a lowered limit binds at once");
    limited(&ground, Some(3)).await;
    assert_eq!((take(&ground, NOW).await, take(&ground, NOW).await), (Some(3), None));
    limited(&ground, None).await;
    assert_eq!(take(&ground, NOW).await, Some(4), "without a limit nothing is refused");
}

#[tokio::test]
async fn adjustments_move_what_is_left_but_not_what_was_counted() {
    let ground = ground().await;
    let id = ground.put(row(1, "one", &provider("openai"))).await;
    limited(&ground, Some(3)).await;
    let january = month::start(NOW);
    assert_eq!(take(&ground, NOW).await, Some(1));
    add(&ground, january, (0, 2), None).await;
    assert_eq!(take(&ground, NOW).await, None);
    add(&ground, january, (0, -3), None).await;
    for used in [Some(1), Some(2), Some(3), None] {
        assert_eq!(take(&ground, NOW).await, used);
    }
    let found = ground.get(id).await;
    assert_eq!((found.usage_count, found.current_month_usage), (4, 3));

    let earlier = Millis(NOW.0 - 5);
    add(&ground, january, (6, 0), Some(earlier)).await;
    let found = ground.get(id).await;
    assert_eq!((found.usage_count, found.current_month_usage, found.last_used), (10, 9, Some(earlier)));
}

#[tokio::test]
async fn a_new_month_starts_at_zero_and_the_old_one_stays_as_it_was() {
    let ground = ground().await;
    let id = ground.put(row(1, "one", &provider("openai"))).await;
    limited(&ground, Some(1)).await;
    let february = Millis(NOW.0 + 1);
    assert_eq!((take(&ground, NOW).await, take(&ground, NOW).await), (Some(1), None));
    assert_eq!(at(&ground, id, february).await.current_month_usage, 0);
    assert_eq!((take(&ground, february).await, take(&ground, february).await), (Some(1), None));
    assert_eq!(take(&ground, NOW).await, None, "a clock that goes back frees nothing");
    let found = at(&ground, id, february).await;
    assert_eq!((found.usage_count, found.current_month_usage, found.last_used), (2, 1, Some(february)));
}

#[tokio::test]
async fn a_month_is_reset_by_an_adjustment_and_a_record_of_each_counter_that_is_not_at_zero() {
    let ground = ground().await;
    ground.put(row(1, "one", &provider("openai"))).await;
    let january = month::start(NOW);
    let mut tx = ground.write().await;
    for (number, amounts) in [(1, (5, 0)), (2, (3, -3)), (3, (0, 4))] {
        counter::add(&mut tx, uid(number), january, amounts, Some(NOW)).await.unwrap();
    }
    counter::add(&mut tx, uid(4), Millis(0), (9, 0), None).await.unwrap();
    assert_eq!(counter::reset_month(&mut tx, january, "token:a", NOW).await.unwrap(), 2);
    assert_eq!(counter::reset_month(&mut tx, january, "token:a", NOW).await.unwrap(), 0);
    tx.commit().await.unwrap();
    let counters = "SELECT settled, adjusted FROM counters ORDER BY subject_uid";
    let counters: Vec<_> =
        ground.database.query_text(counters).await.into_iter().flatten().flatten().collect();
    assert_eq!(counters, ["5", "-5", "3", "-3", "0", "0", "9", "0"]);
    let records = "SELECT credential_uid, provider, kind, source, actor, requests, adjustment, at_ms, window_start_ms, \
                   length(uid) FROM usage_records ORDER BY credential_uid";
    let records: Vec<_> = ground.database.query_text(records).await;
    let record = |number, provider: &str, adjustment: &str| {
        let (now, january) = (NOW.0.to_string(), january.0.to_string());
        let uid = uid(number).to_string();
        [&uid, provider, "reset", "database", "token:a", "0", adjustment, &now, &january, "32"]
            .map(|it| Some(it.to_owned()))
    };
    assert_eq!(records, [record(1, "openai", "-5"), record(3, "", "-4")]);
}

#[tokio::test]
async fn a_counter_that_is_not_the_sum_of_its_records_is_found() {
    let ground = ground().await;
    let (january, openai) = (month::start(NOW), provider("openai"));
    let mut tx = ground.write().await;
    let mut number = 50;
    for (requests, adjustment, kind) in [
        (1, 0, Kind::Read),
        (1, 0, Kind::Recorded),
        (7, 0, Kind::Imported),
        (0, -9, Kind::Recorded),
        (1, 0, Kind::Read),
    ] {
        number += 1;
        counter::add(&mut tx, uid(1), january, (requests, adjustment), None).await.unwrap();
        let record = Record {
            uid: uid(number),
            at: NOW,
            window_start: january,
            kind,
            actor: "library",
            user: None,
            credential: Some(uid(1)),
            version: Some(uid(101)),
            provider: &openai,
            source: Source::Database,
            requests,
            adjustment,
        };
        usage::insert(&mut tx, &record).await.unwrap();
    }
    // What the environment serves is in the ledger and in no counter.
    let record = Record {
        uid: uid(60),
        at: NOW,
        window_start: january,
        kind: Kind::Read,
        actor: "library",
        user: None,
        credential: None,
        version: None,
        provider: &openai,
        source: Source::Environment,
        requests: 1,
        adjustment: 0,
    };
    usage::insert(&mut tx, &record).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(counter::discrepancies(&mut ground.read().await).await.unwrap(), []);
    let kinds = ground.database.query_text("SELECT kind, source FROM usage_records ORDER BY uid").await;
    let kinds: Vec<_> = kinds.iter().map(|row| row[0].as_deref().unwrap()).collect();
    assert_eq!(kinds, ["read", "recorded", "imported", "recorded", "read", "read"]);

    ground.database.execute("UPDATE counters SET settled = settled - 1").await;
    let subject_uid = uid(1).to_string();
    let found = Discrepancy { subject_uid, window_start_ms: january.0, counted: 0, recorded: 1 };
    assert_eq!(counter::discrepancies(&mut ground.read().await).await.unwrap(), [found]);

    let mut tx = ground.write().await;
    let twice = usage::insert(&mut tx, &record).await;
    assert!(matches!(twice, Err(strongroom_store::StoreError::Taken(_))), "{twice:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_at_once_exactly_as_many_as_the_limit_are_taken() {
    let ground = ground().await;
    limited(&ground, Some(30)).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..120 {
        let store = ground.store.clone();
        tasks.spawn(async move {
            let mut tx = store.write().await.unwrap();
            let used = counter::take_one(&mut tx, uid(1), NOW).await.unwrap();
            tx.commit().await.unwrap();
            used
        });
    }
    let mut taken: Vec<i64> = tasks.join_all().await.into_iter().flatten().collect();
    taken.sort_unstable();
    assert_eq!(taken, (1..=30).collect::<Vec<_>>(), "every use is told once");
}
