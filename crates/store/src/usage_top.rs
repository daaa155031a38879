//! The dearest subjects of the last day, week and thirty days: made by a job, so that a page need not sum up everybody.

use strongroom_model::Millis;

use crate::dispatch::{execute, execute_rows, fetch_all};
use crate::error::StoreError;
use crate::session::{Session, Write};
use crate::sum::total;

/// Subjects of each kind and period.
pub const COUNT: i64 = 50;
const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;

/// A length of time that ends now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// 24 hours, to the hour.
    Day,
    /// Seven days, today among them.
    Week,
    /// Thirty days, today among them.
    Month,
}

impl Period {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    /// The name in the database and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
        }
    }
}

/// A subject and its place.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Top {
    /// From 1 on.
    pub place: i64,
    /// Which subject.
    pub subject: String,
    /// Requests of clients.
    pub client_requests: i64,
    /// What is known of its cost.
    pub cost_nano_usd: i64,
    /// When this was made.
    pub made_at_ms: i64,
}

macro_rules! ranked {
    ($table:literal, $start:literal) => {
        concat!(
            "SELECT CAST(0 AS BIGINT) AS place, subject, ",
            total!("client_requests"),
            " AS client_requests, ",
            total!("cost_nano_usd"),
            " AS cost_nano_usd, CAST($3 AS BIGINT) AS made_at_ms FROM ",
            $table,
            " WHERE dim = $1 AND ",
            $start,
            " >= $2 AND subject <> '' GROUP BY subject ORDER BY cost_nano_usd DESC, client_requests DESC, subject LIMIT $4"
        )
    };
}

/// Ranks the subjects of a kind.
///
/// # Errors
/// [`StoreError`].
pub async fn rank(
    session: &mut Session,
    period: Period,
    dim: &str,
    now: Millis,
) -> Result<Vec<Top>, StoreError> {
    let today = now.0 - now.0.rem_euclid(DAY_MS);
    let (sql, from) = match period {
        Period::Day => {
            let hour = now.0 - now.0.rem_euclid(HOUR_MS);
            (ranked!("usage_subject_hours", "hour_start_ms"), hour - 23 * HOUR_MS)
        }
        Period::Week => (ranked!("usage_subject_days", "day_start_ms"), today - 6 * DAY_MS),
        Period::Month => (ranked!("usage_subject_days", "day_start_ms"), today - 29 * DAY_MS),
    };
    let mut tops = fetch_all!(session, Top, sql, dim, from, now.0, COUNT)?;
    for (place, top) in (1..).zip(&mut tops) {
        top.place = place;
    }
    Ok(tops)
}

/// Writes a ranking in place of the one from before.
///
/// # Errors
/// [`StoreError`].
pub async fn replace(tx: &mut Write, period: Period, dim: &str, tops: &[Top]) -> Result<(), StoreError> {
    execute!(tx, "DELETE FROM usage_tops WHERE period = $1 AND dim = $2", period.as_str(), dim)?;
    execute_rows!(
        tx,
        7,
        "INSERT INTO usage_tops (period, dim, place, subject, client_requests, cost_nano_usd, made_at_ms)",
        "",
        tops,
        |top| period.as_str(),
        dim,
        top.place,
        top.subject.as_str(),
        top.client_requests,
        top.cost_nano_usd,
        top.made_at_ms
    )?;
    Ok(())
}

/// When a ranking was made last; `None` when none was.
///
/// # Errors
/// [`StoreError`].
pub async fn last_made(session: &mut Session) -> Result<Option<Millis>, StoreError> {
    let rows = fetch_all!(session, (Option<i64>,), "SELECT MAX(made_at_ms) FROM usage_tops")?;
    Ok(rows.first().and_then(|(at,)| *at).map(Millis))
}

/// The ranking as it was made last.
///
/// # Errors
/// [`StoreError`].
pub async fn list(session: &mut Session, period: Period, dim: &str) -> Result<Vec<Top>, StoreError> {
    const SQL: &str = "SELECT place, subject, client_requests, cost_nano_usd, made_at_ms FROM usage_tops \
                       WHERE period = $1 AND dim = $2 ORDER BY place";
    fetch_all!(session, Top, SQL, period.as_str(), dim)
}
