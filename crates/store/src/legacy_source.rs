//! The database of the original Node application, strictly read: all three generations of its table, on SQLite and
//! PostgreSQL.

use std::path::PathBuf;
use std::str::FromStr as _;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, ColumnIndex, ConnectOptions as _, Connection as _, Decode, Row, Type};
use tempfile::TempDir;

mod row;
pub(crate) mod sqlite_file;
#[cfg(test)]
mod tests;
mod value;

pub use row::LegacyRow;
use row::{COLUMNS, Cell};

/// The original's table.
pub const TABLE: &str = "api_credentials";

/// An open source. All pages show the database as it stood at the first of them.
#[derive(Debug)]
pub struct LegacySource {
    connection: Connection,
    columns: Vec<String>,
    /// The highest id of the next page; `None` when there cannot be one.
    from: Option<i64>,
    /// Kept as long as it is read.
    _copy: Option<TempDir>,
}

#[derive(Debug)]
enum Connection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// Runs one sqlx expression on either connection.
macro_rules! on {
    ($connection:expr, $inner:ident => $body:expr) => {
        match $connection {
            Connection::Sqlite($inner) => $body,
            Connection::Postgres($inner) => $body,
        }
    };
}

/// Why a source cannot be read. No message holds a database URL: it may have a password in it.
#[derive(Debug, thiserror::Error)]
pub enum LegacySourceError {
    /// The file is not there or not for us to read.
    #[error("the database file {} cannot be read", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Neither a file nor a database URL that is understood.
    #[error("the database is neither an SQLite file nor a URL that starts with postgres:// or sqlite:")]
    Url(#[source] Option<sqlx::Error>),
    /// The database does not answer, or not to us.
    #[error("the database cannot be opened")]
    Connect(#[source] sqlx::Error),
    /// The file holds something else.
    #[error("the file is not an SQLite database")]
    NotSqlite,
    /// There is nothing to move.
    #[error(
        "the database has no table api_credentials: it is not one of the original application, or another of its databases"
    )]
    NoTable,
    /// It is our own.
    #[error("the table api_credentials of this database is strongroom's own, not the original application's")]
    AlreadyStrongroom,
    /// The table is some other.
    #[error("the table api_credentials has no column {0}: it is not the original application's")]
    NoColumn(&'static str),
    /// A page has a row that it cannot have: read on, the same rows might come again for ever, or some never.
    #[error(
        "the ids of the table api_credentials are not numbers that each stand once and in order: the database is damaged \
         (`sqlite3 FILE .recover` may mend a copy of it), or it is not the original application's"
    )]
    Disordered,
    /// Reading failed on the way.
    #[error("the table api_credentials cannot be read")]
    Read(#[from] sqlx::Error),
}

impl LegacySource {
    /// Opens a source for reading: a path or `sqlite:` URL of an existing file, or a `postgres:` URL.
    ///
    /// # Errors
    /// [`LegacySourceError`], which tells a missing file, a missing table and a wrong table apart.
    pub async fn open(database: &str) -> Result<Self, LegacySourceError> {
        let (mut connection, copy) = if is_postgres(database) {
            (Connection::Postgres(connect_postgres(database).await?), None)
        } else if database.contains("://")
            && !database.starts_with("sqlite:")
            && !database.starts_with("file:")
        {
            return Err(LegacySourceError::Url(None));
        } else {
            connect_sqlite(sqlite_path(database)).await?
        };
        let columns = match &mut connection {
            Connection::Sqlite(sqlite) => {
                sqlx::raw_sql("BEGIN").execute(&mut *sqlite).await.map_err(not_sqlite)?;
                let sql = "SELECT lower(name) FROM pragma_table_info($1)";
                sqlx::query_scalar::<_, String>(sql)
                    .bind(TABLE)
                    .fetch_all(sqlite)
                    .await
                    .map_err(not_sqlite)?
            }
            Connection::Postgres(postgres) => {
                let sql = "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY";
                sqlx::raw_sql(sql).execute(&mut *postgres).await?;
                // The table that an unqualified name means, as the original's own statements would find it.
                let sql = "SELECT attname::text FROM pg_attribute \
                           WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped";
                sqlx::query_scalar::<_, String>(sql).persistent(false).bind(TABLE).fetch_all(postgres).await?
            }
        };
        check_columns(&columns)?;
        Ok(Self { connection, columns, from: Some(i64::MAX), _copy: copy })
    }

    /// How many rows there are.
    ///
    /// # Errors
    /// [`LegacySourceError::Read`].
    pub async fn count(&mut self) -> Result<i64, LegacySourceError> {
        let sql = "SELECT COUNT(*) FROM api_credentials";
        Ok(on!(&mut self.connection, it => sqlx::query_scalar(sql).persistent(false).fetch_one(it).await)?)
    }

    /// The next rows, the highest ids first, at most `limit`; an empty page is the end.
    ///
    /// Highest first, so that a row that cannot keep its id gets a new one above all others, and never one that a row
    /// still to come would keep.
    ///
    /// # Errors
    /// [`LegacySourceError::Read`], [`LegacySourceError::Disordered`].
    pub async fn next_page(&mut self, limit: u32) -> Result<Vec<LegacyRow>, LegacySourceError> {
        let Some(from) = self.from else { return Ok(Vec::new()) };
        let columns: String = COLUMNS
            .iter()
            .map(
                |column| {
                    if self.has(column) { format!(", CAST({column} AS TEXT)") } else { ", NULL".to_owned() }
                },
            )
            .collect();
        // Safe: the columns come from a constant list, whatever the source calls its own.
        let sql = AssertSqlSafe(format!(
            "SELECT CAST(id AS BIGINT){columns} FROM api_credentials WHERE id <= $1 ORDER BY id DESC LIMIT $2"
        ));
        let page = on!(&mut self.connection, it => {
            let rows = sqlx::query(sql).persistent(false).bind(from).bind(i64::from(limit)).fetch_all(it).await?;
            rows.iter().map(|row| cells(row, &self.columns)).collect::<Result<Vec<_>, _>>()?
        });
        let ids = || page.iter().map(|(id, _)| *id);
        if ids().next().is_some_and(|first| first > from) || !ids().is_sorted_by(|one, next| one > next) {
            return Err(LegacySourceError::Disordered);
        }
        self.from = page.last().and_then(|(id, _)| id.checked_sub(1));
        Ok(page.into_iter().map(|(id, cells)| LegacyRow::read(id, cells)).collect())
    }

    /// Lets the source go.
    ///
    /// # Errors
    /// [`LegacySourceError::Read`].
    pub async fn close(self) -> Result<(), LegacySourceError> {
        Ok(on!(self.connection, it => it.close().await)?)
    }

    fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|it| it == column)
    }
}

fn is_postgres(database: &str) -> bool {
    ["postgres://", "postgresql://"].iter().any(|scheme| database.starts_with(scheme))
}

/// The path in `sqlite:PATH`, `sqlite://PATH`, `file:PATH`, or the text itself; parameters have no say here.
fn sqlite_path(database: &str) -> PathBuf {
    let url =
        ["sqlite://", "sqlite:", "file://", "file:"].iter().find_map(|scheme| database.strip_prefix(scheme));
    PathBuf::from(url.map_or(database, |path| path.split_once('?').map_or(path, |(path, _)| path)))
}

async fn connect_postgres(url: &str) -> Result<PgConnection, LegacySourceError> {
    // Nothing is set for the connection and no statement has a name: a pooler may stand before the server.
    let (url, _) = crate::postgres::without_pooler(url);
    let options = PgConnectOptions::from_str(&url).map_err(|error| LegacySourceError::Url(Some(error)))?;
    let options = options.extra_float_digits(None).disable_statement_logging();
    options.connect().await.map_err(LegacySourceError::Connect)
}

async fn connect_sqlite(path: PathBuf) -> Result<(Connection, Option<TempDir>), LegacySourceError> {
    let opening = sqlite_file::opening(&path).map_err(|source| LegacySourceError::File { path, source })?;
    let connected = opening.options.disable_statement_logging().connect().await;
    let connection = connected.map_err(|error| match not_sqlite(error) {
        LegacySourceError::Read(error) => LegacySourceError::Connect(error),
        other => other,
    })?;
    Ok((Connection::Sqlite(connection), opening.copy))
}

/// SQLITE_NOTADB (<https://www.sqlite.org/rescode.html#notadb>) under its own name.
fn not_sqlite(error: sqlx::Error) -> LegacySourceError {
    match &error {
        sqlx::Error::Database(database) if database.code().as_deref() == Some("26") => {
            LegacySourceError::NotSqlite
        }
        _ => LegacySourceError::Read(error),
    }
}

fn check_columns(columns: &[String]) -> Result<(), LegacySourceError> {
    let has = |name: &str| columns.iter().any(|column| column == name);
    if columns.is_empty() {
        return Err(LegacySourceError::NoTable);
    }
    if has("uid") && !has("api_key") {
        return Err(LegacySourceError::AlreadyStrongroom);
    }
    match ["id", "name", "provider", "api_key"].into_iter().find(|name| !has(name)) {
        Some(missing) => Err(LegacySourceError::NoColumn(missing)),
        None => Ok(()),
    }
}

fn cells<R: Row>(row: &R, columns: &[String]) -> Result<(i64, Vec<Cell>), sqlx::Error>
where
    usize: ColumnIndex<R>,
    for<'r> i64: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> String: Decode<'r, R::Database> + Type<R::Database>,
{
    let cell = |(place, column): (usize, &&str)| {
        if !columns.iter().any(|it| it == column) {
            return Ok(Cell::Absent);
        }
        match row.try_get::<Option<String>, _>(place + 1) {
            Ok(None) => Ok(Cell::Null),
            Ok(Some(text)) => Ok(Cell::Text(text)),
            // One damaged value must not hide the other rows.
            Err(sqlx::Error::ColumnDecode { .. }) => Ok(Cell::NotText),
            Err(error) => Err(error),
        }
    };
    let cells = COLUMNS.iter().enumerate().map(cell).collect::<Result<_, _>>()?;
    Ok((row.try_get(0)?, cells))
}
