//! `GET /api/admin/limits`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::limit::Limit;

use crate::http::extract::Caller;
use crate::http::problem::Answer;
use crate::state::AppState;

/// List limits
#[utoipa::path(
    get,
    path = "/api/admin/limits",
    tag = "limits",
    operation_id = "list_limits",
    responses((status = 200, body = Vec<Limit>))
)]
pub(super) async fn list(State(state): State<AppState>, Caller(actor): Caller) -> Answer<Json<Vec<Limit>>> {
    let limits = state.room.limits(actor).list().await?;
    Ok(Json(limits.into_iter().map(super::wire).collect()))
}
