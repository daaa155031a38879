//! Errors of the database.

use sqlx::error::DatabaseError;
use sqlx::sqlite::SqliteError;
use strongroom_model::{Problem, ProblemKind};

/// A failure of the database, or of what stands in it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, or did not answer in time.
    #[error("the database cannot be reached")]
    Unavailable(#[source] sqlx::Error),
    /// Another transaction was in its way, and the database undid this one. It can be tried again as it is.
    #[error("the database rolled a transaction back after a deadlock or a serialization failure")]
    Undone(#[source] sqlx::Error),
    /// A name or key is taken.
    #[error("a unique name or key is taken")]
    Taken(#[source] sqlx::Error),
    /// A row refers to something that does not exist.
    #[error("a row refers to something that does not exist")]
    Dangling(#[source] sqlx::Error),
    /// The database cannot be written to.
    #[error(
        "the database cannot be written to: its disk is full or failing, or the file or the role is read-only"
    )]
    NotWritable(#[source] sqlx::Error),
    /// The file is no database any more.
    #[error("the database is damaged: its file was cut or overwritten; stop the server and restore a backup")]
    Damaged(#[source] sqlx::Error),
    /// It takes statements, but not these data: one that is out of range, too long, or of no form that it stores. Without them
    /// the same statement would do.
    #[error("the database refused the data of a statement")]
    Refused(#[source] sqlx::Error),
    /// Anything else that a statement can fail with.
    #[error("the database refused a statement")]
    Statement(#[source] sqlx::Error),
    /// The URL cannot be used.
    #[error("{0}")]
    Url(String),
    /// The schema does not fit this binary.
    #[error("{0}")]
    Schema(String),
    /// A column holds something that we never write.
    #[error("{table}.{column} of row {row} holds a value that strongroom does not write")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's key.
        row: String,
    },
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::error::ErrorKind;
        match &error {
            sqlx::Error::Database(database) => match database.kind() {
                ErrorKind::UniqueViolation => Self::Taken(error),
                ErrorKind::ForeignKeyViolation => Self::Dangling(error),
                _ if mend_of_access(database.as_ref()).is_some() => {
                    let mend = mend_of_access(database.as_ref()).unwrap_or_default();
                    Self::Url(format!("the database does not let us in: {}; {mend}", database.message()))
                }
                _ if is_not_writable(database.as_ref()) => Self::NotWritable(error),
                _ if is_undone(database.as_ref()) => Self::Undone(error),
                _ if is_unreachable(database.as_ref()) => Self::Unavailable(error),
                _ if is_damaged(database.as_ref()) => Self::Damaged(error),
                _ if is_of_data(database.as_ref()) => Self::Refused(error),
                _ => Self::Statement(error),
            },
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            // Half an answer of a server that went away, or of something in between.
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable(error),
            _ => Self::Statement(error),
        }
    }
}

/// PostgreSQL: what to do where it knows the user, the password or the database not, or the role may not do what has to be done.
fn mend_of_access(error: &dyn DatabaseError) -> Option<&'static str> {
    if sqlite_code(error).is_some() {
        return None;
    }
    match &*error.code()? {
        "28P01" | "28000" => {
            Some("check user and password in STRONGROOM_DATABASE_URL, and the server's pg_hba.conf")
        }
        "3D000" => {
            Some("make the database first (CREATE DATABASE), or name another one in STRONGROOM_DATABASE_URL")
        }
        "42501" if error.message().contains("schema") => Some(
            "the role may make no tables: run `strongroom migrate` as their owner, and serve with --no-migrate \
             (STRONGROOM_DATABASE_MIGRATE=false)",
        ),
        _ => None,
    }
}

/// The primary result code of SQLite, the lower byte of what the driver tells: <https://www.sqlite.org/rescode.html>.
pub(crate) fn sqlite_code(error: &dyn DatabaseError) -> Option<u32> {
    error.try_downcast_ref::<SqliteError>()?;
    error.code()?.parse::<u32>().ok().map(|code| code & 0xff)
}

/// SQLite: READONLY, IOERR, FULL. PostgreSQL: read-only transaction, insufficient privilege, disk full, and I/O error
/// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
fn is_not_writable(error: &dyn DatabaseError) -> bool {
    match sqlite_code(error) {
        Some(code) => [8, 10, 13].contains(&code),
        None => error.code().is_some_and(|code| ["25006", "42501", "53100", "58030"].contains(&&*code)),
    }
}

/// PostgreSQL: class 40 (deadlock, serialization).
fn is_undone(error: &dyn DatabaseError) -> bool {
    sqlite_code(error).is_none() && error.code().is_some_and(|code| code.starts_with("40"))
}

/// SQLite: BUSY, LOCKED, CANTOPEN, PROTOCOL. PostgreSQL: classes 08 (connection), 53 (resources), 57P (operator), 25P03
/// (idle too long), 55P03 (lock not had in time), 57014 (statement too long).
fn is_unreachable(error: &dyn DatabaseError) -> bool {
    match sqlite_code(error) {
        Some(code) => [5, 6, 14, 15].contains(&code),
        None => error.code().is_some_and(|code| {
            ["08", "53", "57P", "25P03", "55P03", "57014"].iter().any(|class| code.starts_with(class))
        }),
    }
}

/// SQLite: CORRUPT, NOTADB. PostgreSQL: class XX0, data or an index corrupted.
fn is_damaged(error: &dyn DatabaseError) -> bool {
    match sqlite_code(error) {
        Some(code) => [11, 26].contains(&code),
        None => error.code().is_some_and(|code| ["XX001", "XX002"].contains(&&*code)),
    }
}

/// SQLite: TOOBIG, MISMATCH, RANGE, the constraints CHECK, NOTNULL, TRIGGER and DATATYPE, and sums that overflow, which have
/// no code of their own. PostgreSQL: classes 22 (data) and 54 (beyond a limit of the program, such as a key that is too long
/// for its index), 23502 (NULL), 23514 (check), and P0001 (raised by a trigger).
fn is_of_data(error: &dyn DatabaseError) -> bool {
    match sqlite_code(error) {
        Some(code) => {
            let extended = error.code().and_then(|code| code.parse::<u32>().ok());
            [18, 20, 25].contains(&code)
                || extended.is_some_and(|code| [275, 1299, 1811, 3091].contains(&code))
                || (code == 1 && error.message().contains("integer overflow"))
        }
        None => error.code().is_some_and(|code| {
            code.starts_with("22") || code.starts_with("54") || ["23502", "23514", "P0001"].contains(&&*code)
        }),
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let (kind, message) = match &error {
            StoreError::Unavailable(_) => {
                (ProblemKind::Unavailable, "the database cannot be reached just now; try again".to_owned())
            }
            StoreError::NotWritable(_) => (ProblemKind::Unavailable, error.to_string()),
            StoreError::Undone(_) => (ProblemKind::Unavailable, format!("{error}; try again")),
            StoreError::Taken(_) => {
                (ProblemKind::Conflict, "something of that name is already there".to_owned())
            }
            StoreError::Dangling(_) => (
                ProblemKind::Conflict,
                "something that this refers to does not exist, or is still in use".to_owned(),
            ),
            // The message says it all.
            StoreError::Url(message) => return Self::new(ProblemKind::Invalid, message.clone()),
            StoreError::Schema(message) => return Self::new(ProblemKind::Internal, message.clone()),
            StoreError::Corrupt { .. } | StoreError::Damaged(_) => {
                (ProblemKind::Integrity, error.to_string())
            }
            StoreError::Statement(_) | StoreError::Refused(_) => (ProblemKind::Internal, error.to_string()),
        };
        Self::new(kind, message).caused_by(error)
    }
}
