//! What counted against limits day by day, from the sums that are kept for ever.

use strongroom_model::Millis;
use strongroom_model::limit::{LimitScope, Unit};

use crate::dispatch::fetch_all;
use crate::error::StoreError;
use crate::session::Session;
use crate::sum::total;

macro_rules! days {
    ($amount:literal, $whose:literal) => {
        concat!(
            "SELECT d.day_start_ms, ",
            total!($amount),
            " FROM usage_days d JOIN usage_dims m ON m.uid = d.dims_uid WHERE d.day_start_ms >= $1 AND m.kind <> 'late' AND ",
            $whose,
            " = $2 GROUP BY d.day_start_ms ORDER BY d.day_start_ms"
        )
    };
}

/// Sums of what a scope used in each day from one on that has any.
///
/// # Errors
/// [`StoreError`].
pub async fn day_sums(
    session: &mut Session,
    scope: &LimitScope,
    unit: Unit,
    from: Millis,
) -> Result<Vec<(Millis, i64)>, StoreError> {
    let sql = match (scope, unit) {
        (LimitScope::Credential(_), Unit::Requests) => days!("d.requests", "m.credential_uid"),
        (LimitScope::Credential(_), Unit::Tokens) => days!("d.charged_tokens", "m.credential_uid"),
        (LimitScope::Credential(_), Unit::NanoUsd) => days!("d.charged_nano_usd", "m.credential_uid"),
        (LimitScope::Token(_), Unit::Requests) => days!("d.client_requests", "m.actor"),
        (LimitScope::Token(_), Unit::Tokens) => days!("d.charged_tokens", "m.actor"),
        (LimitScope::Token(_), Unit::NanoUsd) => days!("d.charged_nano_usd", "m.actor"),
        (LimitScope::User(_), Unit::Requests) => days!("d.client_requests", "CAST(m.user_id AS TEXT)"),
        (LimitScope::User(_), Unit::Tokens) => days!("d.charged_tokens", "CAST(m.user_id AS TEXT)"),
        (LimitScope::User(_), Unit::NanoUsd) => days!("d.charged_nano_usd", "CAST(m.user_id AS TEXT)"),
    };
    let whose = match scope {
        LimitScope::Token(id) => format!("token:{id}"),
        scope => scope.id(),
    };
    let rows = fetch_all!(session, (i64, i64), sql, from.0, whose)?;
    Ok(rows.into_iter().map(|(day, sum)| (Millis(day), sum)).collect())
}
