//! `DELETE /api/admin/limits/{id}`

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use strongroom_client::wire::problem::{Message, ProblemBody};

use crate::http::extract::Caller;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Remove a limit
#[utoipa::path(
    delete,
    path = "/api/admin/limits/{id}",
    tag = "limits",
    operation_id = "remove_limit",
    params(("id" = String, Path, description = "The limit's identity")),
    responses((status = 200, body = Message), (status = "default", description = "A problem", body = ProblemBody)),
    security(("bearer" = []))
)]
pub(super) async fn remove(
    State(state): State<AppState>,
    Caller(actor): Caller,
    id: Result<Path<String>, PathRejection>,
) -> Answer<Json<Message>> {
    state.room.limits(actor).remove(super::uid(id)?).await?;
    Ok(Json(Message { message: "Limit removed successfully".to_owned() }))
}
