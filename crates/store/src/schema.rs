//! The schema: migrations, and a look at a database before anything is changed in it.

use std::path::Path;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection as _, PgConnection, PgPool, SqliteConnection, SqlitePool};

use crate::error::StoreError;
use crate::legacy_source::sqlite_file;
use crate::postgres::Server;
use crate::session::{Backend, Session, Store, Write, sqlite_options};
use crate::sqlite_retry::{RetryBudget, is_busy, is_unsettled};

pub mod rebuild;

pub use rebuild::{Rebuild, pending};

static SQLITE: Migrator = sqlx::migrate!("./migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("./migrations/postgres");

/// State of a database, seen before anything is changed in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Glimpse {
    /// It does not exist, or has no tables.
    Empty,
    /// It has tables, but not our marker.
    Foreign,
    /// It is ours.
    Ours {
        /// Fingerprints of the master keys that its keys are wrapped under; empty while it is being made.
        master_fingerprints: Vec<String>,
    },
    /// A backup is on its way into it, or was when that was cut short.
    HalfRestored,
}

/// The fact that a database is somebody's: whoever sets it makes or restores what stands in it.
pub const INSTALLATION: &str = "installation";
/// The fact that a database is half restored.
pub const RESTORE: &str = "restore";

/// Looks at a database without changing a byte of it.
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub async fn glimpse(url: &str) -> Result<Glimpse, StoreError> {
    match Backend::of_url(url)? {
        Backend::Sqlite => {
            let options = sqlite_options(url)?;
            // An empty file is what a start that was cut short leaves behind.
            if std::fs::metadata(options.get_filename()).map_or(0, |file| file.len()) == 0 {
                return Ok(Glimpse::Empty);
            }
            let path = options.get_filename();
            let mut retries = RetryBudget::default();
            loop {
                match glimpse_file(path).await {
                    Err(error) if is_unsettled(&error) && retries.is_left() => retries.wait().await,
                    Err(sqlx::Error::Io(error)) => {
                        let text = format!("the database file {} cannot be read: {error}", path.display());
                        return Err(StoreError::Url(text));
                    }
                    done => return Ok(done?),
                }
            }
        }
        Backend::Postgres => {
            let server = Server::of_url(url)?;
            let mut connection = PgConnection::connect_with(&server.options).await.map_err(refused)?;
            let glimpse = glimpse_server(&mut connection).await;
            connection.close().await?;
            Ok(glimpse?)
        }
    }
}

/// In one transaction and without names for its statements, so that a pooler may stand before the server.
async fn glimpse_server(connection: &mut PgConnection) -> Result<Glimpse, sqlx::Error> {
    const TABLES: &str = "SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = current_schema()";
    let mut tx = connection.begin_with("BEGIN READ ONLY").await?;
    let tables: Vec<(String,)> = sqlx::query_as(TABLES).persistent(false).fetch_all(&mut *tx).await?;
    let is_marked = match what(&tables) {
        Looks::Plain(other) => return Ok(other),
        Looks::Ours { is_marked } => is_marked,
    };
    let facts: Vec<(String,)> = sqlx::query_as(FACTS).persistent(false).fetch_all(&mut *tx).await?;
    if is_half_restored(is_marked, &facts) {
        return Ok(Glimpse::HalfRestored);
    }
    sqlx::query_as(FINGERPRINTS).persistent(false).fetch_all(&mut *tx).await.map(ours)
}

/// A pooler refuses the settings that a connection begins with: it is to be told of.
fn refused(error: sqlx::Error) -> StoreError {
    match &error {
        sqlx::Error::Database(said) if said.message().contains("startup parameter") => {
            StoreError::Url(format!(
                "the database is behind a pooler ({}); say so by `pgbouncer=true` at the end of its URL: \
                 postgres://USER:PASSWORD@HOST:PORT/DATABASE?pgbouncer=true",
                said.message()
            ))
        }
        _ => error.into(),
    }
}

async fn glimpse_file(path: &Path) -> Result<Glimpse, sqlx::Error> {
    let opening = sqlite_file::opening(path)?;
    let mut connection = SqliteConnection::connect_with(&opening.options).await?;
    let sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let tables: Vec<(String,)> = sqlx::query_as(sql).fetch_all(&mut connection).await?;
    let fingerprints = sqlx::query_as(FINGERPRINTS);
    let glimpse = match what(&tables) {
        Looks::Plain(other) => Ok(other),
        Looks::Ours { is_marked } => match sqlx::query_as(FACTS).fetch_all(&mut connection).await {
            Ok(facts) if is_half_restored(is_marked, &facts) => Ok(Glimpse::HalfRestored),
            Ok(_) => fingerprints.fetch_all(&mut connection).await.map(ours),
            Err(error) => Err(error),
        },
    };
    connection.close().await?;
    glimpse
}

const FINGERPRINTS: &str = "SELECT fingerprint FROM master_keys ORDER BY fingerprint";

const FACTS: &str = "SELECT key FROM strongroom_meta WHERE key IN ('installation', 'restore')";
/// The table that stands in a database from the first moment of a restore on, before there is one for facts.
const MARK: &str = "strongroom_restoring";

/// State of a database as far as the names of its tables tell.
enum Looks {
    Plain(Glimpse),
    /// The facts in it tell the rest.
    Ours {
        is_marked: bool,
    },
}

fn what(tables: &[(String,)]) -> Looks {
    let is_there = |wanted: &str| tables.iter().any(|(name,)| name == wanted);
    if is_there("strongroom_meta") {
        Looks::Ours { is_marked: is_there(MARK) }
    } else if tables.iter().any(|(name,)| name != "_sqlx_migrations" && name != MARK) {
        Looks::Plain(Glimpse::Foreign)
    } else if is_there(MARK) {
        Looks::Plain(Glimpse::HalfRestored)
    } else {
        Looks::Plain(Glimpse::Empty)
    }
}

/// The mark counts for nothing where somebody has made an installation meanwhile.
fn is_half_restored(is_marked: bool, facts: &[(String,)]) -> bool {
    facts.iter().any(|(fact,)| fact == RESTORE) || (is_marked && facts.is_empty())
}

fn ours(rows: Vec<(String,)>) -> Glimpse {
    Glimpse::Ours { master_fingerprints: rows.into_iter().map(|(fingerprint,)| fingerprint).collect() }
}

/// Brings the schema up to this binary. Safe when several nodes do it at once. Says before whether it is going to take long.
///
/// # Errors
/// [`StoreError::Schema`] when the database is newer than this binary, was migrated by something else, or has too little room.
pub async fn migrate(store: &Store) -> Result<(), StoreError> {
    let rebuild = rebuild::announce(store).await?;
    let done = match (store.sqlite_writer(), store.postgres()) {
        (Some(pool), _) => migrate_sqlite(pool).await,
        (_, Some((pool, is_pooled))) => migrate_postgres(pool, is_pooled, None).await,
        (None, None) => Ok(()),
    };
    done.map_err(|error| match error {
        MigrateError::VersionMissing(version) => newer(version),
        MigrateError::Execute(error) => StoreError::from(error),
        other => StoreError::Schema(format!("the schema cannot be brought up to date: {other}")),
    })?;
    match rebuild {
        Some(_) => rebuild::finish(store).await,
        None => Ok(()),
    }
}

/// Brings the schema up to this version and no further: what a backup of that version is put into.
///
/// # Errors
/// [`StoreError::Schema`] when this binary does not know the version, or the database has a newer one.
pub async fn migrate_to(store: &Store, version: i64) -> Result<(), StoreError> {
    check_reach(store, version).await?;
    run_to(store, version).await
}

/// Like [`migrate_to`] for a database that a backup of that version is put into. Before anything else the database is marked
/// as half restored, so that however early it is cut short, nobody takes it for an empty one.
///
/// # Errors
/// [`StoreError::Schema`] as for [`migrate_to`].
pub async fn begin_restore(store: &Store, version: i64) -> Result<(), StoreError> {
    check_reach(store, version).await?;
    let mut tx = store.write().await?;
    if tx.backend() == Backend::Postgres {
        // Two that make a table of one name at once would not both find that it is there.
        crate::dispatch::execute!(tx, "SELECT pg_advisory_xact_lock(7239461029384756)")?;
    }
    crate::dispatch::execute!(tx, "CREATE TABLE IF NOT EXISTS strongroom_restoring (mark INTEGER)")?;
    tx.commit().await?;
    run_to(store, version).await
}

/// Takes the mark of [`begin_restore`] away: when the fact stands that says the same, or when there is nothing to restore into.
///
/// # Errors
/// [`StoreError`].
pub async fn unmark(tx: &mut Write) -> Result<(), StoreError> {
    crate::dispatch::execute!(tx, "DROP TABLE IF EXISTS strongroom_restoring").map(|_| ())
}

async fn check_reach(store: &Store, version: i64) -> Result<(), StoreError> {
    let applied = self::version(&mut store.read().await?).await?;
    let migrator = match store.backend() {
        Backend::Sqlite => &SQLITE,
        Backend::Postgres => &POSTGRES,
    };
    if !migrator.version_exists(version) {
        return Err(newer(version));
    }
    if applied > version {
        return Err(StoreError::Schema(format!(
            "the schema is at version {applied} already and cannot go back to {version}; use a database without tables"
        )));
    }
    Ok(())
}

async fn run_to(store: &Store, version: i64) -> Result<(), StoreError> {
    let done = match (store.sqlite_writer(), store.postgres()) {
        (Some(pool), _) => SQLITE.run_to(version, pool).await,
        (_, Some((pool, is_pooled))) => migrate_postgres(pool, is_pooled, Some(version)).await,
        (None, None) => Ok(()),
    };
    done.map_err(|error| StoreError::Schema(format!("the schema cannot be made: {error}")))
}

/// The version of the schema; 0 where there is none.
///
/// # Errors
/// [`StoreError`] when the database cannot be read.
pub async fn version(session: &mut Session) -> Result<i64, StoreError> {
    const OURS: &str = "SELECT CAST(COALESCE(MAX(version), 0) AS BIGINT) FROM _sqlx_migrations";
    const ON_SQLITE: &str =
        "SELECT CAST(COUNT(*) AS BIGINT) FROM sqlite_master WHERE name = '_sqlx_migrations'";
    const ON_POSTGRES: &str = "SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = '_sqlx_migrations'";
    let is_there = if session.backend() == Backend::Sqlite { ON_SQLITE } else { ON_POSTGRES };
    let is_there = crate::dispatch::fetch_optional!(session, (i64,), is_there)?;
    if is_there.is_none_or(|(count,)| count == 0) {
        return Ok(0);
    }
    Ok(crate::dispatch::fetch_optional!(session, (i64,), OURS)?.map_or(0, |(version,)| version))
}

/// On a connection of its own without time bounds: a migration may take long, and other nodes wait for it to end.
async fn migrate_postgres(pool: &PgPool, is_pooled: bool, to: Option<i64>) -> Result<(), MigrateError> {
    if is_pooled {
        return migrate_through_pooler(pool, to).await;
    }
    let bounds = [("lock_timeout", "0"), ("statement_timeout", "0")];
    let options = pool.connect_options().as_ref().clone().options(bounds);
    let own = PgPoolOptions::new().max_connections(1).connect_with(options).await?;
    let done = match to {
        Some(version) => POSTGRES.run_to(version, &own).await,
        None => POSTGRES.run(&own).await,
    };
    own.close().await;
    done
}

/// In one transaction, for which a pooler lets us keep the connection. The migrator names its statements: names that are left
/// of it on the pooler's connection go before and after.
async fn migrate_through_pooler(pool: &PgPool, to: Option<i64>) -> Result<(), MigrateError> {
    const BEGIN: &str = "BEGIN; SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0; \
                         SET LOCAL idle_in_transaction_session_timeout = 0; DEALLOCATE ALL; \
                         SELECT pg_advisory_xact_lock(7239461029384756)";
    let mut migrator = sqlx::migrate!("./migrations/postgres");
    migrator.set_locking(false);
    let mut connection = PgConnection::connect_with(pool.connect_options().as_ref()).await?;
    let mut tx = connection.begin_with(BEGIN).await?;
    // What `run` and `run_to` come to; their futures cannot be sent to another thread.
    migrator.run_direct(to, &mut *tx, false).await?;
    sqlx::raw_sql("DEALLOCATE ALL").execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(connection.close().await?)
}

/// SQLite has no lock for migrations: of several processes that start at once the slower ones fail on what the fastest
/// one has made meanwhile, or on that it is just making it, and then go on behind it.
async fn migrate_sqlite(pool: &SqlitePool) -> Result<(), MigrateError> {
    let may_be_busy = |error: &MigrateError| match error {
        MigrateError::ExecuteMigration(..) => true,
        MigrateError::Execute(error) => is_busy(error),
        _ => false,
    };
    let mut retries = RetryBudget::default();
    loop {
        match SQLITE.run(pool).await {
            Err(error) if may_be_busy(&error) && retries.is_left() => retries.wait().await,
            done => return done,
        }
    }
}

/// Checks that the schema is the one of this binary, without changing it.
///
/// # Errors
/// [`StoreError::Schema`] naming the mend.
pub async fn check(store: &Store) -> Result<(), StoreError> {
    const APPLIED: &str = "SELECT version FROM _sqlx_migrations ORDER BY version";
    let mut session = store.read().await?;
    let applied: Vec<(i64,)> = crate::dispatch::fetch_all!(session, (i64,), APPLIED).map_err(|_| {
        StoreError::Schema("the database has no strongroom schema; run `strongroom migrate`".into())
    })?;
    let known: Vec<i64> = match store.backend() {
        Backend::Sqlite => SQLITE.iter().map(|migration| migration.version).collect(),
        Backend::Postgres => POSTGRES.iter().map(|migration| migration.version).collect(),
    };
    if let Some((version,)) = applied.iter().find(|(version,)| !known.contains(version)) {
        return Err(newer(*version));
    }
    if applied.len() < known.len() {
        return Err(StoreError::Schema(format!(
            "the database schema is older than this binary ({} of {} migrations); run `strongroom migrate` \
             as the owner of the tables",
            applied.len(),
            known.len()
        )));
    }
    Ok(())
}

fn newer(version: i64) -> StoreError {
    StoreError::Schema(format!(
        "the database schema is newer than this binary (it has migration {version}); use the newer strongroom"
    ))
}
