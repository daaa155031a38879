//! What happens to the bytes of an SQLite file, and to the folder it lies in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sqlx::{Connection as _, SqliteConnection};
use strongroom_model::{Clock, Millis};
use strongroom_store::schema::{self, Glimpse};
use strongroom_store::{Store, StoreOptions, key};
use strongroom_testkit::{Backend, TestDatabase};

fn path(database: &TestDatabase) -> PathBuf {
    PathBuf::from(database.url().strip_prefix("sqlite:").expect("an SQLite URL"))
}

/// Every file of the folder that the database lies in, with its bytes.
fn files(path: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let folder = path.parent().expect("a folder");
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.map(|path| (path.clone(), std::fs::read(&path).expect("a file"))).collect()
}

async fn store(database: &TestDatabase) -> Store {
    let options = StoreOptions { url: database.url().to_owned(), max_connections: 2, clock: Clock::Database };
    Store::connect(&options).await.expect("a store")
}

/// Runs statements and waits until the file is closed again.
async fn run(database: &TestDatabase, sql: &'static str) {
    let mut connection = SqliteConnection::connect(database.url()).await.expect("a connection");
    sqlx::raw_sql(sql).execute(&mut connection).await.expect("statements");
    connection.close().await.expect("a closed file");
}

async fn insert_master(store: &Store) {
    let mut tx = store.write().await.expect("a transaction");
    key::insert_master(&mut tx, "a", Millis(0)).await.expect("a master");
    tx.commit().await.expect("a commit");
}

async fn assert_untouched(database: &TestDatabase, wanted: Glimpse) {
    let path = path(database);
    let before = files(&path);
    for _ in 0..2 {
        assert_eq!(schema::glimpse(database.url()).await.expect("a glimpse"), wanted);
    }
    let after = files(&path);
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>(), "files appeared or went");
    assert!(before == after, "bytes changed");
}

fn ours() -> Glimpse {
    Glimpse::Ours { master_fingerprints: vec!["a".to_owned()] }
}

#[tokio::test]
async fn a_glimpse_changes_no_byte_and_makes_no_file() {
    let empty = TestDatabase::new(Backend::Sqlite).await;
    assert_untouched(&empty, Glimpse::Empty).await;

    let foreign = TestDatabase::new(Backend::Sqlite).await;
    run(&foreign, "CREATE TABLE noun (id INTEGER)").await;
    assert_untouched(&foreign, Glimpse::Foreign).await;

    let foreign = TestDatabase::new(Backend::Sqlite).await;
    run(&foreign, "PRAGMA journal_mode = WAL; CREATE TABLE noun (id INTEGER)").await;
    assert_untouched(&foreign, Glimpse::Foreign).await;

    let closed = TestDatabase::new(Backend::Sqlite).await;
    let store = store(&closed).await;
    schema::migrate(&store).await.unwrap();
    insert_master(&store).await;
    store.close().await;
    assert_eq!(files(&path(&closed)).len(), 1, "closing merges the write-ahead log");
    assert_untouched(&closed, ours()).await;
}

#[tokio::test]
async fn a_glimpse_sees_what_a_crash_left_in_the_log() {
    let database = TestDatabase::new(Backend::Sqlite).await;
    let open = store(&database).await;
    schema::migrate(&open).await.unwrap();
    insert_master(&open).await;
    let crashed = TestDatabase::new(Backend::Sqlite).await;
    for suffix in ["", "-wal"] {
        let with = |path: PathBuf| PathBuf::from(format!("{}{suffix}", path.display()));
        std::fs::copy(with(path(&database)), with(path(&crashed))).unwrap();
    }
    assert_untouched(&crashed, ours()).await;
    open.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_glimpse_is_not_misled_by_others_who_come_and_go() {
    let database = TestDatabase::new(Backend::Sqlite).await;
    let first = store(&database).await;
    schema::migrate(&first).await.expect("a schema");
    insert_master(&first).await;
    first.close().await;
    let comings = async {
        for _ in 0..200 {
            // The last one who leaves takes the log with it.
            run(&database, "UPDATE master_keys SET first_seen_ms = first_seen_ms + 1").await;
        }
    };
    let glimpses = async {
        loop {
            assert_eq!(schema::glimpse(database.url()).await.expect("a glimpse"), ours());
        }
    };
    tokio::select! {
        () = comings => {}
        () = glimpses => {}
    }
}

#[tokio::test]
async fn a_glimpse_at_a_file_that_does_not_exist_makes_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none.db");
    let glimpse = schema::glimpse(&format!("sqlite:{}", path.display())).await.unwrap();
    assert_eq!(glimpse, Glimpse::Empty);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_file_that_is_made_can_be_read_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("strongroom.db");
    let options = StoreOptions {
        url: format!("sqlite:{}", path.display()),
        max_connections: 2,
        clock: Clock::Database,
    };
    let store = Store::connect(&options).await.unwrap();
    schema::migrate(&store).await.unwrap();
    for file in files(&path).keys() {
        let mode = std::fs::metadata(file).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", file.display());
    }
    store.close().await;
}

#[tokio::test]
async fn a_transaction_that_sqlite_undid_by_itself_is_not_in_the_way_of_the_next_one() {
    let database = TestDatabase::new(Backend::Sqlite).await;
    let store = store(&database).await;
    schema::migrate(&store).await.unwrap();
    // What a full or failing disk does to a transaction, this trigger does too.
    let undo = "CREATE TRIGGER undo BEFORE INSERT ON master_keys BEGIN SELECT RAISE(ROLLBACK, 'undone'); END";
    database.execute(undo).await;
    for _ in 0..3 {
        let mut tx = store.write().await.unwrap();
        key::insert_master(&mut tx, "a", Millis(0)).await.unwrap_err();
        assert!(tx.commit().await.is_err(), "there is nothing to commit");
        let mut tx = store.write().await.unwrap();
        key::insert_master(&mut tx, "a", Millis(0)).await.unwrap_err();
        drop(tx);
    }
    database.execute("DROP TRIGGER undo").await;
    insert_master(&store).await;
    store.close().await;
}
