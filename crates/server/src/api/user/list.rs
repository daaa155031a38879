//! `GET /api/admin/users`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::user::User;

use crate::http::extract::Caller;
use crate::http::problem::Answer;
use crate::state::AppState;

/// List users
#[utoipa::path(
    get,
    path = "/api/admin/users",
    tag = "users",
    operation_id = "list_users",
    responses((status = 200, body = Vec<User>))
)]
pub(super) async fn list(State(state): State<AppState>, Caller(actor): Caller) -> Answer<Json<Vec<User>>> {
    let users = state.room.users(actor).list().await?;
    Ok(Json(users.into_iter().map(super::wire).collect()))
}
