//! `DELETE /api/admin/users/{id}`

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use strongroom_client::wire::problem::{Message, ProblemBody};
use strongroom_model::UserId;

use crate::http::extract::{Caller, number};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Delete a user that owns nothing
#[utoipa::path(
    delete,
    path = "/api/admin/users/{id}",
    tag = "users",
    operation_id = "delete_user",
    params(("id" = i64, Path, description = "The user's number")),
    responses((status = 200, body = Message), (status = "default", description = "A problem", body = ProblemBody)),
    security(("bearer" = []))
)]
pub(super) async fn delete(
    State(state): State<AppState>,
    Caller(actor): Caller,
    id: Result<Path<i64>, PathRejection>,
) -> Answer<Json<Message>> {
    state.room.users(actor).delete(UserId(number(id, "User")?)).await?;
    Ok(Json(Message { message: "User deleted successfully".to_owned() }))
}
