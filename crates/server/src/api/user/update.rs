//! `PATCH /api/admin/users/{id}`

use axum::Json;
use axum::extract::State;
use strongroom::user::UserPatch;
use strongroom_client::wire::user::{UpdateUser, User};
use strongroom_model::Role;

use crate::http::extract::{Caller, JsonBody};
use crate::http::parameter::UserPath;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Change a user
///
/// A disabled user is refused from its next request on, and so are the tokens that act for it.
#[utoipa::path(
    patch,
    path = "/api/admin/users/{id}",
    tag = "users",
    operation_id = "update_user",
    request_body = UpdateUser,
    params(UserPath),
    responses((status = 200, body = User))
)]
pub(super) async fn update(
    State(state): State<AppState>,
    Caller(actor): Caller,
    UserPath(id): UserPath,
    JsonBody(body, _): JsonBody<UpdateUser>,
) -> Answer<Json<User>> {
    let patch = UserPatch {
        name: body.name,
        role: body.role.as_deref().map(Role::parse).transpose()?,
        is_active: body.is_active,
    };
    let user = state.room.users(actor).update(id, patch).await?;
    Ok(Json(super::wire(user)))
}
