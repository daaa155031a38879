//! `PATCH /api/admin/limits/{id}`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::limit::{ChangeLimit, Limit};

use crate::http::extract::{Caller, JsonBody};
use crate::http::parameter::LimitPath;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Change the amount of a limit
#[utoipa::path(
    patch,
    path = "/api/admin/limits/{id}",
    tag = "limits",
    operation_id = "change_limit",
    params(LimitPath),
    request_body = ChangeLimit,
    responses((status = 200, body = Limit))
)]
pub(super) async fn change(
    State(state): State<AppState>,
    Caller(actor): Caller,
    LimitPath(id): LimitPath,
    JsonBody(body, _): JsonBody<ChangeLimit>,
) -> Answer<Json<Limit>> {
    Ok(Json(super::wire(state.room.limits(actor).change(id, body.amount).await?)))
}
