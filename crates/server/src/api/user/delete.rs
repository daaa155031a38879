//! `DELETE /api/admin/users/{id}`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::problem::Message;

use crate::http::extract::Caller;
use crate::http::parameter::UserPath;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Delete a user that owns nothing
#[utoipa::path(
    delete,
    path = "/api/admin/users/{id}",
    tag = "users",
    operation_id = "delete_user",
    params(UserPath),
    responses((status = 200, body = Message))
)]
pub(super) async fn delete(
    State(state): State<AppState>,
    Caller(actor): Caller,
    UserPath(id): UserPath,
) -> Answer<Json<Message>> {
    state.room.users(actor).delete(id).await?;
    Ok(Json(Message { message: "User deleted successfully".to_owned() }))
}
