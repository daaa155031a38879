//! Whole tables, for backups: which there are, and their rows in and out in a form that both databases share.

use crate::dispatch::{CHUNKS, Connection, Places, execute, fetch_all, fetch_optional, texts_of_rows};
use crate::error::StoreError;
use crate::session::{Backend, Session, Write};
use crate::usage_partition;

mod registry;
mod storable;

pub use registry::{LEFT_OUT, tables};

/// Kind of value of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A whole number of 64 bits.
    Integer,
    /// True or false.
    Boolean,
}

/// A table as a backup sees it. Its rows are ordered by its key, texts by their bytes, on either database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns; those of the primary key come first.
    pub columns: Vec<(String, Kind)>,
    /// How many of them are the primary key.
    pub key: usize,
    /// True if the first column is given out by the database, counting up.
    pub counts_up: bool,
}

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// NULL.
    Null,
    /// Text.
    Text(String),
    /// A number.
    Integer(i64),
    /// True or false.
    Boolean(bool),
}

/// A row, a cell per column of its table.
pub type Row = Vec<Cell>;

/// Rows of one page.
const PAGE: usize = 500;

/// Checks names that are put into a statement. They come from our own registry, or out of a backup
/// that a holder of the key has made.
fn check_names(table: &Table) -> Result<(), StoreError> {
    let is_name = |name: &str| {
        !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    let columns = table.columns.iter().all(|(name, _)| is_name(name));
    if is_name(&table.name) && columns && (1..=table.columns.len()).contains(&table.key) {
        return Ok(());
    }
    Err(StoreError::Schema(
        "a table of the backup has a name or columns that no table of strongroom has".to_owned(),
    ))
}

fn columns(table: &Table) -> String {
    let names: Vec<_> = table.columns.iter().map(|(name, _)| name.as_str()).collect();
    names.join(", ")
}

/// Reads a table page by page. The session must be a snapshot: see [`crate::Store::snapshot`].
#[derive(Debug)]
pub struct Reader<'a> {
    table: &'a Table,
    last: Option<Row>,
    is_open: bool,
}

impl<'a> Reader<'a> {
    /// A reader at the start of the table.
    #[must_use]
    pub fn new(table: &'a Table) -> Self {
        Self { table, last: None, is_open: false }
    }

    /// The next rows in the order of the key; none at the end.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn next_page(&mut self, session: &mut Session) -> Result<Vec<Row>, StoreError> {
        check_names(self.table)?;
        match session.backend() {
            Backend::Sqlite => self.next_of_sqlite(session).await,
            Backend::Postgres => self.next_of_postgres(session).await,
        }
    }

    /// Behind the last row, by the index of the key.
    async fn next_of_sqlite(&mut self, session: &mut Session) -> Result<Vec<Row>, StoreError> {
        let keys: Vec<_> =
            self.table.columns[..self.table.key].iter().map(|(name, _)| name.as_str()).collect();
        let keys = keys.join(", ");
        let behind = match &self.last {
            None => String::new(),
            Some(_) => format!(" WHERE ({keys}) > ({})", vec!["?"; self.table.key].join(", ")),
        };
        let sql = format!(
            "SELECT {} FROM {}{behind} ORDER BY {keys} LIMIT {PAGE}",
            columns(self.table),
            self.table.name
        );
        let Connection::Sqlite(connection) = session.connection() else { return Ok(Vec::new()) };
        let mut query = sqlx::query::<sqlx::Sqlite>(sqlx::AssertSqlSafe(sql));
        for cell in self.last.iter().flatten().take(self.table.key) {
            query = match cell {
                Cell::Text(text) => query.bind(text),
                Cell::Integer(number) => query.bind(*number),
                Cell::Boolean(boolean) => query.bind(*boolean),
                Cell::Null => query.bind(None::<String>),
            };
        }
        let rows = query.fetch_all(connection).await?;
        let rows = read_rows::<sqlx::Sqlite>(self.table, &rows)?;
        self.last = rows.last().cloned();
        Ok(rows)
    }

    /// From a cursor: where the database sorts texts by a language, every page by itself would sort the whole table.
    async fn next_of_postgres(&mut self, session: &mut Session) -> Result<Vec<Row>, StoreError> {
        let Table { name, key, .. } = self.table;
        let Connection::Postgres(connection) = session.connection() else { return Ok(Vec::new()) };
        if !self.is_open {
            let order = |(column, kind): &(String, Kind)| match kind {
                Kind::Text => format!("{column} COLLATE \"C\""),
                Kind::Integer | Kind::Boolean => column.clone(),
            };
            let order: Vec<_> = self.table.columns[..*key].iter().map(order).collect();
            let sql = format!(
                "DECLARE backup_of_{name} NO SCROLL CURSOR FOR SELECT {} FROM {name} ORDER BY {}",
                columns(self.table),
                order.join(", ")
            );
            sqlx::query::<sqlx::Postgres>(sqlx::AssertSqlSafe(sql))
                .persistent(false)
                .execute(&mut *connection)
                .await?;
            self.is_open = true;
        }
        let sql = format!("FETCH {PAGE} FROM backup_of_{name}");
        let query = sqlx::query::<sqlx::Postgres>(sqlx::AssertSqlSafe(sql)).persistent(false);
        let rows = query.fetch_all(connection).await?;
        read_rows::<sqlx::Postgres>(self.table, &rows)
    }
}

fn read_rows<'r, D>(table: &Table, rows: &'r [D::Row]) -> Result<Vec<Row>, StoreError>
where
    D: sqlx::Database,
    usize: sqlx::ColumnIndex<D::Row>,
    Option<String>: sqlx::Decode<'r, D> + sqlx::Type<D>,
    Option<i64>: sqlx::Decode<'r, D> + sqlx::Type<D>,
    Option<bool>: sqlx::Decode<'r, D> + sqlx::Type<D>,
{
    use sqlx::Row as _;
    let read = |row: &'r D::Row| {
        let cell = |(at, (_, kind)): (usize, &(String, Kind))| {
            Ok::<_, StoreError>(match kind {
                Kind::Text => row.try_get::<Option<String>, _>(at)?.map_or(Cell::Null, Cell::Text),
                Kind::Integer => row.try_get::<Option<i64>, _>(at)?.map_or(Cell::Null, Cell::Integer),
                Kind::Boolean => row.try_get::<Option<bool>, _>(at)?.map_or(Cell::Null, Cell::Boolean),
            })
        };
        table.columns.iter().enumerate().map(cell).collect()
    };
    rows.iter().map(read).collect()
}

/// Puts rows into a table as they were read.
///
/// # Errors
/// [`StoreError`]; of kind `Schema` when a row does not have the columns of its table.
pub async fn insert(tx: &mut Write, table: &Table, rows: &[Row]) -> Result<(), StoreError> {
    check_names(table)?;
    let fits = |(cell, (_, kind)): (&Cell, &(String, Kind))| match cell {
        Cell::Null => true,
        Cell::Text(_) => *kind == Kind::Text,
        Cell::Integer(_) => *kind == Kind::Integer,
        Cell::Boolean(_) => *kind == Kind::Boolean,
    };
    let is_whole = |row: &Row| row.len() == table.columns.len() && row.iter().zip(&table.columns).all(fits);
    if !rows.iter().all(is_whole) {
        return Err(StoreError::Schema(format!(
            "a row of the table {} does not have its columns",
            table.name
        )));
    }
    let rows = &storable::rows(tx.backend(), table, rows);
    if table.name == "usage_lines" && table.columns.iter().any(|(name, _)| name == "region") {
        // Of a schema from before there were partitions, the migration makes them.
        let uid = |row: &'_ Row| match row.first() {
            Some(Cell::Text(uid)) => Some(uid.clone()),
            _ => None,
        };
        let uids: Vec<_> = rows.iter().filter_map(uid).collect();
        usage_partition::make_for(tx, uids.iter().map(String::as_str)).await?;
    }
    let before = format!("INSERT INTO {} ({}) VALUES", table.name, columns(table));
    let places = if tx.backend() == Backend::Sqlite { Places::Nameless } else { Places::Numbered };
    let texts = texts_of_rows(places, &before, table.columns.len(), "");
    let mut rest: &[Row] = rows;
    for (size, text) in CHUNKS.iter().zip(texts) {
        while rest.len() >= *size {
            let (chunk, behind) = rest.split_at(*size);
            rest = behind;
            macro_rules! send {
                ($database:ty, $connection:expr) => {{
                    let mut query =
                        sqlx::query::<$database>(sqlx::AssertSqlSafe(text.as_str())).persistent(false);
                    for (cell, (_, kind)) in chunk.iter().flat_map(|row| row.iter().zip(&table.columns)) {
                        query = match (cell, kind) {
                            (Cell::Text(text), _) => query.bind(text),
                            (Cell::Integer(number), _) => query.bind(*number),
                            (Cell::Boolean(boolean), _) => query.bind(*boolean),
                            (Cell::Null, Kind::Text) => query.bind(None::<String>),
                            (Cell::Null, Kind::Integer) => query.bind(None::<i64>),
                            (Cell::Null, Kind::Boolean) => query.bind(None::<bool>),
                        };
                    }
                    query.execute($connection).await.map(|_| ())
                }};
            }
            match tx.connection() {
                Connection::Sqlite(connection) => send!(sqlx::Sqlite, connection),
                Connection::Postgres(connection) => send!(sqlx::Postgres, connection),
            }?;
        }
    }
    Ok(())
}

/// Tells whether a table has no row.
///
/// # Errors
/// [`StoreError`].
pub async fn is_empty(session: &mut Session, table: &Table) -> Result<bool, StoreError> {
    check_names(table)?;
    let sql = format!("SELECT CAST(1 AS BIGINT) FROM {} LIMIT 1", table.name);
    Ok(fetch_optional!(session, (i64,), sqlx::AssertSqlSafe(sql.as_str()))?.is_none())
}

/// Takes every row out of a table.
///
/// # Errors
/// [`StoreError`].
pub async fn clear(tx: &mut Write, table: &Table) -> Result<(), StoreError> {
    check_names(table)?;
    let sql = format!("DELETE FROM {}", table.name);
    execute!(tx, sqlx::AssertSqlSafe(sql.as_str())).map(|_| ())
}

/// The highest number that a table that counts up has ever given out: a deleted row's number is not given out again.
///
/// # Errors
/// [`StoreError`].
pub async fn last_number(session: &mut Session, table: &Table) -> Result<i64, StoreError> {
    check_names(table)?;
    let column = &table.columns[0].0;
    let name = &table.name;
    let highest = format!("SELECT CAST(COALESCE(MAX({column}), 0) AS BIGINT) FROM {name}");
    let counted = match session.backend() {
        Backend::Sqlite => {
            format!("SELECT CAST(COALESCE(MAX(seq), 0) AS BIGINT) FROM sqlite_sequence WHERE name = '{name}'")
        }
        Backend::Postgres => {
            format!(
                "SELECT COALESCE(pg_sequence_last_value(pg_get_serial_sequence('{name}', '{column}')), 0)"
            )
        }
    };
    let mut last = 0;
    for sql in [highest, counted] {
        let row = fetch_optional!(session, (i64,), sqlx::AssertSqlSafe(sql.as_str()))?;
        last = last.max(row.map_or(0, |(number,)| number));
    }
    Ok(last)
}

/// Has a table that counts up go on behind this number.
///
/// # Errors
/// [`StoreError`].
pub async fn count_from(tx: &mut Write, table: &Table, last: i64) -> Result<(), StoreError> {
    check_names(table)?;
    if last < 1 {
        return Ok(());
    }
    let (name, column) = (&table.name, &table.columns[0].0);
    match tx.backend() {
        Backend::Sqlite => {
            execute!(tx, "DELETE FROM sqlite_sequence WHERE name = $1", name)?;
            execute!(tx, "INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)", name, last)?;
        }
        Backend::Postgres => {
            let sql = format!("SELECT setval(pg_get_serial_sequence('{name}', '{column}'), {last})");
            fetch_all!(tx, (i64,), sqlx::AssertSqlSafe(sql.as_str()))?;
        }
    }
    Ok(())
}
