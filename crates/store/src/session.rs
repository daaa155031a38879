//! Connections: pools, sessions for reading, transactions for writing, and the clock that decides windows.

use std::collections::HashSet;
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, PgPool, Postgres, Sqlite, SqlitePool, Transaction};
use strongroom_model::{Clock, Millis, Uid};

use crate::change::{Subject, Touched};
use crate::commit_times::CommitTimes;
use crate::dispatch::{Connection, fetch_optional};
use crate::error::StoreError;
use crate::postgres::{Begin, Server, begin};
use crate::sqlite_retry::{RetryBudget, is_busy};
use crate::usage::known::{Known, Lesson};
use crate::write_priority::{PrioritisedCall, WritePriority};

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// Embedded SQLite.
    Sqlite,
    /// PostgreSQL 15 or later.
    Postgres,
}

impl Backend {
    /// The backend that a database URL names.
    ///
    /// # Errors
    /// [`StoreError::Url`] naming the forms there are, without repeating the URL, which may hold a password.
    pub fn of_url(url: &str) -> Result<Self, StoreError> {
        if url.starts_with("sqlite:") {
            Ok(Self::Sqlite)
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Ok(Self::Postgres)
        } else {
            Err(StoreError::Url(
                "the database URL must start with sqlite: (a file) or postgres:// (a server)".to_owned(),
            ))
        }
    }

    /// `sqlite` or `postgres`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// How to open a store.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// `sqlite:PATH` or `postgres://…`.
    pub url: String,
    /// Connections at the most; on SQLite those for reading, beside the one that writes.
    pub max_connections: u32,
    /// Where the time comes from.
    pub clock: Clock,
}

/// An open database.
#[derive(Debug, Clone)]
pub struct Store {
    pool: Pool,
    clock: Clock,
    changes_made: Arc<AtomicU64>,
    write_priority: WritePriority,
    known: Known,
    commit_times: CommitTimes,
}

#[derive(Debug, Clone)]
enum Pool {
    /// SQLite has one writer at a time: waiting for one connection in order beats contending for a lock.
    Sqlite { read: SqlitePool, write: SqlitePool },
    Postgres {
        pool: PgPool,
        /// True if a pooler stands before the server.
        is_pooled: bool,
    },
}

const ACQUIRE: Duration = Duration::from_secs(10);

/// Cache of each connection for reading: there are many, each comes by everything in time, and what they read lies in the
/// system's memory as well. Negative means KiB (<https://www.sqlite.org/pragma.html#pragma_cache_size>).
const READER_PAGES: &str = "-512";
const READER_STATEMENTS: usize = 32;

impl Store {
    /// Connects. An SQLite file that does not exist is made, readable by its owner only.
    ///
    /// # Errors
    /// [`StoreError`] when the URL is no database's or the database cannot be reached.
    pub async fn connect(options: &StoreOptions) -> Result<Self, StoreError> {
        let known = Known::default();
        let pool = match Backend::of_url(&options.url)? {
            Backend::Sqlite => {
                let file = sqlite_options(&options.url)?;
                create_private(file.get_filename())?;
                let write = sqlite_pool(&file, 1).await?;
                let reading = file.read_only(true).pragma("cache_size", READER_PAGES);
                let reading = reading.statement_cache_capacity(READER_STATEMENTS);
                let read = sqlite_pool(&reading, options.max_connections).await?;
                Pool::Sqlite { read, write }
            }
            Backend::Postgres => {
                let known = known.clone();
                let options_of_pool = PgPoolOptions::new()
                    .max_connections(options.max_connections)
                    .acquire_timeout(ACQUIRE)
                    // The server that is found now may lack what the one before had.
                    .after_connect(move |_, _| {
                        known.forget();
                        Box::pin(async { Ok(()) })
                    });
                let Server { options, is_pooled } = Server::of_url(&options.url)?;
                Pool::Postgres { pool: options_of_pool.connect_with(options).await?, is_pooled }
            }
        };
        Ok(Self {
            pool,
            clock: options.clock.clone(),
            changes_made: Arc::default(),
            write_priority: WritePriority::default(),
            known,
            commit_times: CommitTimes::default(),
        })
    }

    /// Which database it is.
    #[must_use]
    pub fn backend(&self) -> Backend {
        match self.pool {
            Pool::Sqlite { .. } => Backend::Sqlite,
            Pool::Postgres { .. } => Backend::Postgres,
        }
    }

    /// A session for reading.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn read(&self) -> Result<Session, StoreError> {
        let link = match &self.pool {
            Pool::Sqlite { read, .. } => Link::SqliteRead(read.acquire().await?),
            Pool::Postgres { pool, is_pooled: false } => Link::PostgresRead(pool.acquire().await?),
            Pool::Postgres { pool, is_pooled: true } => {
                Link::PostgresWrite(begin(pool, true, Begin::Read).await?)
            }
        };
        Ok(self.session(link))
    }

    /// A session that sees the database as it is now, however long it reads and whatever others write meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn snapshot(&self) -> Result<Session, StoreError> {
        let link = match &self.pool {
            Pool::Sqlite { read, .. } => Link::SqliteWrite(read.begin().await?),
            Pool::Postgres { pool, is_pooled } => {
                Link::PostgresWrite(begin(pool, *is_pooled, Begin::Snapshot).await?)
            }
        };
        let mut session = self.session(link);
        if let Connection::Postgres(connection) = session.connection() {
            // Whoever takes the rows may be slow, but not gone: an open snapshot keeps dead rows from being cleared away.
            for bound in
                ["SET LOCAL statement_timeout = 0", "SET LOCAL idle_in_transaction_session_timeout = '5min'"]
            {
                sqlx::raw_sql(bound).execute(&mut *connection).await?;
            }
        }
        // The first statement that reads is what the snapshot is of.
        crate::change::current(&mut session).await?;
        Ok(session)
    }

    /// A transaction. Dropped without [`Write::commit`] it leaves no trace. It lets calls go ahead that were put off.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn write(&self) -> Result<Write, StoreError> {
        self.write_priority.yield_to_calls().await;
        self.write_at_once().await
    }

    /// Has changes of this process wait for a moment: for a call that was put off by them again and again.
    #[must_use]
    pub fn prioritise_call(&self) -> PrioritisedCall {
        self.write_priority.prioritise_call()
    }

    /// The same for calls and reads, which go ahead.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn write_at_once(&self) -> Result<Write, StoreError> {
        let link = match &self.pool {
            // Taking the write lock at once: upgrading a read lock later can fail with BUSY however long one waits.
            Pool::Sqlite { write, .. } => Link::SqliteWrite(write.begin_with("BEGIN IMMEDIATE").await?),
            Pool::Postgres { pool, is_pooled } => {
                Link::PostgresWrite(begin(pool, *is_pooled, Begin::Write).await?)
            }
        };
        Ok(Write {
            session: self.session(link),
            touched: Touched::default(),
            changes_made: Arc::clone(&self.changes_made),
            known: self.known.clone(),
            commit_times: self.commit_times.clone(),
            lesson: Lesson::default(),
        })
    }

    /// How long commits of this process take.
    #[must_use]
    pub const fn commit_times(&self) -> &CommitTimes {
        &self.commit_times
    }

    /// How many transactions of this process have changed what servers may hold in memory: who holds some looks here
    /// before it asks the database.
    #[must_use]
    pub fn changes_made(&self) -> u64 {
        self.changes_made.load(Ordering::SeqCst)
    }

    /// The clock that decides windows; `None` when the database has one of its own that has to be asked.
    #[must_use]
    pub fn now_without_asking(&self) -> Option<Millis> {
        match self.backend() {
            Backend::Sqlite => Some(self.clock.local_now()),
            Backend::Postgres => self.clock.fixed_now(),
        }
    }

    /// Waits for open sessions and closes all connections; SQLite merges its write-ahead log.
    pub async fn close(&self) {
        match &self.pool {
            Pool::Sqlite { read, write } => {
                read.close().await;
                write.close().await;
            }
            Pool::Postgres { pool, .. } => pool.close().await,
        }
    }

    pub(crate) fn sqlite_writer(&self) -> Option<&SqlitePool> {
        match &self.pool {
            Pool::Sqlite { write, .. } => Some(write),
            Pool::Postgres { .. } => None,
        }
    }

    /// The pool of connections to PostgreSQL, and whether a pooler stands before the server.
    pub(crate) fn postgres(&self) -> Option<(&PgPool, bool)> {
        match &self.pool {
            Pool::Sqlite { .. } => None,
            Pool::Postgres { pool, is_pooled } => Some((pool, *is_pooled)),
        }
    }

    fn session(&self, link: Link) -> Session {
        let has_names = !matches!(self.pool, Pool::Postgres { is_pooled: true, .. });
        Session { link, clock: self.clock.clone(), has_names }
    }
}

async fn sqlite_pool(file: &SqliteConnectOptions, connections: u32) -> Result<SqlitePool, StoreError> {
    let mut retries = RetryBudget::default();
    loop {
        // When its disk is full or failing, SQLite undoes a transaction by itself; the driver goes on to believe in it and
        // would begin no other one on this connection, ever (<https://www.sqlite.org/lang_transaction.html>, "Response To
        // Errors Within A Transaction"). A rollback that was still to come is over: the driver pings a connection before it
        // takes it back, which needs no second one here.
        let options = SqlitePoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(ACQUIRE)
            .test_before_acquire(false)
            .before_acquire(|connection, _| Box::pin(async { Ok(!connection.is_in_transaction()) }));
        match options.connect_with(file.clone()).await {
            Err(error) if is_busy(&error) && retries.is_left() => retries.wait().await,
            done => return Ok(done?),
        }
    }
}

pub(crate) fn sqlite_options(url: &str) -> Result<SqliteConnectOptions, StoreError> {
    let options = SqliteConnectOptions::from_str(url)
        .map_err(|_| StoreError::Url("the SQLite URL must be sqlite: and the path of a file".to_owned()))?;
    Ok(options
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(ACQUIRE))
}

fn create_private(path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::OpenOptionsExt;
    let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match made {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => {
            Err(StoreError::Url(format!("the database file {} cannot be made: {error}", path.display())))
        }
    }
}

#[derive(Debug)]
enum Link {
    SqliteRead(PoolConnection<Sqlite>),
    SqliteWrite(Transaction<'static, Sqlite>),
    PostgresRead(PoolConnection<Postgres>),
    PostgresWrite(Transaction<'static, Postgres>),
}

/// A connection in use.
#[derive(Debug)]
pub struct Session {
    link: Link,
    clock: Clock,
    /// True if statements get names under which the server keeps them for this connection.
    has_names: bool,
}

impl Session {
    pub(crate) fn connection(&mut self) -> Connection<'_> {
        match &mut self.link {
            Link::SqliteRead(connection) => Connection::Sqlite(connection),
            Link::SqliteWrite(transaction) => Connection::Sqlite(transaction),
            Link::PostgresRead(connection) => Connection::Postgres(connection),
            Link::PostgresWrite(transaction) => Connection::Postgres(transaction),
        }
    }

    /// Tells whether statements get names under which the server keeps them for this connection.
    pub(crate) const fn has_names(&self) -> bool {
        self.has_names
    }

    /// Which database it is.
    #[must_use]
    pub fn backend(&self) -> Backend {
        match self.link {
            Link::SqliteRead(_) | Link::SqliteWrite(_) => Backend::Sqlite,
            Link::PostgresRead(_) | Link::PostgresWrite(_) => Backend::Postgres,
        }
    }

    /// The time by the database's clock, which is the same for every node.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn now(&mut self) -> Result<Millis, StoreError> {
        if let Some(now) = self.clock.fixed_now() {
            return Ok(now);
        }
        if self.backend() == Backend::Sqlite {
            return Ok(self.clock.local_now());
        }
        const NOW: &str = "SELECT CAST(FLOOR(EXTRACT(EPOCH FROM clock_timestamp()) * 1000) AS BIGINT)";
        let row: Option<(i64,)> = fetch_optional!(self, (i64,), NOW)?;
        Ok(row.map_or(Millis(0), |(now,)| Millis(now)))
    }

    /// Tells whether the database answers.
    ///
    /// # Errors
    /// [`StoreError`] when it does not.
    pub async fn ping(&mut self) -> Result<(), StoreError> {
        fetch_optional!(self, (i64,), "SELECT CAST(1 AS BIGINT)").map(|_| ())
    }
}

/// A transaction: a session that may change things.
#[derive(Debug)]
pub struct Write {
    session: Session,
    touched: Touched,
    changes_made: Arc<AtomicU64>,
    known: Known,
    commit_times: CommitTimes,
    lesson: Lesson,
}

impl Write {
    /// Notes that this transaction changes what servers may hold in memory: its commit writes that into the change log.
    pub(crate) fn touch(&mut self, subject: Subject) {
        self.touched.add(subject);
    }

    /// Notes a limit of a scope that was there before, which counts the calls that are admitted after the commit.
    pub(crate) fn touch_new_limit(&mut self) {
        self.touched.add_new_limit();
    }

    /// Which of these dims and contexts have to be written, as far as is known.
    pub(crate) fn missing(&mut self, uids: impl Iterator<Item = Uid>) -> HashSet<Uid> {
        self.known.missing(uids, &mut self.lesson)
    }

    /// Makes the changes durable.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing of the transaction happened.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        let is_change = !self.touched.is_empty();
        if is_change {
            let touched = std::mem::take(&mut self.touched);
            crate::change::advance(&mut self, touched).await?;
        }
        let began = Instant::now();
        let done = Self::end(self.session.link).await;
        self.commit_times.note(began.elapsed());
        match done {
            Ok(()) => self.known.learn(self.lesson),
            // Whatever it was, it may have been the server.
            Err(_) => self.known.forget(),
        }
        if is_change {
            // Also when it failed: whether it happened is not known then.
            self.changes_made.fetch_add(1, Ordering::SeqCst);
        }
        done
    }

    async fn end(link: Link) -> Result<(), StoreError> {
        match link {
            Link::SqliteWrite(transaction) => transaction.commit().await?,
            Link::PostgresWrite(transaction) => transaction.commit().await?,
            Link::SqliteRead(_) | Link::PostgresRead(_) => {}
        }
        Ok(())
    }

    /// Undoes the changes and waits until they are undone.
    ///
    /// # Errors
    /// [`StoreError`]; the changes are undone all the same.
    pub async fn roll_back(self) -> Result<(), StoreError> {
        match self.session.link {
            Link::SqliteWrite(transaction) => transaction.rollback().await?,
            Link::PostgresWrite(transaction) => transaction.rollback().await?,
            Link::SqliteRead(_) | Link::PostgresRead(_) => {}
        }
        Ok(())
    }
}

impl Deref for Write {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl DerefMut for Write {
    fn deref_mut(&mut self) -> &mut Session {
        &mut self.session
    }
}
