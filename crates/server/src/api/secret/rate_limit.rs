//! `GET /api/credentials/{name}/rate-limit`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::credential::RateLimit;

use crate::http::extract::Caller;
use crate::http::parameter::NamePath;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Show a credential's monthly limit
///
/// Counts no use.
#[utoipa::path(
    get,
    path = "/api/credentials/{name}/rate-limit",
    tag = "secrets",
    operation_id = "show_rate_limit",
    params(NamePath),
    responses((status = 200, body = RateLimit))
)]
pub(super) async fn rate_limit(
    State(state): State<AppState>,
    Caller(actor): Caller,
    NamePath(name): NamePath,
) -> Answer<Json<RateLimit>> {
    let status = state.room.credentials(actor).rate_limit_status(&name).await?;
    Ok(Json(RateLimit {
        allowed: status.allowed(),
        rate_limit: status.limit,
        current_month_usage: status.used,
        remaining: status.remaining(),
        resets_at: status.resets_at,
    }))
}
