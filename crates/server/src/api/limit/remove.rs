//! `DELETE /api/admin/limits/{id}`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::problem::Message;

use crate::http::extract::Caller;
use crate::http::parameter::LimitPath;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Remove a limit
#[utoipa::path(
    delete,
    path = "/api/admin/limits/{id}",
    tag = "limits",
    operation_id = "remove_limit",
    params(LimitPath),
    responses((status = 200, body = Message))
)]
pub(super) async fn remove(
    State(state): State<AppState>,
    Caller(actor): Caller,
    LimitPath(id): LimitPath,
) -> Answer<Json<Message>> {
    state.room.limits(actor).remove(id).await?;
    Ok(Json(Message { message: "Limit removed successfully".to_owned() }))
}
