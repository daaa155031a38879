//! `GET /api/credentials/{name}/rate-limit`

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use strongroom_client::wire::credential::RateLimit;
use strongroom_client::wire::problem::ProblemBody;

use crate::http::extract::{Caller, name};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Tell where a credential stands against its monthly limit
///
/// Counts no use.
#[utoipa::path(
    get,
    path = "/api/credentials/{name}/rate-limit",
    tag = "secrets",
    operation_id = "show_rate_limit",
    params(("name" = String, Path, description = "The credential's name, percent-encoded")),
    responses((status = 200, body = RateLimit), (status = "default", description = "A problem", body = ProblemBody)),
    security(("bearer" = []))
)]
pub(super) async fn rate_limit(
    State(state): State<AppState>,
    Caller(actor): Caller,
    path: Result<Path<String>, PathRejection>,
) -> Answer<Json<RateLimit>> {
    let status = state.room.credentials(actor).rate_limit_status(&name(path)?).await?;
    Ok(Json(RateLimit {
        allowed: status.allowed(),
        rate_limit: status.limit,
        current_month_usage: status.used,
        remaining: status.remaining(),
        resets_at: status.resets_at,
    }))
}
