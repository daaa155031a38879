//! What the database can answer instead of rows.

use strongroom_model::{Problem, ProblemKind};

/// A failure of the database, or of what stands in it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, or did not answer in time.
    #[error("the database cannot be reached")]
    Unavailable(#[source] sqlx::Error),
    /// A name or key is taken.
    #[error("a unique name or key is taken")]
    Taken(#[source] sqlx::Error),
    /// A row refers to something that does not exist.
    #[error("a row refers to something that does not exist")]
    Dangling(#[source] sqlx::Error),
    /// The database cannot be written to.
    #[error("the database cannot be written to: the disk is full, or the file or the role is read-only")]
    NotWritable(#[source] sqlx::Error),
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
            sqlx::Error::Database(database) => {
                let code = database.code().unwrap_or_default().into_owned();
                match database.kind() {
                    ErrorKind::UniqueViolation => Self::Taken(error),
                    ErrorKind::ForeignKeyViolation => Self::Dangling(error),
                    _ if is_not_writable(&code) => Self::NotWritable(error),
                    _ if is_unreachable(&code) => Self::Unavailable(error),
                    _ => Self::Statement(error),
                }
            }
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable(error),
            _ => Self::Statement(error),
        }
    }
}

/// SQLite: READONLY (8) and its kinds, FULL (13), IOERR on write and fsync. PostgreSQL: read-only transaction,
/// insufficient privilege, disk full. <https://www.sqlite.org/rescode.html>,
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
fn is_not_writable(code: &str) -> bool {
    ["8", "264", "520", "776", "1032", "1288", "1544", "13", "778", "1034", "25006", "42501", "53100"].contains(&code)
}

/// SQLite: BUSY and LOCKED and their kinds, CANTOPEN. PostgreSQL: classes 08 (connection), 53 (resources) and
/// 57P (operator intervention).
fn is_unreachable(code: &str) -> bool {
    ["5", "6", "14", "261", "517", "773"].contains(&code)
        || code.starts_with("08")
        || code.starts_with("53")
        || code.starts_with("57P")
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let (kind, message) = match &error {
            StoreError::Unavailable(_) => {
                (ProblemKind::Unavailable, "the database cannot be reached just now; try again".to_owned())
            }
            StoreError::NotWritable(_) => (ProblemKind::Unavailable, error.to_string()),
            StoreError::Taken(_) => (ProblemKind::Conflict, "something of that name is already there".to_owned()),
            StoreError::Dangling(_) => {
                (ProblemKind::Conflict, "something that this refers to does not exist, or is still in use".to_owned())
            }
            StoreError::Url(message) | StoreError::Schema(message) => (ProblemKind::Internal, message.clone()),
            StoreError::Corrupt { .. } => (ProblemKind::Integrity, error.to_string()),
            StoreError::Statement(_) => (ProblemKind::Internal, "the database refused a statement".to_owned()),
        };
        Self::new(kind, message).caused_by(error)
    }
}
