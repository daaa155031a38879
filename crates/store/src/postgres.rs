//! How PostgreSQL is connected to: directly, or through a pooler that gives each transaction whichever of its connections is
//! free (`PgBouncer`: <https://www.pgbouncer.org/features.html>).

use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;
use sqlx::{PgPool, Postgres, SqlSafeStr, Transaction};

use crate::error::StoreError;

/// A node that froze or lost its network in a transaction holds locks that every other node waits for: the server ends
/// such a transaction, and those who wait get an answer. <https://www.postgresql.org/docs/current/runtime-config-client.html>
const BOUNDS: [(&str, &str); 3] =
    [("lock_timeout", "10s"), ("statement_timeout", "60s"), ("idle_in_transaction_session_timeout", "10s")];

/// Names of the bounds where they hold for one transaction: those of [`BOUNDS`].
macro_rules! bounded {
    ($begin:literal) => {
        concat!(
            $begin,
            "; SET LOCAL lock_timeout = '10s'; SET LOCAL statement_timeout = '60s'; \
             SET LOCAL idle_in_transaction_session_timeout = '10s'"
        )
    };
}

/// The parameter of a URL by which Prisma and others say that the server is a pooler.
const POOLER: &str = "pgbouncer=true";

/// A server, and whether a pooler stands before it.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub(crate) options: PgConnectOptions,
    /// Connections change hands between transactions: nothing is set for a connection, no statement has a name, and what is
    /// read is read in a transaction as well.
    pub(crate) is_pooled: bool,
}

/// Purpose of a transaction.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Begin {
    /// To change something.
    Write,
    /// To read what others commit meanwhile.
    Read,
    /// To read the database as it is now.
    Snapshot,
}

/// A URL as the driver knows it, and whether it says that the server is a pooler.
pub(crate) fn without_pooler(url: &str) -> (String, bool) {
    let (plain, query) = url.split_once('?').unwrap_or((url, ""));
    let is_pooled = query.split('&').any(|parameter| parameter == POOLER);
    let rest: Vec<_> =
        query.split('&').filter(|it| !it.is_empty() && !it.starts_with("pgbouncer=")).collect();
    let url = if rest.is_empty() { plain.to_owned() } else { format!("{plain}?{}", rest.join("&")) };
    (url, is_pooled)
}

impl Server {
    /// The server of a URL.
    pub(crate) fn of_url(url: &str) -> Result<Self, StoreError> {
        let (url, is_pooled) = without_pooler(url);
        // The driver's own message may repeat the URL and with it the password.
        let options = PgConnectOptions::from_str(&url).map_err(|_| {
            StoreError::Url(
                "the PostgreSQL URL must have the form postgres://USER:PASSWORD@HOST:PORT/DATABASE, \
                 with special characters in the password percent-encoded"
                    .to_owned(),
            )
        })?;
        let options = options.application_name("strongroom");
        let options = if is_pooled {
            options.extra_float_digits(None).statement_cache_capacity(0)
        } else {
            options.options(BOUNDS)
        };
        Ok(Self { options, is_pooled })
    }
}

/// Begins a transaction, whose caller may go away meanwhile. The driver believes in one that the server has confirmed: were
/// the wait for that given up, the connection would go to whoever is next with a transaction open that nobody ends. So a
/// task waits, which nobody gives up.
#[expect(
    clippy::disallowed_methods,
    reason = "that it outlives its caller is what it is for; what it brings is awaited"
)]
pub(crate) async fn begin(
    pool: &PgPool,
    is_pooled: bool,
    what: Begin,
) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let statement = match (what, is_pooled) {
        (Begin::Write, false) => None,
        (Begin::Read, false) => Some("BEGIN READ ONLY"),
        (Begin::Snapshot, false) => Some("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"),
        (Begin::Write, true) => Some(bounded!("BEGIN")),
        (Begin::Read, true) => Some(bounded!("BEGIN READ ONLY")),
        (Begin::Snapshot, true) => Some(bounded!("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")),
    };
    let connection = pool.acquire().await?;
    let begun = tokio::spawn(Transaction::begin(connection, statement.map(SqlSafeStr::into_sql_str)));
    begun.await.map_err(|_| sqlx::Error::WorkerCrashed)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_of_a_transaction_are_those_of_a_connection() {
        let local: Vec<_> = bounded!("BEGIN").split("; SET LOCAL ").skip(1).collect();
        let expected: Vec<_> = BOUNDS.iter().map(|(name, value)| format!("{name} = '{value}'")).collect();
        assert_eq!(local, expected);
    }

    #[test]
    fn a_pooler_is_told_by_its_parameter_and_gets_no_settings() {
        for (url, is_pooled) in [
            ("postgres://u@h/d", false),
            ("postgres://u@h/d?sslmode=require", false),
            ("postgres://u@h/d?pgbouncer=false", false),
            ("postgres://u@h/d?pgbouncer=true", true),
            ("postgres://u@h/d?sslmode=require&pgbouncer=true&application_name=x", true),
        ] {
            let server = Server::of_url(url).unwrap();
            assert_eq!(
                (server.is_pooled, server.options.get_options().is_none()),
                (is_pooled, is_pooled),
                "{url}"
            );
            assert_eq!(server.options.get_database(), Some("d"));
        }
    }
}
