//! Moving in, from the command line to the database and back.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use strongroom_testkit::{Backend, TestDatabase};
use tempfile::TempDir;

use super::BACKEND;

/// The original's key, and what it sealed; made with Node's `crypto`.
const LEGACY_KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
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

/// A home without anything in it, and where PostgreSQL is tested a database without anything in it.
struct Home {
    directory: TempDir,
    database: Option<TestDatabase>,
}

impl Home {
    async fn new() -> Self {
        let database = match BACKEND {
            Backend::Sqlite => None,
            Backend::Postgres => Some(TestDatabase::new(BACKEND).await),
        };
        Self { directory: tempfile::tempdir().unwrap(), database }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_strongroom"));
        command.args(arguments).current_dir(self.directory.path()).env_clear();
        command.env("HOME", self.directory.path()).env("STRONGROOM_DATA_DIR", self.path("data"));
        if let Some(database) = &self.database {
            command.env("STRONGROOM_DATABASE_URL", database.url());
        }
        command
    }

    /// Runs a command that is to end with this exit code.
    fn run(&self, arguments: &[&str], code: i32) -> Output {
        let output = self.command(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{}", said(&output));
        output
    }

    /// All credentials by name.
    fn credentials(&self) -> BTreeMap<String, Value> {
        let output = self.run(&["credential", "list", "--format", "json"], 0);
        let rows: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        rows.into_iter().map(|row| (row["name"].as_str().unwrap().to_owned(), row)).collect()
    }

    fn secret(&self, name: &str, field: &str) -> String {
        let output = self.run(&["credential", "get", name, "--reveal", "--field", field], 0);
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    fn legacy(&self, database: &TestDatabase, code: i32) -> Value {
        let key = self.path("legacy.key");
        std::fs::write(&key, LEGACY_KEY).unwrap();
        let key = key.to_str().unwrap();
        let arguments =
            ["import", "legacy", database.url(), "--legacy-key-file", key, "--yes", "--format", "json"];
        let output = self.run(&arguments, code);
        for (secret, _) in [OPENAI, GEMINI, ANTHROPIC] {
            assert!(!said(&output).contains(secret), "{}", said(&output));
        }
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn last_line(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).trim_end().lines().last().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_dotenv_and_the_environment_move_in_with_one_command() {
    let home = Home::new().await;
    let openai = "sk-proj-canary0123456789canary0123456789";
    let text = format!(
        "# keys\r\nexport OPENAI_API_KEY=\"{openai}\" # main\r\nOPENAI_API_KEY_2='sk-canary2-0123456789abcdefg'\r\nPORT=80\r\n\
         ANTHROPIC_API_KEY=sk-ant-...\r\n"
    );
    std::fs::write(home.path(".env"), &text).unwrap();
    let groq = format!("gsk_canary3{}", "a1B2c".repeat(9));
    let import = |yes: &[&str], code| {
        let mut command = home.command(&[&["import", "env"], yes].concat());
        let output = command.env("GROQ_API_KEY", &groq).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        assert!(!said(&output).contains("canary"), "{}", said(&output));
        output
    };

    // Nobody is there to be asked, and a dry run needs no installation: neither makes one.
    import(&[], 2);
    let dry = import(&["--dry-run"], 0);
    assert!(last_line(&dry).ends_with("would migrate 3, would skip 0, would fail 0"), "{}", said(&dry));
    assert!(!home.path("data").exists());

    let output = import(&["--yes"], 0);
    assert_eq!(last_line(&output), "migrated 3, skipped 0, failed 0");
    let said = said(&output);
    for expected in
        [".env:2", ".env: lines 2, 3 can go", "unset GROQ_API_KEY", "https://platform.openai.com/api-keys"]
    {
        assert!(said.contains(expected), "{expected}:\n{said}");
    }
    assert_eq!(home.secret("openai-primary", "api-key"), openai);
    assert_eq!(home.secret("openai-2", "api-key"), "sk-canary2-0123456789abcdefg");
    assert_eq!(home.secret("groq-primary", "api-key"), groq);
    assert_eq!(std::fs::read_to_string(home.path(".env")).unwrap(), text);

    home.run(&["credential", "update", "openai-primary", "--name", "main"], 0);
    let output = import(&["--yes"], 0);
    assert_eq!(last_line(&output), "migrated 0, skipped 3, failed 0");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(stderr.contains(".env: lines 2, 3 can go"), "{stderr}");
    assert_eq!(home.credentials().len(), 3);
}

#[tokio::test]
async fn a_line_whose_name_is_taken_by_another_key_is_not_said_to_go() {
    let home = Home::new().await;
    std::fs::write(home.path("a.env"), "OPENAI_API_KEY=sk-one0123456789abcdef\n").unwrap();
    std::fs::write(home.path("b.env"), "\nOPENAI_API_KEY=sk-two0123456789abcdef\n").unwrap();
    home.run(&["import", "env", "--file", "a.env", "--yes"], 0);
    let output = home.run(&["import", "env", "--file", "a.env", "--file", "b.env", "--yes"], 0);
    assert_eq!(last_line(&output), "migrated 1, skipped 1, failed 0");
    assert_eq!(home.secret("openai-2", "api-key"), "sk-two0123456789abcdef");

    let home = Home::new().await;
    std::fs::write(home.path("a.env"), "OPENAI_API_KEY=sk-one0123456789abcdef\n").unwrap();
    std::fs::write(home.path("b.env"), "OPENAI_API_KEY=sk-two0123456789abcdef\n").unwrap();
    home.run(&["import", "env", "--file", "a.env", "--yes"], 0);
    let output = home.run(&["import", "env", "--file", "b.env", "--yes"], 0);
    assert_eq!(last_line(&output), "migrated 0, skipped 1, failed 0");
    assert!(
        !said(&output).contains("can go") && said(&output).contains("may hold another key"),
        "{}",
        said(&output)
    );
}

#[tokio::test]
async fn an_address_beside_a_key_is_stored_only_where_the_guard_lets_it() {
    for (url, says) in [
        ("http://203.0.113.7/v1", "https://"),
        ("http://127.0.0.1:4000/v1", "https://"),
        ("https://169.254.169.254/v1", "endpoint"),
        ("https://10.0.0.1/v1", "endpoint"),
    ] {
        let home = Home::new().await;
        std::fs::write(
            home.path("a.env"),
            format!("OPENAI_API_KEY=sk-one0123456789abcdef\nOPENAI_BASE_URL={url}\n"),
        )
        .unwrap();
        let import = ["import", "env", "--file", "a.env", "--yes", "--base-url", "take"];
        // Where nothing is installed yet, a dry run says so as well.
        let dry = said(&home.run(&[&import[..], &["--dry-run"]].concat(), 1));
        assert!(dry.contains("would fail 1") && dry.contains(says), "{url}:\n{dry}");
        let output = home.run(&import, 1);
        let said = said(&output);
        assert!(said.contains("migrated 0, skipped 0, failed 1") && said.contains(says), "{url}:\n{said}");
        assert!(!said.contains("can go"), "{said}");
        assert!(home.credentials().is_empty());
    }

    let home = Home::new().await;
    let text = "OPENAI_API_KEY=sk-one0123456789abcdef\nOPENAI_BASE_URL=https://models.example.com/v1/chat/completions\n";
    std::fs::write(home.path("a.env"), text).unwrap();
    home.run(&["import", "env", "--file", "a.env", "--yes", "--base-url", "take"], 0);
    assert_eq!(home.credentials()["openai-primary"]["endpoint"], "https://models.example.com/v1");
}

#[tokio::test]
async fn a_name_that_nobody_has_is_named_and_a_misspelt_provider_is_warned_of() {
    let home = Home::new().await;
    let none = said(&home.run(&["credential", "add", "here", "--provider", "openai", "--no-api-key"], 0));
    assert!(!none.contains("did you mean"), "{none}");
    for (arguments, code) in [
        (&["credential", "get", "nope"][..], 3),
        (&["credential", "versions", "nope"], 3),
        (&["limit", "set", "--credential", "nope", "--requests", "1", "--per", "day"], 3),
        (&["limit", "test", "--credential", "nope"], 3),
        (&["token", "create", "ci", "--role", "gateway", "--credential", "here", "--credential", "nope"], 3),
        (&["run", "--credential", "nope", "--", "true"], 3),
    ] {
        let said = said(&home.run(arguments, code));
        assert!(said.contains("there is no credential \"nope\""), "{arguments:?}: {said}");
    }
    let said_of = |arguments: &[&str], code| said(&home.run(arguments, code));
    let taken = said_of(&["credential", "add", "here", "--provider", "openai", "--no-api-key"], 7);
    assert!(taken.contains("a credential \"here\" is already there"), "{taken}");
    let token = said_of(&["limit", "set", "--token", "nope", "--requests", "1", "--per", "day"], 3);
    assert!(token.contains("there is no token with the id nope"), "{token}");
    let user = said_of(&["limit", "set", "--user-id", "77", "--requests", "1", "--per", "day"], 3);
    assert!(user.contains("there is no user with the id 77"), "{user}");
    let misspelt = said_of(&["token", "create", "ci", "--role", "gateway", "--provider", "opnai"], 0);
    assert!(misspelt.contains("\"opnai\": did you mean openai?"), "{misspelt}");
    let empty = said_of(&["limit", "list"], 0);
    assert!(empty.contains("there is nothing to list"), "{empty}");
}

/// Every column of the newest generation, times as text.
const GENERATION_A: &str = "
    CREATE TABLE api_credentials (
        id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, provider TEXT NOT NULL, api_key TEXT,
        api_secret TEXT, endpoint TEXT, priority INTEGER DEFAULT 100, is_active INTEGER DEFAULT 1,
        is_global INTEGER DEFAULT 1, user_id INTEGER, rate_limit INTEGER, usage_count INTEGER DEFAULT 0,
        current_month_usage INTEGER DEFAULT 0, last_used TEXT, created_at TEXT, updated_at TEXT);";

#[tokio::test]
async fn generation_a_moves_in_whole_and_once() {
    let database = TestDatabase::new(Backend::Sqlite).await;
    database
        .execute(&format!(
            "{GENERATION_A}
             INSERT INTO api_credentials VALUES
                 (3, 'gemini-primary', 'gemini', '{gemini}', NULL, NULL, 10, 1, 1, NULL, 10000, 1250, 45,
                  '2024-01-15T10:30:00.000Z', '2024-01-01 00:00:00', '2024-01-15T10:30:00Z'),
                 (9, 'Ännis Schlüssel/2 %2e', 'anthropic', '{anthropic}', '{openai}', 'https://llm.example.com/v1', 5,
                  1, 0, 7, NULL, 0, 0, NULL, NULL, NULL),
                 (12, '..', 'openai', '{openai}', NULL, NULL, 100, 0, 1, NULL, 0, 3, 3, NULL, '2024-02-01', NULL),
                 (13, 'empty', 'groq', NULL, '', '', 20, 1, 1, NULL, NULL, 0, 0, NULL, NULL, NULL)",
            gemini = GEMINI.1,
            anthropic = ANTHROPIC.1,
            openai = OPENAI.1,
        ))
        .await;
    let path = Path::new(database.url().trim_start_matches("sqlite:"));
    let before = std::fs::read(path).unwrap();

    let home = Home::new().await;
    let report = home.legacy(&database, 0);
    assert_eq!((report["source"].as_i64(), report["migrated"].as_i64()), (Some(4), Some(4)), "{report}");
    assert!(report["identical"] == true && report["digestRead"] == report["digestStored"], "{report}");
    let first = home.credentials();
    let gemini = &first["gemini-primary"];
    assert_eq!((gemini["id"].as_i64(), gemini["rateLimit"].as_i64()), (Some(3), Some(10_000)));
    assert_eq!((gemini["usageCount"].as_i64(), gemini["currentMonthUsage"].as_i64()), (Some(1250), Some(0)));
    assert_eq!(
        (&gemini["lastUsed"], &gemini["createdAt"]),
        (&"2024-01-15T10:30:00Z".into(), &"2024-01-01T00:00:00Z".into())
    );
    let own = &first["Ännis Schlüssel/2 %2e"];
    assert_eq!(
        (own["id"].as_i64(), own["userId"].as_i64(), &own["isGlobal"]),
        (Some(9), Some(7), &false.into())
    );
    assert_eq!(
        (own["priority"].as_i64(), own["endpoint"].as_str()),
        (Some(5), Some("https://llm.example.com/v1"))
    );
    let dots = &first[".."];
    assert_eq!(
        (&dots["isActive"], dots["rateLimit"].as_i64(), dots["usageCount"].as_i64()),
        (&false.into(), Some(0), Some(3))
    );
    assert!(first.contains_key("empty"));

    let report = home.legacy(&database, 0);
    assert_eq!((report["migrated"].as_i64(), report["skipped"].as_i64()), (Some(0), Some(4)), "{report}");
    assert!(report["identical"] == true, "{report}");
    assert_eq!(home.credentials(), first);
    assert_eq!(home.secret("gemini-primary", "api-key"), GEMINI.0);
    let owned = ["credential", "get", "Ännis Schlüssel/2 %2e", "--reveal", "--user-id", "7", "--field"];
    let field = |field: &str| last_line(&home.run(&[&owned[..], &[field]].concat(), 0));
    assert_eq!((field("api-key"), field("api-secret")), (ANTHROPIC.0.to_owned(), OPENAI.0.to_owned()));

    assert_eq!(std::fs::read(path).unwrap(), before);
    assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}

#[tokio::test]
async fn generation_b_counts_this_months_usage() {
    // The machine's own clock: usage of "this month" is about the month in which the test runs.
    let seconds = strongroom_model::Clock::default().local_now().0 / 1000;
    let database = TestDatabase::new(Backend::Sqlite).await;
    database
        .execute(&format!(
            "{}
             INSERT INTO api_credentials (id, name, provider, api_key, rate_limit, usage_count, current_month_usage, last_used,
                 created_at) VALUES
                 (1, 'this-month', 'groq', '{openai}', 3, 12, 2, {seconds}, 1704067200),
                 (2, 'milliseconds', 'groq', '{openai}', 3, 12, 3, {seconds}000, 1704067200123),
                 (3, 'long-ago', 'groq', '{openai}', 3, 12, 3, 1705314600, NULL)",
            GENERATION_A.replace("_at TEXT", "_at INTEGER").replace("last_used TEXT", "last_used INTEGER"),
            openai = OPENAI.1,
        ))
        .await;
    let home = Home::new().await;
    let report = home.legacy(&database, 0);
    assert!(report["identical"] == true, "{report}");
    let credentials = home.credentials();
    let usage = |name: &str| {
        (credentials[name]["usageCount"].as_i64(), credentials[name]["currentMonthUsage"].as_i64())
    };
    assert_eq!(usage("this-month"), (Some(12), Some(2)));
    assert_eq!(usage("milliseconds"), (Some(12), Some(3)));
    assert_eq!(usage("long-ago"), (Some(12), Some(0)));
    assert_eq!(credentials["milliseconds"]["createdAt"], "2024-01-01T00:00:00.123Z");

    // One use is left of the first, none of the second, all of the third.
    home.run(&["credential", "get", "this-month"], 0);
    home.run(&["credential", "get", "this-month"], 5);
    home.run(&["credential", "get", "milliseconds"], 5);
    home.run(&["credential", "get", "long-ago"], 0);
}

#[tokio::test]
async fn the_oldest_generation_moves_in_and_says_what_has_no_place() {
    let database = TestDatabase::new(Backend::Sqlite).await;
    database
        .execute(&format!(
            "CREATE TABLE api_credentials (
                 id INTEGER PRIMARY KEY, organization_id TEXT, name TEXT, provider TEXT, api_key TEXT, configuration TEXT,
                 is_active INTEGER, rate_limit INTEGER, daily_limit INTEGER, monthly_limit INTEGER, created_by TEXT);
             INSERT INTO api_credentials VALUES
                 (5, 'acme', 'old', 'google', '{}', '{{\"canary\":1}}', 1, 60, 1000, 20000, 'ann')",
            GEMINI.1
        ))
        .await;
    let home = Home::new().await;
    let report = home.legacy(&database, 0);
    let notes = report["rows"][0]["notes"][0].as_str().unwrap();
    for expected in
        ["rate_limit 60 a minute", "daily_limit 1000", "organization_id acme", "configuration (12 bytes)"]
    {
        assert!(notes.contains(expected), "{expected}: {notes}");
    }
    assert!(!report.to_string().contains("canary"));
    let old = &home.credentials()["old"];
    assert_eq!((old["provider"].as_str(), old["priority"].as_i64()), (Some("gemini"), Some(10)));
    assert_eq!((old["rateLimit"].as_i64(), &old["isGlobal"]), (Some(20_000), &true.into()));
}

#[tokio::test]
async fn a_row_that_does_not_open_is_named_and_stops_nothing() {
    let database = TestDatabase::new(Backend::Sqlite).await;
    database
        .execute(&format!(
            "{GENERATION_A}
             INSERT INTO api_credentials (id, name, provider, api_key) VALUES
                 (1, 'cut', 'openai', '{cut}'), (2, 'good', 'openai', '{good}'), (3, 'bad provider', 'a b', '{good}')",
            cut = &OPENAI.1[..60],
            good = OPENAI.1,
        ))
        .await;
    let home = Home::new().await;
    let report = home.legacy(&database, 1);
    assert_eq!((report["migrated"].as_i64(), report["failed"].as_i64()), (Some(1), Some(2)), "{report}");
    assert_eq!(report["rows"][0]["sourceId"], 1);
    assert_eq!(report["rows"][0]["reason"], "its api_key does not open: Invalid encrypted text format");
    assert!(report["rows"][2]["reason"].as_str().unwrap().contains("provider"), "{report}");
    assert_eq!(home.secret("good", "api-key"), OPENAI.0);

    std::fs::write(home.path("wrong.key"), "f".repeat(64)).unwrap();
    let arguments = ["import", "legacy", database.url(), "--legacy-key-file", "wrong.key", "--yes"];
    let output = home.run(&arguments, 1);
    assert!(said(&output).contains("the legacy key is most likely the wrong one"), "{}", said(&output));
}

#[tokio::test]
async fn ids_that_are_taken_are_replaced_and_the_digests_still_agree() {
    let database = TestDatabase::new(Backend::Sqlite).await;
    let row = |id: i64| format!("({id}, 'legacy-{id}', 'openai', '{}')", OPENAI.1);
    let rows: Vec<_> = (1..=450).map(row).collect();
    database
        .execute(&format!(
            "{GENERATION_A} INSERT INTO api_credentials (id, name, provider, api_key) VALUES {}",
            rows.join(",")
        ))
        .await;
    let home = Home::new().await;
    std::fs::write(home.path(".env"), "OPENAI_API_KEY=sk-first0123456789abcdef\n").unwrap();
    home.run(&["import", "env", "--yes"], 0);
    let report = home.legacy(&database, 0);
    assert_eq!((report["migrated"].as_i64(), &report["identical"]), (Some(450), &true.into()));
    let credentials = home.credentials();
    assert_eq!(credentials["openai-primary"]["id"], 1);
    assert_eq!(credentials["legacy-1"]["id"], 451);
    assert!((2..=450).all(|id| credentials[&format!("legacy-{id}")]["id"] == id));
}
