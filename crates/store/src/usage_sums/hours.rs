//! Hours of subjects: credentials, tokens or users, the largest of them, and the hours of some.

use strongroom_model::Millis;

use super::Dim;
use super::ranking::{Order, Ranked};
use crate::dynamic::Statement;
use crate::error::StoreError;
use crate::session::Session;
use crate::usage_figures::{COLUMNS, Figures, totals};

/// A kind of subject whose hours are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// By the identity of the credential; empty for keys of the environment.
    Credential,
    /// By the public id of the token. What others than tokens did is of none.
    Token,
    /// By the number of the user; empty where there is none.
    User,
}

impl Subject {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Credential => "credential",
            Self::Token => "token",
            Self::User => "user",
        }
    }
}

/// Sums of an hour.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct HourOfSubject {
    /// The first instant of the hour.
    pub hour_start_ms: i64,
    /// The subject; empty where all are one.
    pub subject: String,
    /// The sums.
    #[sqlx(flatten)]
    pub figures: Figures,
}

/// The hours that begin within `[from, to)`.
pub type Hours = (Millis, Millis);

fn put_range(sql: &mut Statement, subject: Subject, (from, to): Hours) {
    sql.push(" FROM usage_subject_hours WHERE dim = ").bind(subject.as_str());
    sql.push(" AND hour_start_ms >= ").bind(from.0).push(" AND hour_start_ms < ").bind(to.0);
}

fn put_keys(sql: &mut Statement, keys: &[String]) {
    sql.push(" AND subject IN (");
    for (place, key) in keys.iter().enumerate() {
        if place > 0 {
            sql.push(", ");
        }
        sql.bind(key.as_str());
    }
    sql.push(")");
}

/// The largest subjects, at most so many; with `keys`, of these alone.
///
/// # Errors
/// [`StoreError`].
pub async fn largest(
    session: &mut Session,
    subject: Subject,
    hours: Hours,
    keys: Option<&[String]>,
    order: Order,
    count: usize,
) -> Result<Vec<Ranked>, StoreError> {
    if keys.is_some_and(<[String]>::is_empty) {
        return Ok(Vec::new());
    }
    let name = match subject {
        Subject::Credential => Dim::Credential.shown("x.k"),
        Subject::Token | Subject::User => "x.k".to_owned(),
    };
    let mut sql =
        Statement::new(format!("SELECT x.k AS group_key, {name} AS name, x.* FROM (SELECT y.* FROM ("));
    sql.push("SELECT subject AS k, ").push(&totals(&COLUMNS));
    put_range(&mut sql, subject, hours);
    if let Some(keys) = keys {
        put_keys(&mut sql, keys);
    }
    let by = order.expression();
    sql.push(" GROUP BY subject) y ORDER BY ").push(by).push(" DESC, requests DESC, k LIMIT ");
    sql.bind(i64::try_from(count).unwrap_or(i64::MAX)).push(") x");
    sql.push(" ORDER BY ").push(by).push(" DESC, requests DESC, x.k");
    sql.fetch_all(session).await
}

/// The hours of some subjects, in the order of time.
///
/// # Errors
/// [`StoreError`].
pub async fn of_some(
    session: &mut Session,
    subject: Subject,
    hours: Hours,
    keys: &[String],
) -> Result<Vec<HourOfSubject>, StoreError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Statement::new("SELECT hour_start_ms, subject, ");
    sql.push(&totals(&COLUMNS));
    put_range(&mut sql, subject, hours);
    put_keys(&mut sql, keys);
    sql.push(" GROUP BY hour_start_ms, subject ORDER BY hour_start_ms, subject");
    sql.fetch_all(session).await
}

/// The hours of everything together: a use has one credential, or a key of the environment.
///
/// # Errors
/// [`StoreError`].
pub async fn of_all(session: &mut Session, hours: Hours) -> Result<Vec<HourOfSubject>, StoreError> {
    let mut sql = Statement::new("SELECT hour_start_ms, '' AS subject, ");
    sql.push(&totals(&COLUMNS));
    put_range(&mut sql, Subject::Credential, hours);
    sql.push(" GROUP BY hour_start_ms ORDER BY hour_start_ms");
    sql.fetch_all(session).await
}
