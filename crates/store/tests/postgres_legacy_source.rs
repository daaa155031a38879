//! The original's table on PostgreSQL.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use strongroom_store::legacy_source::{LegacyRow, LegacySource};
use strongroom_testkit::{Backend, TestDatabase};

async fn read(database: &TestDatabase) -> Vec<LegacyRow> {
    let mut source = LegacySource::open(database.url()).await.unwrap();
    let mut rows = Vec::new();
    loop {
        let page = source.next_page(2).await.unwrap();
        if page.is_empty() {
            break;
        }
        rows.extend(page);
    }
    assert_eq!(source.count().await.unwrap(), i64::try_from(rows.len()).unwrap());
    source.close().await.unwrap();
    rows.reverse();
    rows
}

fn written(at: Option<strongroom_model::Millis>) -> String {
    at.map(|at| at.to_string()).unwrap_or_default()
}

#[tokio::test]
async fn native_types_read_like_those_of_sqlite() {
    let database = TestDatabase::new(Backend::Postgres).await;
    database
        .execute(
            "CREATE TABLE api_credentials (
                 id serial PRIMARY KEY, name varchar(255) UNIQUE, provider text, api_key text, api_secret text,
                 endpoint text, priority integer DEFAULT 100, is_active boolean DEFAULT true,
                 is_global boolean DEFAULT true, user_id integer, rate_limit integer, usage_count bigint,
                 current_month_usage numeric, last_used timestamptz, created_at timestamp, updated_at bigint);
             INSERT INTO api_credentials VALUES
                 (3, 'c', 'groq', 'x', NULL, NULL, 20, false, false, 9, 7, 5000000000, 45,
                  '2024-01-15 11:30:00.5+01', '2024-01-01 00:00:00', 1705314600),
                 (1, 'a', 'openai', NULL, 'y', 'https://llm.example.com', NULL, NULL, NULL, NULL, NULL, 0, 0,
                  NULL, NULL, NULL),
                 (2, 'b', 'google', 'ü', '', '', 1, true, true, NULL, 0, 0, 0, NULL, NULL, 1705314600123);
             ALTER TABLE api_credentials DROP COLUMN endpoint",
        )
        .await;
    let rows = read(&database).await;
    assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), [1, 2, 3]);
    let third = &rows[2];
    assert_eq!((third.is_active, third.is_global, third.user_id), (Some(false), Some(false), Some(9)));
    assert_eq!(
        (third.monthly_limit, third.usage_count, third.current_month_usage),
        (Some(7), Some(5_000_000_000), Some(45))
    );
    assert_eq!(written(third.last_used), "2024-01-15T10:30:00.500Z");
    assert_eq!(written(third.created_at), "2024-01-01T00:00:00Z");
    assert_eq!(written(third.updated_at), "2024-01-15T10:30:00Z");
    assert_eq!((rows[0].is_active, rows[0].priority, rows[0].endpoint.as_deref()), (None, None, None));
    assert_eq!((rows[1].api_key.as_deref(), rows[1].api_secret.as_deref()), (Some("ü"), None));
    assert_eq!(written(rows[1].updated_at), "2024-01-15T10:30:00.123Z");
    assert!(rows.iter().all(|row| row.unreadable.is_empty()));
}

#[tokio::test]
async fn the_oldest_generation_reads_here_too() {
    let database = TestDatabase::new(Backend::Postgres).await;
    database
        .execute(
            "CREATE TABLE api_credentials (
                 id bigserial PRIMARY KEY, organization_id integer, name text, provider text, api_key text,
                 configuration jsonb, rate_limit integer, daily_limit integer, monthly_limit integer, created_by integer);
             INSERT INTO api_credentials VALUES (1, 12, 'a', 'openai', 'x', '{\"a\": 1}', 60, 100, 2000, 5)",
        )
        .await;
    let rows = read(&database).await;
    let row = &rows[0];
    assert_eq!((row.minute_limit, row.daily_limit, row.monthly_limit), (Some(60), Some(100), Some(2000)));
    assert_eq!(
        (row.organization_id.as_deref(), row.configuration.as_deref()),
        (Some("12"), Some("{\"a\": 1}"))
    );
    assert_eq!((row.is_active, row.is_global, row.priority), (Some(true), Some(true), None));
}

#[tokio::test]
async fn a_database_without_the_table_is_named_as_such() {
    let database = TestDatabase::new(Backend::Postgres).await;
    let error = LegacySource::open(database.url()).await.unwrap_err();
    assert!(error.to_string().contains("no table api_credentials"), "{error}");
    let absent = format!("{}_absent", database.url());
    assert_eq!(LegacySource::open(&absent).await.unwrap_err().to_string(), "the database cannot be opened");
}

#[tokio::test]
async fn all_pages_show_the_database_as_it_stood_at_first() {
    let database = TestDatabase::new(Backend::Postgres).await;
    database
        .execute(
            "CREATE TABLE api_credentials (id integer PRIMARY KEY, name text, provider text, api_key text);
             INSERT INTO api_credentials VALUES (1, 'a', 'openai', 'x'), (2, 'b', 'openai', 'x')",
        )
        .await;
    let mut source = LegacySource::open(database.url()).await.unwrap();
    assert_eq!(source.count().await.unwrap(), 2);
    database.execute("INSERT INTO api_credentials VALUES (3, 'c', 'openai', 'x'); DELETE FROM api_credentials WHERE id = 2").await;
    let ids: Vec<_> = source.next_page(10).await.unwrap().iter().map(|row| row.id).collect();
    assert_eq!(ids, [2, 1]);
    source.close().await.unwrap();
}
