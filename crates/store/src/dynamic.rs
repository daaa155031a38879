//! Statements put together of parts: which conditions there are is known only when somebody asks. The parts are texts of this
//! program; what comes from outside is bound.

use std::sync::OnceLock;

use crate::dispatch::{CHUNKS, Connection, Places, texts_of_rows};
use crate::error::StoreError;
use crate::session::Session;

/// A value to bind.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Integer(i64),
    Text(String),
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// A statement and the values of its places.
#[derive(Debug, Clone, Default)]
pub(crate) struct Statement {
    sql: String,
    values: Vec<Value>,
}

impl Statement {
    /// A statement that begins with this text.
    pub(crate) fn new(sql: impl Into<String>) -> Self {
        Self { sql: sql.into(), values: Vec::new() }
    }

    /// Goes on with this text.
    pub(crate) fn push(&mut self, sql: &str) -> &mut Self {
        self.sql.push_str(sql);
        self
    }

    /// Goes on with the place of this value.
    pub(crate) fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        self.sql.push_str(&format!("${}", self.values.len()));
        self
    }

    /// All rows.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn fetch_all<T>(self, session: &mut Session) -> Result<Vec<T>, StoreError>
    where
        T: for<'r> sqlx::FromRow<'r, sqlx::sqlite::SqliteRow>
            + for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow>
            + Send
            + Unpin,
    {
        macro_rules! send {
            ($database:ty, $connection:expr, $is_kept:expr) => {{
                let text = sqlx::AssertSqlSafe(self.sql.as_str());
                let mut query = sqlx::query_as::<$database, T>(text).persistent($is_kept);
                for value in &self.values {
                    query = match value {
                        Value::Integer(number) => query.bind(*number),
                        Value::Text(text) => query.bind(text),
                    };
                }
                query.fetch_all($connection).await
            }};
        }
        let has_names = session.has_names();
        let rows = match session.connection() {
            Connection::Sqlite(connection) => send!(sqlx::Sqlite, connection, true),
            Connection::Postgres(connection) => send!(sqlx::Postgres, connection, has_names),
        };
        Ok(rows?)
    }

    /// The number of rows that were changed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn execute(self, session: &mut Session) -> Result<u64, StoreError> {
        macro_rules! send {
            ($database:ty, $connection:expr, $is_kept:expr) => {{
                let text = sqlx::AssertSqlSafe(self.sql.as_str());
                let mut query = sqlx::query::<$database>(text).persistent($is_kept);
                for value in &self.values {
                    query = match value {
                        Value::Integer(number) => query.bind(*number),
                        Value::Text(text) => query.bind(text),
                    };
                }
                query.execute($connection).await.map(|done| done.rows_affected())
            }};
        }
        let has_names = session.has_names();
        let changed = match session.connection() {
            Connection::Sqlite(connection) => send!(sqlx::Sqlite, connection, true),
            Connection::Postgres(connection) => send!(sqlx::Postgres, connection, has_names),
        };
        Ok(changed?)
    }
}

/// The texts of a statement that inserts rows, made once for each database.
#[derive(Debug)]
pub(crate) struct Rows {
    numbered: OnceLock<Vec<String>>,
    nameless: OnceLock<Vec<String>>,
}

impl Rows {
    pub(crate) const fn new() -> Self {
        Self { numbered: OnceLock::new(), nameless: OnceLock::new() }
    }

    /// Sends rows as few statements: what `text` tells to stand before and behind their values. All have as many columns.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn insert(
        &'static self,
        session: &mut Session,
        rows: &[Vec<Value>],
        text: impl FnOnce() -> (String, String),
    ) -> Result<u64, StoreError> {
        let Some(columns) = rows.first().map(Vec::len) else { return Ok(0) };
        let (texts, places) = match session.connection() {
            Connection::Sqlite(_) => (&self.nameless, Places::Nameless),
            Connection::Postgres(_) => (&self.numbered, Places::Numbered),
        };
        let texts = texts.get_or_init(|| {
            let (before, after) = text();
            texts_of_rows(places, &before, columns, &after)
        });
        let has_names = session.has_names();
        let mut rest = rows;
        let mut changed = 0;
        for (size, text) in CHUNKS.iter().zip(texts) {
            while rest.len() >= *size {
                let (chunk, behind) = rest.split_at(*size);
                rest = behind;
                macro_rules! send {
                    ($database:ty, $connection:expr, $is_kept:expr) => {{
                        let mut query = sqlx::query::<$database>(text.as_str()).persistent($is_kept);
                        for value in chunk.iter().flatten() {
                            query = match value {
                                Value::Integer(number) => query.bind(*number),
                                Value::Text(text) => query.bind(text),
                            };
                        }
                        query.execute($connection).await.map(|done| done.rows_affected())
                    }};
                }
                changed += match session.connection() {
                    Connection::Sqlite(connection) => send!(sqlx::Sqlite, connection, true),
                    Connection::Postgres(connection) => send!(sqlx::Postgres, connection, has_names),
                }?;
            }
        }
        Ok(changed)
    }
}
