//! What the database says no to, and how that is told apart: a database that is away, and data that it does not take.

use strongroom_store::{Store, StoreError, meta};
use strongroom_testkit::{Backend, TestDatabase};

use super::ground::{connect, ground};

async fn write(store: &Store, key: &str, value: &str) -> Result<(), StoreError> {
    let mut tx = store.write().await?;
    meta::claim(&mut tx, key, value).await?;
    tx.commit().await
}

/// A table for facts that does not take every fact.
async fn with_table(columns: &str) -> (TestDatabase, Store) {
    let ground = ground().await;
    ground.store.close().await;
    let strict = if super::BACKEND == Backend::Sqlite { " STRICT" } else { "" };
    let table = format!("DROP TABLE strongroom_meta; CREATE TABLE strongroom_meta ({columns}){strict}");
    ground.database.execute(&table).await;
    let store = connect(ground.database.url()).await;
    (ground.database, store)
}

#[tokio::test]
async fn data_that_the_database_does_not_take_are_told_from_a_database_that_is_away() {
    for (what, columns, index) in [
        ("a check", "key TEXT PRIMARY KEY, value TEXT NOT NULL CHECK (length(value) < 3)", None),
        ("no value", "key TEXT PRIMARY KEY, value TEXT NOT NULL, more TEXT NOT NULL", None),
        ("a type or a range", "key TEXT PRIMARY KEY, value INTEGER NOT NULL", None),
        ("an overflow", "key TEXT PRIMARY KEY, value TEXT NOT NULL", Some("abs(CAST(value AS BIGINT))")),
    ] {
        let (database, store) = with_table(columns).await;
        if let Some(expression) = index {
            database.execute(&format!("CREATE INDEX odd ON strongroom_meta (({expression}))")).await;
        }
        let value = if what == "an overflow" { "-9223372036854775808" } else { "value" };
        let told = write(&store, "key", value).await;
        // PostgreSQL finds out that a text is no number before the statement is run.
        let is_early = what == "a type or a range" && super::BACKEND == Backend::Postgres;
        assert!(is_early || matches!(told, Err(StoreError::Refused(_))), "{what}: {told:?}");
    }
    let ground = ground().await;
    if super::BACKEND == Backend::Postgres {
        let long: String =
            (0..2_000_u32).map(|number| format!("{:x}", number.wrapping_mul(2_654_435_761))).collect();
        for key in ["a\0b", &long] {
            let told = write(&ground.store, key, "value").await;
            assert!(matches!(told, Err(StoreError::Refused(_))), "{told:?}");
        }
    }
    write(&ground.store, "key", "value").await.unwrap();
}

#[tokio::test]
async fn a_failure_of_something_else_is_none_of_the_data() {
    let ground = ground().await;
    ground.database.execute("DROP TABLE strongroom_meta").await;
    let told = write(&ground.store, "key", "value").await;
    assert!(matches!(told, Err(StoreError::Statement(_))), "{told:?}");
    ground.store.close().await;
    let told = write(&ground.store, "key", "value").await;
    assert!(matches!(told, Err(StoreError::Unavailable(_))), "{told:?}");
}
