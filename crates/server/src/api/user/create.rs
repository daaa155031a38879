//! `POST /api/admin/users`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use strongroom::user::NewUser;
use strongroom_client::wire::user::{CreateUser, User};
use strongroom_model::{Role, UserId};

use crate::http::extract::{Caller, JsonBody};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Create a user
#[utoipa::path(
    post,
    path = "/api/admin/users",
    tag = "users",
    operation_id = "create_user",
    request_body = CreateUser,
    responses((status = 201, body = User))
)]
pub(super) async fn create(
    State(state): State<AppState>,
    Caller(actor): Caller,
    JsonBody(body, _): JsonBody<CreateUser>,
) -> Answer<(StatusCode, Json<User>)> {
    let new = NewUser { name: body.name, role: Role::parse(&body.role)?, id: body.id.map(UserId) };
    let user = state.room.users(actor).create(new).await?;
    Ok((StatusCode::CREATED, Json(super::wire(user))))
}
