//! One SQL text, two drivers: the macros that send it to whichever is open.

/// Where a statement goes.
pub(crate) enum Connection<'a> {
    Sqlite(&'a mut sqlx::SqliteConnection),
    Postgres(&'a mut sqlx::PgConnection),
}

/// All rows, as `$row`.
macro_rules! fetch_all {
    ($session:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        $crate::dispatch::fetch!(fetch_all, $session, $row, $sql $(, $bind)*)
    };
}

/// The row, when there is one, as `$row`.
macro_rules! fetch_optional {
    ($session:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        $crate::dispatch::fetch!(fetch_optional, $session, $row, $sql $(, $bind)*)
    };
}

/// Rows as `$row`, by this method of the driver.
macro_rules! fetch {
    ($method:ident, $session:expr, $row:ty, $sql:expr $(, $bind:expr)*) => {
        {
            let has_names = $session.has_names();
            match $session.connection() {
                $crate::dispatch::Connection::Sqlite(c) => {
                    sqlx::query_as::<sqlx::Sqlite, $row>($sql)$(.bind($bind))*.$method(c).await
                }
                $crate::dispatch::Connection::Postgres(c) => {
                    let query = sqlx::query_as::<sqlx::Postgres, $row>($sql).persistent(has_names);
                    query$(.bind($bind))*.$method(c).await
                }
            }
            .map_err($crate::StoreError::from)
        }
    };
}

/// The number of rows that were changed.
macro_rules! execute {
    ($session:expr, $sql:expr $(, $bind:expr)* $(,)?) => {
        {
            let has_names = $session.has_names();
            match $session.connection() {
                $crate::dispatch::Connection::Sqlite(c) => {
                    sqlx::query::<sqlx::Sqlite>($sql)$(.bind($bind))*.execute(c).await.map(|done| done.rows_affected())
                }
                $crate::dispatch::Connection::Postgres(c) => {
                    let query = sqlx::query::<sqlx::Postgres>($sql).persistent(has_names);
                    query$(.bind($bind))*.execute(c).await.map(|done| done.rows_affected())
                }
            }
            .map_err($crate::StoreError::from)
        }
    };
}

/// Rows per statement, the most first: few enough texts that all of them stay prepared, and close enough to each other that
/// a handful of rows is one statement or two.
pub(crate) const CHUNKS: [usize; 12] = [64, 48, 32, 24, 16, 12, 8, 6, 4, 3, 2, 1];

/// How places for values are written: PostgreSQL numbers them. For SQLite they have no names, for the driver looks every
/// name up, and SQLite keeps them in a list: a thousand of them would cost a million steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Places {
    Numbered,
    Nameless,
}

/// `before ($1, $2), ($3, $4) after` for each size of [`CHUNKS`].
pub(crate) fn texts_of_rows(places: Places, before: &str, columns: usize, after: &str) -> Vec<String> {
    let text = |rows: usize| {
        let mut text = String::from(before);
        for row in 0..rows {
            text.push_str(if row == 0 { " (" } else { ", (" });
            for column in 1..=columns {
                let comma = if column == 1 { "" } else { ", " };
                match places {
                    Places::Numbered => text.push_str(&format!("{comma}${}", row * columns + column)),
                    Places::Nameless => text.push_str(&format!("{comma}?")),
                }
            }
            text.push(')');
        }
        text.push(' ');
        text.push_str(after);
        text
    };
    CHUNKS.iter().map(|rows| text(*rows)).collect()
}

/// Sends rows as few statements: `$before VALUES (…), (…) $after`. `$row` stands for a row in the values to bind.
macro_rules! execute_rows {
    ($session:expr, $columns:literal, $before:literal, $after:expr, $rows:expr, |$row:ident| $($bind:expr),+ $(,)?) => {
        async {
            static NUMBERED: std::sync::OnceLock<Vec<String>> = std::sync::OnceLock::new();
            static NAMELESS: std::sync::OnceLock<Vec<String>> = std::sync::OnceLock::new();
            let (texts, places) = match $session.connection() {
                $crate::dispatch::Connection::Sqlite(_) => (&NAMELESS, $crate::dispatch::Places::Nameless),
                $crate::dispatch::Connection::Postgres(_) => (&NUMBERED, $crate::dispatch::Places::Numbered),
            };
            let texts = texts.get_or_init(|| {
                $crate::dispatch::texts_of_rows(places, concat!($before, " VALUES"), $columns, $after)
            });
            let has_names = $session.has_names();
            let mut rest: &[_] = $rows;
            let mut changed = 0;
            for (size, text) in $crate::dispatch::CHUNKS.iter().zip(texts) {
                while rest.len() >= *size {
                    let (chunk, behind) = rest.split_at(*size);
                    rest = behind;
                    changed += match $session.connection() {
                        $crate::dispatch::Connection::Sqlite(c) => {
                            let mut query = sqlx::query::<sqlx::Sqlite>(text.as_str());
                            for $row in chunk {
                                query = query$(.bind($bind))+;
                            }
                            query.execute(c).await.map(|done| done.rows_affected())
                        }
                        $crate::dispatch::Connection::Postgres(c) => {
                            let mut query = sqlx::query::<sqlx::Postgres>(text.as_str()).persistent(has_names);
                            for $row in chunk {
                                query = query$(.bind($bind))+;
                            }
                            query.execute(c).await.map(|done| done.rows_affected())
                        }
                    }
                    .map_err($crate::StoreError::from)?;
                }
            }
            Ok::<u64, $crate::StoreError>(changed)
        }
        .await
    };
}

pub(crate) use {execute, execute_rows, fetch, fetch_all, fetch_optional};
