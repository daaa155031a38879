//! `GET /api/admin/limits/{id}`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::limit::Limit;

use crate::http::extract::Caller;
use crate::http::parameter::LimitPath;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Show a limit
#[utoipa::path(
    get,
    path = "/api/admin/limits/{id}",
    tag = "limits",
    operation_id = "show_limit",
    params(LimitPath),
    responses((status = 200, body = Limit))
)]
pub(super) async fn show(
    State(state): State<AppState>,
    Caller(actor): Caller,
    LimitPath(id): LimitPath,
) -> Answer<Json<Limit>> {
    Ok(Json(super::wire(state.room.limits(actor).require(id).await?)))
}
