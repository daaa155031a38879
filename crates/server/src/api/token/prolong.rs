//! `POST /api/admin/tokens/{id}/lease`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::token::{ProlongToken, ProlongedToken};

use crate::http::extract::{Caller, JsonBody};
use crate::http::parameter::TokenPath;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Renew a token's lease
///
/// For a token that was made with `leaseSeconds`: it works for this time from now on, also when its lease had run out. No
/// audit entry is written.
#[utoipa::path(
    post,
    path = "/api/admin/tokens/{id}/lease",
    tag = "tokens",
    operation_id = "prolong_token",
    params(TokenPath),
    request_body = ProlongToken,
    responses((status = 200, body = ProlongedToken))
)]
pub(super) async fn prolong(
    State(state): State<AppState>,
    Caller(actor): Caller,
    TokenPath(id): TokenPath,
    JsonBody(body, _): JsonBody<ProlongToken>,
) -> Answer<Json<ProlongedToken>> {
    let leased_until = state.room.tokens(actor).prolong(&id, body.lease_seconds).await?;
    Ok(Json(ProlongedToken { leased_until }))
}
