//! `GET /api/me/limits`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::limit::Limit;

use crate::http::extract::Caller;
use crate::http::problem::Answer;
use crate::state::AppState;

/// List the limits that bind the caller
///
/// Those of the token and of its user. Limits of credentials bind calls as well and are not listed.
#[utoipa::path(
    get,
    path = "/api/me/limits",
    tag = "me",
    operation_id = "list_own_limits",
    responses((status = 200, body = Vec<Limit>))
)]
pub(super) async fn limits(State(state): State<AppState>, Caller(actor): Caller) -> Answer<Json<Vec<Limit>>> {
    let standings = state.room.me(actor).limits().await?;
    Ok(Json(standings.into_iter().map(crate::api::limit::wire).collect()))
}
