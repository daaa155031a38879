//! `GET /api/admin/users/{id}`

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use strongroom_client::wire::problem::ProblemBody;
use strongroom_client::wire::user::User;
use strongroom_model::UserId;

use crate::http::extract::{Caller, number};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Show a user
#[utoipa::path(
    get,
    path = "/api/admin/users/{id}",
    tag = "users",
    operation_id = "show_user",
    params(("id" = i64, Path, description = "The user's number")),
    responses((status = 200, body = User), (status = "default", description = "A problem", body = ProblemBody)),
    security(("bearer" = []))
)]
pub(super) async fn show(
    State(state): State<AppState>,
    Caller(actor): Caller,
    id: Result<Path<i64>, PathRejection>,
) -> Answer<Json<User>> {
    let user = state.room.users(actor).require(UserId(number(id, "User")?)).await?;
    Ok(Json(super::wire(user)))
}
