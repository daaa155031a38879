//! Connections, transactions, and the clock.

use strongroom_model::{Clock, Millis};
use strongroom_store::{Backend, Store, StoreError, StoreOptions, meta};
use strongroom_testkit::giving_up::polled_so_often;

use super::ground::{NOW, ground};

#[tokio::test]
async fn a_store_knows_its_backend_and_answers() {
    let ground = ground().await;
    let wanted = match super::BACKEND {
        strongroom_testkit::Backend::Sqlite => Backend::Sqlite,
        strongroom_testkit::Backend::Postgres => Backend::Postgres,
    };
    assert_eq!(ground.store.backend(), wanted);
    let mut session = ground.store.read().await.unwrap();
    assert_eq!(session.backend(), wanted);
    session.ping().await.unwrap();
    drop(session);
    let mut tx = ground.store.write().await.unwrap();
    tx.ping().await.unwrap();
}

#[tokio::test]
async fn a_fixed_clock_stands_and_the_databases_own_runs() {
    let ground = ground().await;
    assert_eq!(ground.read().await.now().await.unwrap(), NOW);
    let options =
        StoreOptions { url: ground.database.url().to_owned(), max_connections: 1, clock: Clock::Database };
    let store = Store::connect(&options).await.unwrap();
    let (from, to) = (Clock::Database.local_now(), Clock::Database.local_now().plus_seconds(3600));
    let now = store.read().await.unwrap().now().await.unwrap();
    assert!(Millis(from.0 - 1000) <= now && now < to, "{from} {now}");
}

#[tokio::test]
async fn a_transaction_is_seen_by_others_when_it_is_committed_and_not_before() {
    let ground = ground().await;
    let mut tx = ground.write().await;
    meta::claim(&mut tx, "fact", "value").await.unwrap();
    assert_eq!(meta::get(&mut tx, "fact").await.unwrap().as_deref(), Some("value"));
    assert_eq!(meta::get(&mut ground.read().await, "fact").await.unwrap(), None);
    tx.commit().await.unwrap();
    assert_eq!(meta::get(&mut ground.read().await, "fact").await.unwrap().as_deref(), Some("value"));
}

#[tokio::test]
async fn a_call_that_goes_ahead_of_changes_writes_at_once() {
    let ground = ground().await;
    let ahead = ground.store.prioritise_call();
    let mut tx = ground.store.write_at_once().await.unwrap();
    assert!(meta::claim(&mut tx, "fact", "of the call").await.unwrap());
    tx.commit().await.unwrap();
    drop(ahead);
    let mut tx = ground.write().await;
    assert!(!meta::claim(&mut tx, "fact", "of the change").await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_was_given_up_at_any_await_of_its_beginning_leaves_nothing_to_the_next_one() {
    let ground = ground().await;
    let options =
        StoreOptions { url: ground.database.url().to_owned(), max_connections: 1, clock: Clock::Database };
    let store = Store::connect(&options).await.unwrap();
    // Which await is which depends on how fast the server answers.
    for of_what in ["a transaction", "a snapshot"].repeat(8) {
        for times in 1.. {
            let is_begun = match of_what {
                "a transaction" => polled_so_often(times, store.write_at_once()).await.is_some(),
                _ => polled_so_often(times, store.snapshot()).await.is_some(),
            };
            // Were one left open, this would be its first statement, and then it would take no other isolation.
            store.read().await.unwrap().ping().await.unwrap();
            store.snapshot().await.unwrap_or_else(|error| panic!("{of_what}, {times}: {error:?}"));
            let mut tx = store.write_at_once().await.unwrap();
            meta::claim(&mut tx, "fact", "value")
                .await
                .unwrap_or_else(|error| panic!("{of_what}, {times}: {error:?}"));
            tx.roll_back().await.unwrap();
            if is_begun {
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_closed_store_says_that_the_database_cannot_be_reached() {
    let ground = ground().await;
    ground.store.close().await;
    let read = ground.store.read().await.map(|_| ());
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
    let write = ground.store.write().await.map(|_| ());
    assert!(matches!(write, Err(StoreError::Unavailable(_))), "{write:?}");
}

#[tokio::test]
async fn a_url_that_is_no_databases_is_refused_without_being_repeated() {
    for url in ["mysql://root:hunter2@localhost/x", "hunter2", "", "postgres://u:hunter2@host:notaport/x"] {
        let options = StoreOptions { url: url.to_owned(), max_connections: 1, clock: Clock::Database };
        let error = Store::connect(&options).await.unwrap_err();
        assert!(matches!(error, StoreError::Url(_)), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}
