//! The three generations of the original's table, and that reading leaves no trace.

use std::collections::BTreeMap;
use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};

use super::*;

/// Times as ISO 8601 text, truth values as 0 and 1.
const GENERATION_A: &str = "
    CREATE TABLE api_credentials (
        id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, provider TEXT NOT NULL,
        api_key TEXT, api_secret TEXT, endpoint TEXT, priority INTEGER DEFAULT 100,
        is_active INTEGER DEFAULT 1, is_global INTEGER DEFAULT 1, user_id INTEGER, rate_limit INTEGER,
        usage_count INTEGER DEFAULT 0, current_month_usage INTEGER DEFAULT 0,
        last_used TEXT, created_at TEXT DEFAULT CURRENT_TIMESTAMP, updated_at TEXT);
    INSERT INTO api_credentials VALUES
        (1, 'gemini-primary', 'gemini', '00:11:22', NULL, NULL, 10, 1, 1, NULL, 10000, 1250, 45,
         '2024-01-15T10:30:00.000Z', '2024-01-01 00:00:00', '2024-01-15T10:30:00Z'),
        (7, 'mine', 'openai', 'aa:bb:cc', 'dd:ee:ff', 'https://llm.example.com/v1', 40, 0, 0, 3, NULL, 0, 0,
         NULL, NULL, '');";

/// Times as Unix seconds, in older rows milliseconds.
const GENERATION_B: &str = "
    CREATE TABLE api_credentials (
        id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, provider TEXT NOT NULL,
        api_key TEXT, api_secret TEXT, endpoint TEXT, priority INTEGER DEFAULT 100,
        is_active INTEGER DEFAULT 1, is_global INTEGER DEFAULT 1, user_id INTEGER, rate_limit INTEGER,
        usage_count INTEGER DEFAULT 0, current_month_usage INTEGER DEFAULT 0,
        last_used INTEGER, created_at INTEGER, updated_at INTEGER);
    INSERT INTO api_credentials VALUES
        (1, 'a', 'groq', 'x', NULL, NULL, NULL, NULL, NULL, NULL, 5, 6, 7, 1705314600, 1705314600123, 1705314600);";

const OLDEST: &str = "
    CREATE TABLE api_credentials (
        id INTEGER PRIMARY KEY, organization_id TEXT, name TEXT, provider TEXT, api_key TEXT, api_secret TEXT,
        endpoint TEXT, configuration TEXT, is_active INTEGER DEFAULT 1, rate_limit INTEGER, daily_limit INTEGER,
        monthly_limit INTEGER, usage_count INTEGER, last_used TEXT, created_at TEXT, updated_at TEXT, created_by TEXT);
    INSERT INTO api_credentials (id, organization_id, name, provider, api_key, configuration, rate_limit, daily_limit,
        monthly_limit, created_by)
    VALUES (4, 'acme', 'a', 'google', 'x', '{\"model\":\"m\"}', 60, 1000, 20000, 'ann');";

async fn writer(path: &Path, journal: SqliteJournalMode) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true).journal_mode(journal);
    options.connect().await.unwrap()
}

async fn fixture(path: &Path, sql: &'static str, journal: SqliteJournalMode) {
    let mut connection = writer(path, journal).await;
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

async fn read(path: &Path) -> Vec<LegacyRow> {
    let mut source = LegacySource::open(path.to_str().unwrap()).await.unwrap();
    let rows = source.next_page(100).await.unwrap();
    assert!(source.next_page(100).await.unwrap().is_empty());
    assert_eq!(source.count().await.unwrap(), i64::try_from(rows.len()).unwrap());
    source.close().await.unwrap();
    rows
}

async fn read_sql(sql: &'static str) -> Vec<LegacyRow> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.db");
    fixture(&path, sql, SqliteJournalMode::Delete).await;
    read(&path).await
}

/// Every file of a directory with its bytes.
fn listing(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    entries.map(|path| (name(&path), std::fs::read(&path).unwrap())).collect()
}

fn written(at: Option<strongroom_model::Millis>) -> Option<String> {
    at.map(|at| at.to_string())
}

#[tokio::test]
async fn generation_a_with_text_times() {
    let rows = read_sql(GENERATION_A).await;
    let [second, first] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!(
        (first.id, first.name.as_deref(), first.provider.as_deref()),
        (1, Some("gemini-primary"), Some("gemini"))
    );
    assert_eq!((first.api_key.as_deref(), first.api_secret.as_deref()), (Some("00:11:22"), None));
    assert_eq!((first.priority, first.monthly_limit, first.minute_limit), (Some(10), Some(10_000), None));
    assert_eq!((first.usage_count, first.current_month_usage), (Some(1250), Some(45)));
    assert_eq!((first.is_active, first.is_global, first.user_id), (Some(true), Some(true), None));
    assert_eq!(written(first.last_used).as_deref(), Some("2024-01-15T10:30:00Z"));
    assert_eq!(written(first.created_at).as_deref(), Some("2024-01-01T00:00:00Z"));
    assert_eq!(
        (second.id, second.is_active, second.is_global, second.user_id),
        (7, Some(false), Some(false), Some(3))
    );
    assert_eq!(second.endpoint.as_deref(), Some("https://llm.example.com/v1"));
    assert_eq!((second.api_secret.as_deref(), second.monthly_limit), (Some("dd:ee:ff"), None));
    assert_eq!((second.last_used, second.created_at, second.updated_at), (None, None, None));
    assert!(first.unreadable.is_empty() && second.unreadable.is_empty());
}

#[tokio::test]
async fn generation_b_with_seconds_and_milliseconds() {
    let rows = read_sql(GENERATION_B).await;
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!(written(row.last_used).as_deref(), Some("2024-01-15T10:30:00Z"));
    assert_eq!(written(row.created_at).as_deref(), Some("2024-01-15T10:30:00.123Z"));
    assert_eq!((row.priority, row.is_active, row.is_global, row.monthly_limit), (None, None, None, Some(5)));
}

#[tokio::test]
async fn the_oldest_generation_without_priorities() {
    let rows = read_sql(OLDEST).await;
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!((row.monthly_limit, row.daily_limit, row.minute_limit), (Some(20_000), Some(1000), Some(60)));
    assert_eq!((row.organization_id.as_deref(), row.created_by.as_deref()), (Some("acme"), Some("ann")));
    assert_eq!(row.configuration.as_deref(), Some("{\"model\":\"m\"}"));
    assert_eq!((row.priority, row.is_active, row.is_global), (None, Some(true), Some(true)));
}

#[tokio::test]
async fn rows_come_by_id_in_pages_from_the_highest_possible_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.db");
    fixture(
        &path,
        "CREATE TABLE api_credentials (id INTEGER PRIMARY KEY, name, provider, api_key)",
        Default::default(),
    )
    .await;
    let mut connection = writer(&path, SqliteJournalMode::Delete).await;
    for id in [5, i64::MAX, -3, i64::MIN, 0, 4] {
        sqlx::query("INSERT INTO api_credentials VALUES ($1, $1, 'p', NULL)")
            .bind(id)
            .execute(&mut connection)
            .await
            .unwrap();
    }
    connection.close().await.unwrap();
    let mut source = LegacySource::open(&format!("sqlite://{}?mode=rwc", path.display())).await.unwrap();
    let mut pages = Vec::new();
    loop {
        let page = source.next_page(4).await.unwrap();
        if page.is_empty() {
            break;
        }
        pages.push(page.iter().map(|row| row.id).collect::<Vec<_>>());
    }
    assert_eq!(pages, [vec![i64::MAX, 5, 4, 0], vec![-3, i64::MIN]]);
}

#[tokio::test]
async fn a_value_that_is_no_text_is_named_and_hides_no_other_row() {
    let rows = read_sql(
        "CREATE TABLE api_credentials (id INTEGER PRIMARY KEY, Name, provider, API_KEY, rate_limit);
         INSERT INTO api_credentials VALUES (1, 'a', 'openai', X'ff00', 'lots'), (2, 'b', 'openai', 'x', 3.0);",
    )
    .await;
    assert_eq!((rows[1].name.as_deref(), rows[1].api_key.as_deref()), (Some("a"), None));
    assert_eq!(rows[1].unreadable, ["rate_limit", "api_key"]);
    assert_eq!(
        (rows[0].api_key.as_deref(), rows[0].monthly_limit, rows[0].unreadable.len()),
        (Some("x"), Some(3), 0)
    );
}

#[tokio::test]
async fn reading_changes_no_byte_and_makes_no_file() {
    for journal in [SqliteJournalMode::Delete, SqliteJournalMode::Truncate, SqliteJournalMode::Wal] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("app & co?.db");
        fixture(&path, GENERATION_A, journal).await;
        let before = listing(directory.path());
        let path = format!("{}", path.display());
        let mut source = LegacySource::open(&path).await.unwrap();
        assert_eq!(source.next_page(100).await.unwrap().len(), 2, "{journal:?}");
        assert_eq!(listing(directory.path()), before, "{journal:?}, open");
        source.close().await.unwrap();
        assert_eq!(listing(directory.path()), before, "{journal:?}, closed");
    }
}

#[tokio::test]
async fn rows_that_stand_only_in_the_log_are_read_and_the_log_stays() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.db");
    let mut running = writer(&path, SqliteJournalMode::Wal).await;
    sqlx::raw_sql(GENERATION_A).execute(&mut running).await.unwrap();
    let files = |directory: &Path| {
        let mut files = listing(directory);
        // Readers of a running database register in its index; nobody keeps that file.
        files.remove("app.db-shm").expect("a running application has one");
        files
    };
    let before = files(directory.path());
    assert_eq!(read(&path).await.len(), 2);
    assert_eq!(files(directory.path()), before);

    // A crash leaves the log and, once the machine restarts or the files are copied elsewhere, no index.
    let crashed = tempfile::tempdir().unwrap();
    for (name, bytes) in &before {
        std::fs::write(crashed.path().join(name), bytes).unwrap();
    }
    assert_eq!(read(&crashed.path().join("app.db")).await.len(), 2);
    assert_eq!(listing(crashed.path()), before);
    running.close().await.unwrap();
}

#[tokio::test]
async fn the_source_cannot_be_written_even_by_mistake() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.db");
    fixture(&path, GENERATION_A, SqliteJournalMode::Delete).await;
    let mut source = LegacySource::open(path.to_str().unwrap()).await.unwrap();
    let Connection::Sqlite(connection) = &mut source.connection else { panic!("not SQLite") };
    let error = sqlx::raw_sql("DELETE FROM api_credentials").execute(connection).await.unwrap_err();
    assert!(error.to_string().contains("readonly"), "{error}");
}

#[tokio::test]
async fn what_is_no_source_says_why() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name).display().to_string();
    let refusal = async |database: &str| LegacySource::open(database).await.unwrap_err().to_string();

    assert_eq!(
        refusal(&at("absent.db")).await,
        format!("the database file {} cannot be read", at("absent.db"))
    );
    assert!(listing(directory.path()).is_empty());
    std::fs::write(at("empty.db"), "").unwrap();
    assert!(refusal(&at("empty.db")).await.contains("no table api_credentials"));
    std::fs::write(at("notes.txt"), "no database ".repeat(100)).unwrap();
    assert_eq!(refusal(&at("notes.txt")).await, "the file is not an SQLite database");
    let tables = [
        ("other.db", "CREATE TABLE users (id INTEGER)", "no table api_credentials"),
        (
            "ours.db",
            "CREATE TABLE api_credentials (uid TEXT, id INTEGER, name TEXT, provider TEXT)",
            "strongroom's own",
        ),
        (
            "else.db",
            "CREATE TABLE api_credentials (id INTEGER, name TEXT, api_key TEXT)",
            "no column provider",
        ),
    ];
    for (name, sql, expected) in tables {
        fixture(Path::new(&at(name)), sql, SqliteJournalMode::Delete).await;
        let message = refusal(&at(name)).await;
        assert!(message.contains(expected), "{name}: {message}");
    }
    let message = refusal("mysql://root:canary@localhost/app").await;
    assert!(message.contains("postgres://") && !message.contains("canary"), "{message}");
    let error = LegacySource::open("postgres://root:canary@localhost:notaport/app").await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
}

#[tokio::test]
async fn ids_that_come_twice_or_out_of_order_end_the_reading() {
    // Not the original's, but what damage makes of a table: the pages would never end, or leave rows out.
    for rows in ["(1, 'a'), (1, 'b')", "(1, 'a'), (1.5, 'b')"] {
        let sql = format!(
            "CREATE TABLE rows (id, name); INSERT INTO rows VALUES {rows}; \
             CREATE VIEW api_credentials AS SELECT id, name, 'openai' AS provider, 'x' AS api_key FROM rows"
        );
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("app.db");
        let mut connection = writer(&path, SqliteJournalMode::Delete).await;
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        let mut source = LegacySource::open(path.to_str().unwrap()).await.unwrap();
        let error = source.next_page(100).await.map(|rows| rows.len());
        assert!(matches!(error, Err(LegacySourceError::Disordered)), "{rows}: {error:?}");
    }
}
