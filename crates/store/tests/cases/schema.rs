//! The schema: made once, checked, and looked at without being touched.

use strongroom_store::StoreError;
use strongroom_store::schema::{self, Glimpse, rebuild};
use strongroom_testkit::{Backend, TestDatabase};

use super::ground::{connect, ground};

async fn later_migration(database: &TestDatabase) {
    let checksum = match super::BACKEND {
        Backend::Sqlite => "x'00'",
        Backend::Postgres => "'\\x00'",
    };
    database
        .execute(&format!(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
             VALUES (9999, 'from the future', TRUE, {checksum}, 0)"
        ))
        .await;
}

#[tokio::test]
async fn migrating_again_changes_nothing() {
    let ground = ground().await;
    let applied = "SELECT version, installed_on FROM _sqlx_migrations";
    let before = ground.database.query_text(applied).await;
    schema::migrate(&ground.store).await.unwrap();
    assert_eq!(ground.database.query_text(applied).await, before);
    schema::check(&ground.store).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_nodes_that_migrate_at_once_make_one_schema() {
    for _ in 0..3 {
        let database = TestDatabase::new(super::BACKEND).await;
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let url = database.url().to_owned();
            tasks.spawn(async move {
                let store = connect(&url).await;
                let done = schema::migrate(&store).await;
                store.close().await;
                done
            });
        }
        for done in tasks.join_all().await {
            done.unwrap();
        }
        let applied =
            database.query_text("SELECT count(*), count(DISTINCT version) FROM _sqlx_migrations").await;
        assert_eq!(applied[0][0], applied[0][1]);
        schema::check(&connect(database.url()).await).await.unwrap();
    }
}

#[tokio::test]
async fn a_schema_from_the_future_is_refused() {
    let ground = ground().await;
    later_migration(&ground.database).await;
    for refused in [schema::migrate(&ground.store).await, schema::check(&ground.store).await] {
        let Err(StoreError::Schema(message)) = refused else { panic!("{refused:?}") };
        assert!(message.contains("newer than this binary") && message.contains("9999"), "{message}");
    }
}

#[tokio::test]
async fn checking_names_the_mend_for_a_missing_and_for_an_old_schema() {
    let database = TestDatabase::new(super::BACKEND).await;
    let store = connect(database.url()).await;
    let Err(StoreError::Schema(message)) = schema::check(&store).await else { panic!("checked") };
    assert_eq!(message, "the database has no strongroom schema; run `strongroom migrate`");
    assert_eq!(schema::glimpse(database.url()).await.unwrap(), Glimpse::Empty, "checking made nothing");

    schema::migrate(&store).await.unwrap();
    database.execute("DELETE FROM _sqlx_migrations").await;
    let Err(StoreError::Schema(message)) = schema::check(&store).await else { panic!("checked") };
    assert!(
        message.contains("older than this binary (0 of") && message.contains("strongroom migrate"),
        "{message}"
    );
}

#[tokio::test]
async fn a_glimpse_tells_an_empty_a_foreign_and_our_database_apart() {
    let database = TestDatabase::new(super::BACKEND).await;
    assert_eq!(schema::glimpse(database.url()).await.unwrap(), Glimpse::Empty);
    let store = connect(database.url()).await;
    schema::migrate(&store).await.unwrap();
    let ours = |masters: &[&str]| Glimpse::Ours {
        master_fingerprints: masters.iter().map(ToString::to_string).collect(),
    };
    assert_eq!(schema::glimpse(database.url()).await.unwrap(), ours(&[]));
    database.execute("INSERT INTO master_keys (fingerprint, first_seen_ms) VALUES ('b', 0), ('a', 0)").await;
    assert_eq!(schema::glimpse(database.url()).await.unwrap(), ours(&["a", "b"]), "while it is open");
    store.close().await;
    assert_eq!(schema::glimpse(database.url()).await.unwrap(), ours(&["a", "b"]), "while it is closed");

    let foreign = TestDatabase::new(super::BACKEND).await;
    foreign.execute("CREATE TABLE api_credentials (id INTEGER)").await;
    assert_eq!(schema::glimpse(foreign.url()).await.unwrap(), Glimpse::Foreign);
}

#[tokio::test]
async fn a_restore_is_seen_from_its_first_moment_on_until_the_fact_says_so() {
    let database = TestDatabase::new(super::BACKEND).await;
    let store = connect(database.url()).await;
    let Err(StoreError::Schema(_)) = schema::begin_restore(&store, 9999).await else { panic!("begun") };
    assert_eq!(schema::glimpse(database.url()).await.unwrap(), Glimpse::Empty, "nothing was begun");
    // Two at once: the later one finds the mark.
    let (one, two) = tokio::join!(schema::begin_restore(&store, 1), schema::begin_restore(&store, 1));
    one.or(two).unwrap();
    let glimpse = async || schema::glimpse(database.url()).await.unwrap();
    assert_eq!(glimpse().await, Glimpse::HalfRestored, "the schema alone says it");
    database
        .execute("INSERT INTO strongroom_meta (key, value) VALUES ('installation', ''), ('restore', '')")
        .await;
    let mut tx = store.write().await.unwrap();
    schema::unmark(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(glimpse().await, Glimpse::HalfRestored, "now the fact does");
    database.execute("DELETE FROM strongroom_meta WHERE key = 'restore'").await;
    assert_eq!(glimpse().await, Glimpse::Ours { master_fingerprints: vec![] });

    // Cut short before there was any table of ours.
    let early = TestDatabase::new(super::BACKEND).await;
    early.execute("CREATE TABLE strongroom_restoring (mark INTEGER)").await;
    assert_eq!(schema::glimpse(early.url()).await.unwrap(), Glimpse::HalfRestored);
    let store = connect(early.url()).await;
    schema::begin_restore(&store, 1).await.unwrap();
    // Somebody made an installation meanwhile: that is none that was half restored.
    early.execute("INSERT INTO strongroom_meta (key, value) VALUES ('installation', '')").await;
    assert_eq!(schema::glimpse(early.url()).await.unwrap(), Glimpse::Ours { master_fingerprints: vec![] });
}

#[tokio::test]
async fn what_takes_no_time_to_rebuild_is_not_told() {
    let ground = ground().await;
    assert!(rebuild::pending(&ground.store).await.unwrap().is_none(), "it is the new one");
    let database = TestDatabase::new(super::BACKEND).await;
    let store = connect(database.url()).await;
    assert!(rebuild::pending(&store).await.unwrap().is_none(), "there is none");
    schema::migrate_to(&store, 7).await.unwrap();
    assert!(rebuild::pending(&store).await.unwrap().is_none(), "an empty one takes no time");
}
