//! Every case, on SQLite.

use std::path::Path;

use strongroom_testkit::{Backend, TestDatabase};

const BACKEND: Backend = Backend::Sqlite;

#[path = "cases/database.rs"]
mod database;

#[tokio::test]
async fn the_file_goes_with_the_database() {
    let database = TestDatabase::new(BACKEND).await;
    database.execute("CREATE TABLE noun (bytes BLOB); INSERT INTO noun VALUES (x'00ff')").await;
    assert_eq!(database.query_text("SELECT bytes FROM noun").await, [[Some("\\x00ff".to_owned())]]);
    let path = database.url().strip_prefix("sqlite:").expect("an SQLite URL").to_owned();
    assert!(Path::new(&path).exists());
    drop(database);
    assert!(!Path::new(&path).exists());
}
