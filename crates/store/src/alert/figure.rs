//! Figures that rules look at: what limits refused, what subjects spent by the hour, and where limits stood.

use strongroom_model::{Millis, Uid};

use crate::dispatch::{fetch_all, fetch_optional};
use crate::error::StoreError;
use crate::session::Session;
use crate::sum::total;
use crate::usage_figures::Figures;

/// What a limit refused in five minutes.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Denials {
    /// Which limit.
    pub limit_uid: String,
    /// The first instant of the five minutes.
    pub slot_start_ms: i64,
    /// How often, by all servers.
    pub refused: i64,
}

/// What limits refused, by five minutes that begin at an instant or later.
///
/// # Errors
/// [`StoreError`].
pub async fn denials(session: &mut Session, from: Millis) -> Result<Vec<Denials>, StoreError> {
    const SQL: &str = concat!(
        "SELECT limit_uid, slot_start_ms, ",
        total!("refused"),
        " AS refused FROM limit_refusals WHERE slot_start_ms >= $1 GROUP BY limit_uid, slot_start_ms \
         ORDER BY limit_uid, slot_start_ms"
    );
    fetch_all!(session, Denials, SQL, from.0)
}

/// The limits that have moved since an instant.
///
/// # Errors
/// [`StoreError`].
pub async fn moved_limits(session: &mut Session, from: Millis) -> Result<Vec<String>, StoreError> {
    const SQL: &str = "SELECT DISTINCT limit_uid FROM limit_samples WHERE at_ms >= $1 ORDER BY limit_uid";
    let rows = fetch_all!(session, (String,), SQL, from.0)?;
    Ok(rows.into_iter().map(|(uid,)| uid).collect())
}

/// What was used of a limit at an instant, in the window that begins then: nothing where no sample says otherwise. `None` when nobody
/// took samples yet.
///
/// # Errors
/// [`StoreError`].
pub async fn used_at(
    session: &mut Session,
    limit: Uid,
    window_start: Millis,
    at: Millis,
) -> Result<Option<i64>, StoreError> {
    const SQL: &str = "SELECT settled + adjusted FROM limit_samples WHERE limit_uid = $1 AND window_start_ms = $2 \
                       AND at_ms <= $3 ORDER BY at_ms DESC LIMIT 1";
    const SINCE: &str = "SELECT MIN(at_ms) FROM limit_samples";
    if at < window_start {
        return Ok(Some(0));
    }
    if let Some((used,)) = fetch_optional!(session, (i64,), SQL, limit.to_string(), window_start.0, at.0)? {
        return Ok(Some(used));
    }
    let since = fetch_optional!(session, (Option<i64>,), SINCE)?.and_then(|(since,)| since);
    Ok(since.filter(|since| *since <= at.0).map(|_| 0))
}

/// Figures of an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct HourOfSubject {
    /// The first instant of the hour.
    pub hour_start_ms: i64,
    /// The figures.
    #[sqlx(flatten)]
    pub figures: Figures,
}

/// What a subject used by the hour since an instant, in the order of time.
///
/// # Errors
/// [`StoreError`].
pub async fn hours_of_subject(
    session: &mut Session,
    dim: &str,
    subject: &str,
    from: Millis,
) -> Result<Vec<HourOfSubject>, StoreError> {
    const SQL: &str = concat!(
        "SELECT hour_start_ms, ",
        total!("requests"),
        " AS requests, ",
        total!("client_requests"),
        " AS client_requests, ",
        total!("errors_client"),
        " AS errors_client, ",
        total!("errors_provider"),
        " AS errors_provider, ",
        total!("input_tokens"),
        " AS input_tokens, ",
        total!("cached_input_tokens"),
        " AS cached_input_tokens, ",
        total!("cache_write_tokens"),
        " AS cache_write_tokens, ",
        total!("output_tokens"),
        " AS output_tokens, ",
        total!("reasoning_tokens"),
        " AS reasoning_tokens, ",
        total!("cost_nano_usd"),
        " AS cost_nano_usd, ",
        total!("unpriced"),
        " AS unpriced, ",
        total!("first_byte_ms_sum"),
        " AS first_byte_ms_sum, ",
        total!("first_byte_count"),
        " AS first_byte_count, ",
        total!("total_ms_sum"),
        " AS total_ms_sum, ",
        total!("total_count"),
        " AS total_count FROM usage_subject_hours WHERE dim = $1 AND subject = $2 AND hour_start_ms >= $3 \
         GROUP BY hour_start_ms ORDER BY hour_start_ms"
    );
    fetch_all!(session, HourOfSubject, SQL, dim, subject, from.0)
}

/// The subjects of a kind that spent so much or more in the hour that begins then, and how much.
///
/// # Errors
/// [`StoreError`].
pub async fn spenders(
    session: &mut Session,
    dim: &str,
    hour: Millis,
    least_nano_usd: i64,
) -> Result<Vec<(String, i64)>, StoreError> {
    const SQL: &str = concat!(
        "SELECT * FROM (SELECT subject, ",
        total!("cost_nano_usd"),
        " AS spent FROM usage_subject_hours WHERE dim = $1 AND hour_start_ms = $2 AND subject <> '' GROUP BY subject) s \
         WHERE s.spent >= $3 ORDER BY s.subject"
    );
    fetch_all!(session, (String, i64), SQL, dim, hour.0, least_nano_usd)
}

/// The subjects of a kind that spent so much or more in any hour since an instant.
///
/// # Errors
/// [`StoreError`].
pub async fn subjects_that_spent(
    session: &mut Session,
    dim: &str,
    from: Millis,
    least_nano_usd: i64,
) -> Result<Vec<String>, StoreError> {
    const SQL: &str = "SELECT DISTINCT subject FROM usage_subject_hours WHERE dim = $1 AND hour_start_ms >= $2 \
                       AND subject <> '' AND cost_nano_usd >= $3 ORDER BY subject LIMIT 10000";
    let rows = fetch_all!(session, (String,), SQL, dim, from.0, least_nano_usd)?;
    Ok(rows.into_iter().map(|(subject,)| subject).collect())
}

/// Where a limit stood at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct UseSample {
    /// The beginning of the window.
    pub window_start_ms: i64,
    /// The instant.
    pub at_ms: i64,
    /// What counted against the limit.
    pub used: i64,
}

/// Where a limit stood since an instant, in the order of time.
///
/// # Errors
/// [`StoreError`].
pub async fn samples(session: &mut Session, limit: Uid, from: Millis) -> Result<Vec<UseSample>, StoreError> {
    const SQL: &str = "SELECT window_start_ms, at_ms, settled + adjusted AS used FROM limit_samples \
                       WHERE limit_uid = $1 AND at_ms >= $2 ORDER BY at_ms, window_start_ms LIMIT 100000";
    fetch_all!(session, UseSample, SQL, limit.to_string(), from.0)
}

/// The first day on which a subject used anything.
///
/// # Errors
/// [`StoreError`].
pub async fn first_day(
    session: &mut Session,
    dim: &str,
    subject: &str,
) -> Result<Option<Millis>, StoreError> {
    const SQL: &str = "SELECT MIN(day_start_ms) FROM usage_subject_days WHERE dim = $1 AND subject = $2";
    let row = fetch_optional!(session, (Option<i64>,), SQL, dim, subject)?;
    Ok(row.and_then(|(day,)| day).map(Millis))
}

/// What servers know against the version of a credential that is in use.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Unhealthy {
    /// The credential.
    pub credential_uid: String,
    /// The meaning of the provider's answer, such as `bad_key`.
    pub state: String,
    /// How many servers say so.
    pub nodes: i64,
}

/// What servers know against keys in use.
///
/// # Errors
/// [`StoreError`].
pub async fn unhealthy(session: &mut Session) -> Result<Vec<Unhealthy>, StoreError> {
    const SQL: &str = "SELECT h.credential_uid, h.state, CAST(COUNT(*) AS BIGINT) AS nodes FROM credential_health h \
        JOIN api_credentials c ON c.uid = h.credential_uid AND c.version_uid = h.version_uid \
        WHERE c.deleted_at_ms IS NULL AND c.is_active GROUP BY h.credential_uid, h.state ORDER BY 1, 2";
    fetch_all!(session, Unhealthy, SQL)
}

/// The providers of active credentials, and whether one of these can serve: is not frozen or expired, and no server knows that its key
/// is refused or its account empty.
///
/// # Errors
/// [`StoreError`].
pub async fn providers(session: &mut Session, now: Millis) -> Result<Vec<(String, bool)>, StoreError> {
    const SQL: &str = "SELECT c.provider, CAST(MAX(CASE WHEN c.frozen_at_ms IS NULL \
        AND (c.expires_at_ms IS NULL OR c.expires_at_ms > $1) AND NOT EXISTS (SELECT 1 FROM credential_health h \
        WHERE h.credential_uid = c.uid AND h.version_uid = c.version_uid AND h.state IN ('bad_key', 'empty_account')) \
        THEN 1 ELSE 0 END) AS BIGINT) FROM api_credentials c \
        WHERE c.deleted_at_ms IS NULL AND c.is_active GROUP BY c.provider ORDER BY c.provider";
    let rows = fetch_all!(session, (String, i64), SQL, now.0)?;
    Ok(rows.into_iter().map(|(provider, can_serve)| (provider, can_serve == 1)).collect())
}
