//! `PATCH /api/admin/users/{id}`

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use strongroom::user::UserPatch;
use strongroom_client::wire::problem::ProblemBody;
use strongroom_client::wire::user::{UpdateUser, User};
use strongroom_model::{Role, UserId};

use crate::http::extract::{Caller, JsonBody, number};
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
    params(("id" = i64, Path, description = "The user's number")),
    responses((status = 200, body = User), (status = "default", description = "A problem", body = ProblemBody)),
    security(("bearer" = []))
)]
pub(super) async fn update(
    State(state): State<AppState>,
    Caller(actor): Caller,
    id: Result<Path<i64>, PathRejection>,
    JsonBody(body, _): JsonBody<UpdateUser>,
) -> Answer<Json<User>> {
    let patch = UserPatch {
        name: body.name,
        role: body.role.as_deref().map(Role::parse).transpose()?,
        is_active: body.is_active,
    };
    let user = state.room.users(actor).update(UserId(number(id, "User")?), patch).await?;
    Ok(Json(super::wire(user)))
}
