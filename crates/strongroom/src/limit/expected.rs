//! What a limit is to be expected to come to by the end of its window, at the pace of the last days.

use strongroom_model::forecast::{self, Forecast, LOOKBACK_HOURS, LastHours};
use strongroom_model::limit::{Limit, LimitScope, Unit, Window};
use strongroom_model::{Millis, Problem};
use strongroom_store::Session;
use strongroom_store::usage_figures::Figures;
use strongroom_store::usage_sums::hours::{self, Subject};

const HOUR_MS: i64 = 3_600_000;

/// The use at the end of a day or a month. `None` with less than a day to tell by, and of windows that are shorter or never end.
///
/// # Errors
/// [`Problem`].
pub(crate) async fn at_end(
    session: &mut Session,
    limit: &Limit,
    used: i64,
    now: Millis,
) -> Result<Option<Forecast>, Problem> {
    let end = match limit.window {
        Window::Day | Window::Month => limit.window.end(limit.window.start(now)),
        _ => None,
    };
    let Some(end) = end else { return Ok(None) };
    let (subject, key) = match &limit.scope {
        LimitScope::Credential(uid) => (Subject::Credential, uid.to_string()),
        LimitScope::Token(id) => (Subject::Token, id.clone()),
        LimitScope::User(id) => (Subject::User, id.0.to_string()),
    };
    let lookback = now.0 - now.0.rem_euclid(HOUR_MS) - HOUR_MS * (LOOKBACK_HOURS as i64 - 1);
    let hours = hours::of_some(session, subject, (Millis(lookback), Millis(i64::MAX)), &[key]).await?;
    let amounts = hours.iter().map(|hour| (Millis(hour.hour_start_ms), charged(limit, &hour.figures)));
    Ok(forecast::until(end, used, &LastHours::of(amounts, now), now))
}

/// What sums come to in the unit of a limit.
#[must_use]
pub fn charged(limit: &Limit, used: &Figures) -> i64 {
    match (limit.unit, &limit.scope) {
        (Unit::NanoUsd, _) => used.cost_nano_usd,
        (Unit::Tokens, _) => used.input_tokens.saturating_add(used.output_tokens),
        (Unit::Requests, LimitScope::Credential(_)) => used.requests,
        (Unit::Requests, _) => used.client_requests,
    }
}
