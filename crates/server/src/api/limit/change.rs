//! `PATCH /api/admin/limits/{id}`

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use strongroom_client::wire::limit::{ChangeLimit, Limit};
use strongroom_client::wire::problem::ProblemBody;

use crate::http::extract::{Caller, JsonBody};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Change the amount of a limit
#[utoipa::path(
    patch,
    path = "/api/admin/limits/{id}",
    tag = "limits",
    operation_id = "change_limit",
    params(("id" = String, Path, description = "The limit's identity")),
    request_body = ChangeLimit,
    responses((status = 200, body = Limit), (status = "default", description = "A problem", body = ProblemBody)),
    security(("bearer" = []))
)]
pub(super) async fn change(
    State(state): State<AppState>,
    Caller(actor): Caller,
    id: Result<Path<String>, PathRejection>,
    JsonBody(body, _): JsonBody<ChangeLimit>,
) -> Answer<Json<Limit>> {
    Ok(Json(super::wire(state.room.limits(actor).change(super::uid(id)?, body.amount).await?)))
}
