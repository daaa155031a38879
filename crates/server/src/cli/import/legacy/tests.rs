//! The original's database on its way into an API in memory.

use std::path::PathBuf;

use strongroom_testkit::{Backend, TestDatabase};
use tempfile::TempDir;

use super::*;
use crate::cli::import::fake_api::{CORRUPTED, FakeApi, REFUSED};

const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// The known answers of the original, made with Node's `crypto`.
const OPENAI: (&str, &str) = (
    "sk-proj-abc123",
    "6df26b5a203d62099163e3e1c65339ef:03a48ff3eaeb3224dd4ffd51da77639e:e7eb59ede044b2e4fd001abe5392",
);
const GEMINI: (&str, &str) = (
    "AIzaSyTESTKEY",
    "1da18d04c2b8532be71e4112997031c9:8df9c0357ebd4bab569433ca78d23474:23414281162bf711e9dde8c003",
);
const ANTHROPIC: (&str, &str) = (
    "sk-ant-ünïcødé-🔑",
    "9e569251ebb5656ef7c55adb2d7c350e:28f365c0d7c2e708177a9b6bc00b9f2e:46e35d5ffad74c5e6e209a98ab5ad004c4ae2f238e9d21",
);

struct Original {
    database: TestDatabase,
    directory: TempDir,
}

impl Original {
    /// The table as the last versions have it.
    async fn new() -> Self {
        let database = TestDatabase::new(Backend::Sqlite).await;
        database
            .execute(
                "CREATE TABLE api_credentials (
                     id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, provider TEXT, api_key TEXT,
                     api_secret TEXT, endpoint TEXT, priority INTEGER DEFAULT 100, is_active INTEGER DEFAULT 1,
                     is_global INTEGER DEFAULT 1, user_id INTEGER, rate_limit INTEGER, usage_count INTEGER DEFAULT 0,
                     current_month_usage INTEGER DEFAULT 0, last_used INTEGER, created_at INTEGER, updated_at INTEGER)",
            )
            .await;
        let original = Self { database, directory: tempfile::tempdir().unwrap() };
        std::fs::write(original.key_file(), format!("ENCRYPTION_KEY={KEY}\n")).unwrap();
        original
    }

    fn key_file(&self) -> PathBuf {
        self.directory.path().join("original.env")
    }

    async fn add(&self, name: &str, provider: &str, sealed: &str) {
        let sql = format!(
            "INSERT INTO api_credentials (name, provider, api_key) VALUES ('{name}', '{provider}', '{sealed}')"
        );
        self.database.execute(&sql).await;
    }

    async fn run(&self, api: &FakeApi, dry_run: bool) -> CliResult {
        run(self.database.url(), &self.key_file(), dry_run, &api.session(true)).await
    }
}

/// Reads, asks with a yes, and sends to this API.
async fn run(database: &str, key_file: &Path, dry_run: bool, session: &Session) -> CliResult {
    match prepare(database, key_file, dry_run, session.yes, &session.output).await? {
        Ok(prepared) => send(prepared, dry_run, &session.output, Some(session)).await,
        Err(exit) => Ok(exit),
    }
}

#[tokio::test]
async fn every_row_arrives_whole_and_a_second_run_changes_nothing() {
    let original = Original::new().await;
    original
        .database
        .execute(&format!(
            "INSERT INTO api_credentials VALUES
                 (3, 'gemini-primary', 'google', '{gemini}', NULL, NULL, 10, 1, 1, NULL, 10000, 1250, 45, 1705314600,
                  1704067200, 1705314600123),
                 (9, 'Ännis Schlüssel/2', 'anthropic', '{anthropic}', '{openai}', 'https://llm.example.com', 5, 0, 0, 7, NULL,
                  0, 0, NULL, NULL, NULL)",
            gemini = GEMINI.1,
            anthropic = ANTHROPIC.1,
            openai = OPENAI.1,
        ))
        .await;
    let api = FakeApi::default();
    for _ in 0..2 {
        assert_eq!(original.run(&api, false).await.unwrap(), Exit::Ok);
        assert_eq!(api.stored().len(), 2);
    }
    let first = api.row("gemini-primary");
    assert_eq!((first.id, first.provider.as_str(), first.priority), (Some(3), "gemini", Some(10)));
    assert_eq!(first.api_key.unwrap().0.expose(), GEMINI.0);
    assert_eq!((first.rate_limit, first.usage_count, first.current_month_usage), (Some(10_000), 1250, 45));
    assert_eq!(first.last_used.unwrap().to_string(), "2024-01-15T10:30:00Z");
    assert_eq!(first.created_at.unwrap().to_string(), "2024-01-01T00:00:00Z");
    assert_eq!(first.updated_at.unwrap().to_string(), "2024-01-15T10:30:00.123Z");
    let second = api.row("Ännis Schlüssel/2");
    assert_eq!((second.is_active, second.is_global, second.user_id), (false, false, Some(7)));
    assert_eq!(second.api_key.unwrap().0.expose(), ANTHROPIC.0);
    assert_eq!(second.api_secret.unwrap().0.expose(), OPENAI.0);
    assert!(api.requests().iter().all(|request| request.source == "legacy" && !request.skip_known_secrets));
}

#[tokio::test]
async fn a_row_that_does_not_open_or_is_refused_stops_no_other() {
    let original = Original::new().await;
    original.add("broken", "openai", &OPENAI.1[..60]).await;
    original.add(REFUSED, "openai", OPENAI.1).await;
    original.add("good", "openai", OPENAI.1).await;
    let api = FakeApi::default();
    assert_eq!(original.run(&api, false).await.unwrap(), Exit::Failure);
    assert_eq!(api.stored(), [("good".to_owned(), Some(OPENAI.0.to_owned()))]);
}

#[tokio::test]
async fn what_is_stored_otherwise_than_it_was_read_is_no_success() {
    let original = Original::new().await;
    original.add(CORRUPTED, "openai", OPENAI.1).await;
    let api = FakeApi::default();
    assert_eq!(original.run(&api, false).await.unwrap(), Exit::Failure);

    let original = Original::new().await;
    original.add("good", "openai", OPENAI.1).await;
    let api = FakeApi::default();
    assert_eq!(original.run(&api, false).await.unwrap(), Exit::Ok);
    api.change("good", |row| row.api_key = None);
    assert_eq!(original.run(&api, false).await.unwrap(), Exit::Failure);
}

#[tokio::test]
async fn the_wrong_key_moves_nothing() {
    let original = Original::new().await;
    original.add("a", "openai", OPENAI.1).await;
    original.add("b", "gemini", GEMINI.1).await;
    original
        .database
        .execute("INSERT INTO api_credentials (name, provider) VALUES ('keyless', 'openai')")
        .await;
    std::fs::write(original.key_file(), "ff".repeat(32)).unwrap();
    let api = FakeApi::default();
    for dry_run in [true, false] {
        assert_eq!(original.run(&api, dry_run).await.unwrap(), Exit::Failure);
        assert!(api.stored().is_empty() && api.requests().is_empty());
    }
}

#[tokio::test]
async fn a_dry_run_stores_nothing_and_an_empty_source_is_no_failure() {
    let original = Original::new().await;
    let api = FakeApi::default();
    assert_eq!(original.run(&api, false).await.unwrap(), Exit::Ok);
    assert!(api.requests().is_empty());
    original.add("a", "openai", OPENAI.1).await;
    assert_eq!(original.run(&api, true).await.unwrap(), Exit::Ok);
    assert!(api.stored().is_empty() && api.requests()[0].dry_run);
}

#[tokio::test]
async fn more_rows_than_one_page_all_arrive() {
    let original = Original::new().await;
    original
        .database
        .execute(&format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 450)
             INSERT INTO api_credentials (name, provider, api_key) SELECT 'openai-' || i, 'openai', '{}' FROM n",
            OPENAI.1
        ))
        .await;
    let api = FakeApi::default();
    assert_eq!(original.run(&api, false).await.unwrap(), Exit::Ok);
    assert_eq!((api.stored().len(), api.requests().len()), (450, 3));
}

#[tokio::test]
async fn a_source_that_cannot_be_read_is_named_and_its_password_is_not() {
    let original = Original::new().await;
    let session = FakeApi::default().session(true);
    let error = run("/nowhere/app.db", &original.key_file(), false, &session).await.unwrap_err();
    assert_eq!(error.exit, Exit::Usage);
    assert!(error.message.contains("/nowhere/app.db"), "{error}");
    let url = "postgres://app:canary@127.0.0.1:1/app";
    let error = run(url, &original.key_file(), false, &session).await.unwrap_err();
    assert_eq!(error.exit, Exit::Unavailable);
    assert!(!error.message.contains("canary"), "{error}");
    original.database.execute("DROP TABLE api_credentials").await;
    let error = original.run(&FakeApi::default(), false).await.unwrap_err();
    assert!(error.exit == Exit::Failure && error.message.contains("no table api_credentials"), "{error}");
}

#[test]
fn a_password_in_the_url_is_noticed() {
    assert!(has_password("postgres://app:secret@localhost/app"));
    assert!(has_password("postgres://localhost/app?user=app&password=secret"));
    for without in ["postgres://app@localhost/app", "sqlite:app.db", "app.db", "/var/lib/app.db"] {
        assert!(!has_password(without), "{without}");
    }
}
