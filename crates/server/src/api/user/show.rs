//! `GET /api/admin/users/{id}`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::user::User;

use crate::http::extract::Caller;
use crate::http::parameter::UserPath;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Show a user
#[utoipa::path(
    get,
    path = "/api/admin/users/{id}",
    tag = "users",
    operation_id = "show_user",
    params(UserPath),
    responses((status = 200, body = User))
)]
pub(super) async fn show(
    State(state): State<AppState>,
    Caller(actor): Caller,
    UserPath(id): UserPath,
) -> Answer<Json<User>> {
    let user = state.room.users(actor).require(id).await?;
    Ok(Json(super::wire(user)))
}
