//! Connections, transactions, and the clock.

use strongroom_model::{Clock, Millis};
use strongroom_store::{Backend, Store, StoreError, StoreOptions, meta};

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
    let ahead = ground.store.go_ahead();
    let mut tx = ground.store.write_at_once().await.unwrap();
    assert!(meta::claim(&mut tx, "fact", "of the call").await.unwrap());
    tx.commit().await.unwrap();
    drop(ahead);
    let mut tx = ground.write().await;
    assert!(!meta::claim(&mut tx, "fact", "of the change").await.unwrap());
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
