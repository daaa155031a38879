//! A test database is empty, its own, open to raw statements, and gone afterwards.

use strongroom_testkit::TestDatabase;

use super::BACKEND;

#[tokio::test]
async fn two_databases_do_not_see_each_other() {
    let (first, second) = (TestDatabase::new(BACKEND).await, TestDatabase::new(BACKEND).await);
    assert_eq!((first.backend(), second.backend()), (BACKEND, BACKEND));
    assert_ne!(first.url(), second.url());
    for database in [&first, &second] {
        database.execute("CREATE TABLE noun (id BIGINT PRIMARY KEY, name TEXT)").await;
    }
    assert_eq!(first.execute("INSERT INTO noun VALUES (1, 'a'), (2, NULL)").await, 2);
    assert_eq!(first.execute("UPDATE noun SET name = 'b'; DELETE FROM noun WHERE id = 2").await, 3);
    assert_eq!(
        first.query_text("SELECT id, name FROM noun").await,
        [[Some("1".to_owned()), Some("b".to_owned())]]
    );
    assert!(second.query_text("SELECT id FROM noun").await.is_empty());
}

#[tokio::test]
async fn every_kind_of_value_reads_as_text() {
    let database = TestDatabase::new(BACKEND).await;
    database
        .execute("CREATE TABLE value (whole BIGINT, part DOUBLE PRECISION, text TEXT, absent TEXT)")
        .await;
    database.execute("INSERT INTO value VALUES (-9007199254740993, 0.5, 'ä\"''', NULL)").await;
    let rows = database.query_text("SELECT * FROM value").await;
    let expected = ["-9007199254740993", "0.5", "ä\"'"].map(|text| Some(text.to_owned()));
    assert_eq!(rows[0][..3], expected);
    assert_eq!(rows[0][3], None);
}

#[tokio::test]
#[should_panic(expected = "SELECT nonsense")]
async fn a_refused_statement_names_itself() {
    TestDatabase::new(BACKEND).await.query_text("SELECT nonsense").await;
}
