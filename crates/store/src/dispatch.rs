//! One SQL text, two drivers: the macros that send it to whichever is open.

/// Where a statement goes.
pub(crate) enum Connection<'a> {
    Sqlite(&'a mut sqlx::SqliteConnection),
    Postgres(&'a mut sqlx::PgConnection),
}

/// All rows, as `$row`.
macro_rules! fetch_all {
    ($session:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        match $session.connection() {
            $crate::dispatch::Connection::Sqlite(c) => {
                sqlx::query_as::<sqlx::Sqlite, $row>($sql)$(.bind($bind))*.fetch_all(c).await
            }
            $crate::dispatch::Connection::Postgres(c) => {
                sqlx::query_as::<sqlx::Postgres, $row>($sql)$(.bind($bind))*.fetch_all(c).await
            }
        }
        .map_err($crate::StoreError::from)
    };
}

/// The row, when there is one, as `$row`.
macro_rules! fetch_optional {
    ($session:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        match $session.connection() {
            $crate::dispatch::Connection::Sqlite(c) => {
                sqlx::query_as::<sqlx::Sqlite, $row>($sql)$(.bind($bind))*.fetch_optional(c).await
            }
            $crate::dispatch::Connection::Postgres(c) => {
                sqlx::query_as::<sqlx::Postgres, $row>($sql)$(.bind($bind))*.fetch_optional(c).await
            }
        }
        .map_err($crate::StoreError::from)
    };
}

/// The number of rows that were changed.
macro_rules! execute {
    ($session:expr, $sql:expr $(, $bind:expr)* $(,)?) => {
        match $session.connection() {
            $crate::dispatch::Connection::Sqlite(c) => {
                sqlx::query::<sqlx::Sqlite>($sql)$(.bind($bind))*.execute(c).await.map(|done| done.rows_affected())
            }
            $crate::dispatch::Connection::Postgres(c) => {
                sqlx::query::<sqlx::Postgres>($sql)$(.bind($bind))*.execute(c).await.map(|done| done.rows_affected())
            }
        }
        .map_err($crate::StoreError::from)
    };
}

pub(crate) use {execute, fetch_all, fetch_optional};
