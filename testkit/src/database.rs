//! A fresh, empty database for one test, on either backend, and a back door for tampering with its rows.

use std::fmt::Write;
use std::fs::File;
use std::str::FromStr;
use std::sync::OnceLock;
use std::thread;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row, ValueRef, raw_sql};
use tempfile::TempDir;
use url::Url;

use crate::pooler::{PoolMode, Pooler};
use crate::postgres_cluster::{PostgresCluster, URL_VARIABLE};

/// Which database a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// A file of its own.
    Sqlite,
    /// A database of its own on a real server.
    Postgres,
}

/// Has every PostgreSQL database be given out behind a `PgBouncer` in this mode, `session` or `transaction`.
pub const POOLER_VARIABLE: &str = "STRONGROOM_TEST_POOLER";

/// An empty database, gone when this is dropped.
#[derive(Debug)]
pub struct TestDatabase {
    /// As it is given out.
    url: String,
    /// As this reaches it, past any pooler.
    own: String,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Sqlite(#[expect(dead_code, reason = "held so that it is removed with the database")] TempDir),
    Postgres { name: String },
}

impl TestDatabase {
    /// Creates one. PostgreSQL is the server of `STRONGROOM_TEST_POSTGRES_URL`, otherwise one that this process starts
    /// once, for all of its tests.
    ///
    /// # Panics
    /// When it cannot be created, above all when there is no PostgreSQL.
    pub async fn new(backend: Backend) -> Self {
        match backend {
            Backend::Sqlite => Self::new_sqlite(),
            Backend::Postgres => Self::new_postgres().await,
        }
    }

    fn new_sqlite() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("strongroom.db");
        // An empty file is an empty SQLite database; readers that never create one can open it too.
        File::create(&path).expect("a database file");
        let url = format!("sqlite:{}", path.display());
        Self { own: url.clone(), url, place: Place::Sqlite(directory) }
    }

    async fn new_postgres() -> Self {
        let name = format!("test_{:016x}", getrandom::u64().expect("randomness"));
        run_on_server(&format!("CREATE DATABASE {name} TEMPLATE template0")).await;
        let mut url = Url::parse(server_url()).expect("the URL that was just connected to");
        url.set_path(&name);
        let own = String::from(url);
        let url = match pooler() {
            Some(pooler) => format!("{}?pgbouncer=true", pooler.url_of(&own)),
            None => own.clone(),
        };
        Self { url, own, place: Place::Postgres { name } }
    }

    /// `sqlite:/path/to/strongroom.db` or `postgres://user@host:port/test_…`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What a PostgreSQL database is called on its server.
    ///
    /// # Panics
    /// When it is a file.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.place {
            Place::Sqlite(_) => panic!("a file has a path"),
            Place::Postgres { name } => name,
        }
    }

    /// What it runs on.
    #[must_use]
    pub fn backend(&self) -> Backend {
        match self.place {
            Place::Sqlite(_) => Backend::Sqlite,
            Place::Postgres { .. } => Backend::Postgres,
        }
    }

    /// Runs statements past the product, separated by semicolons; returns how many rows they changed.
    ///
    /// # Panics
    /// When the database refuses one.
    pub async fn execute(&self, sql: &str) -> u64 {
        match &self.place {
            Place::Sqlite(_) => {
                let done = raw_sql(AssertSqlSafe(sql)).execute(&mut self.sqlite().await).await;
                done.unwrap_or_else(|error| panic!("{sql}: {error}")).rows_affected()
            }
            Place::Postgres { .. } => {
                let done = raw_sql(AssertSqlSafe(sql)).execute(&mut self.postgres().await).await;
                done.unwrap_or_else(|error| panic!("{sql}: {error}")).rows_affected()
            }
        }
    }

    /// Reads rows past the product, every value as text: NULL is `None`, bytes are `\x` and hexadecimal digits, a
    /// PostgreSQL boolean is `t` or `f` where SQLite has `1` or `0`.
    ///
    /// # Panics
    /// When the database refuses the statement.
    pub async fn query_text(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        match &self.place {
            Place::Sqlite(_) => {
                let rows = raw_sql(AssertSqlSafe(sql)).fetch_all(&mut self.sqlite().await).await;
                rows.unwrap_or_else(|error| panic!("{sql}: {error}")).iter().map(sqlite_texts).collect()
            }
            Place::Postgres { .. } => {
                let rows = raw_sql(AssertSqlSafe(sql)).fetch_all(&mut self.postgres().await).await;
                rows.unwrap_or_else(|error| panic!("{sql}: {error}")).iter().map(postgres_texts).collect()
            }
        }
    }

    async fn sqlite(&self) -> SqliteConnection {
        let options = SqliteConnectOptions::from_str(&self.own).expect("our own URL");
        options.connect().await.expect("a connection to the SQLite file")
    }

    async fn postgres(&self) -> PgConnection {
        let options = PgConnectOptions::from_str(&self.own).expect("our own URL");
        options.connect().await.expect("a connection to the PostgreSQL database")
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Place::Postgres { name } = &self.place {
            let statement = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
            // A thread of its own: the test's runtime cannot be blocked on from inside.
            let dropped = thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.expect("a runtime").block_on(run_on_server(&statement));
            });
            if dropped.join().is_err() && !thread::panicking() {
                panic!("the database {name} could not be dropped");
            }
        }
    }
}

/// The server of the environment, or one for this process. It ends with the process (see [`PostgresCluster`]).
fn server_url() -> &'static str {
    static URL: OnceLock<String> = OnceLock::new();
    static CLUSTER: OnceLock<PostgresCluster> = OnceLock::new();
    URL.get_or_init(|| {
        std::env::var(URL_VARIABLE).unwrap_or_else(|_| {
            let start = || PostgresCluster::start().unwrap_or_else(|error| panic!("{error}"));
            CLUSTER.get_or_init(start).url()
        })
    })
}

/// The pooler that all databases of this process are behind, when [`POOLER_VARIABLE`] asks for one. It ends with the process.
fn pooler() -> Option<&'static Pooler> {
    static POOLER: OnceLock<Option<Pooler>> = OnceLock::new();
    let mode = || match std::env::var(POOLER_VARIABLE).ok()?.as_str() {
        "session" => Some(PoolMode::Session),
        "transaction" => Some(PoolMode::Transaction),
        other => panic!("{POOLER_VARIABLE} is {other}: neither session nor transaction"),
    };
    POOLER.get_or_init(|| mode().map(|mode| Pooler::start(server_url(), mode, 20))).as_ref()
}

fn server() -> PgConnectOptions {
    PgConnectOptions::from_str(server_url())
        .unwrap_or_else(|error| panic!("{URL_VARIABLE} is not a PostgreSQL URL: {error}"))
}

async fn run_on_server(statement: &str) {
    let connection = server().connect().await;
    let mut connection = connection.unwrap_or_else(|error| panic!("the server of {URL_VARIABLE}: {error}"));
    let done = raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await;
    done.unwrap_or_else(|error| panic!("{statement}: {error}"));
    connection.close().await.expect("a closed connection");
}

fn sqlite_texts(row: &SqliteRow) -> Vec<Option<String>> {
    (0..row.len())
        .map(|column| {
            let value = row.try_get_raw(column).expect("a column of this row");
            let kind = value.type_info().to_string();
            if value.is_null() {
                return None;
            }
            Some(match kind.as_str() {
                "INTEGER" | "BOOLEAN" => row.get_unchecked::<i64, _>(column).to_string(),
                "REAL" => row.get_unchecked::<f64, _>(column).to_string(),
                "BLOB" => hexadecimal(&row.get_unchecked::<Vec<u8>, _>(column)),
                _ => row.get_unchecked::<String, _>(column),
            })
        })
        .collect()
}

fn postgres_texts(row: &PgRow) -> Vec<Option<String>> {
    (0..row.len())
        .map(|column| {
            let value = row.try_get_raw(column).expect("a column of this row");
            // The simple protocol, which raw statements use, answers in PostgreSQL's text format.
            (!value.is_null()).then(|| value.as_str().expect("text").to_owned())
        })
        .collect()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::from("\\x"), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string");
        text
    })
}
