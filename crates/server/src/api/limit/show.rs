//! `GET /api/admin/limits/{id}`

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use strongroom_client::wire::limit::Limit;
use strongroom_client::wire::problem::ProblemBody;

use crate::http::extract::Caller;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Show a limit
#[utoipa::path(
    get,
    path = "/api/admin/limits/{id}",
    tag = "limits",
    operation_id = "show_limit",
    params(("id" = String, Path, description = "The limit's identity")),
    responses((status = 200, body = Limit), (status = "default", description = "A problem", body = ProblemBody)),
    security(("bearer" = []))
)]
pub(super) async fn show(
    State(state): State<AppState>,
    Caller(actor): Caller,
    id: Result<Path<String>, PathRejection>,
) -> Answer<Json<Limit>> {
    Ok(Json(super::wire(state.room.limits(actor).require(super::uid(id)?).await?)))
}
