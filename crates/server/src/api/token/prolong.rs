//! `POST /api/admin/tokens/{id}/lease`

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use strongroom_client::wire::problem::ProblemBody;
use strongroom_client::wire::token::{ProlongToken, ProlongedToken};

use crate::http::extract::{Caller, JsonBody, name};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Prolong a token
///
/// One that was made with `leaseSeconds`: it works for so long from now on, also when it has lapsed. No audit entry is written.
#[utoipa::path(
    post,
    path = "/api/admin/tokens/{id}/lease",
    tag = "tokens",
    operation_id = "prolong_token",
    params(("id" = String, Path, description = "The token's public id")),
    request_body = ProlongToken,
    responses((status = 200, body = ProlongedToken), (status = "default", description = "A problem", body = ProblemBody)),
    security(("bearer" = []))
)]
pub(super) async fn prolong(
    State(state): State<AppState>,
    Caller(actor): Caller,
    path: Result<Path<String>, PathRejection>,
    JsonBody(body, _): JsonBody<ProlongToken>,
) -> Answer<Json<ProlongedToken>> {
    let leased_until = state.room.tokens(actor).prolong(&name(path)?, body.lease_seconds).await?;
    Ok(Json(ProlongedToken { leased_until }))
}
