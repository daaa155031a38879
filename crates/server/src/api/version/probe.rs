//! `POST /api/admin/credentials/{id}/versions/{number}/test`

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use strongroom_client::wire::credential::LiveTest;
use strongroom_client::wire::problem::ProblemBody;

use crate::http::extract::Caller;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Ask the provider about a version
///
/// With the cheapest authenticated call that it offers. Counts no use.
#[utoipa::path(
    post,
    path = "/api/admin/credentials/{id}/versions/{number}/test",
    tag = "credentials",
    operation_id = "test_version",
    params(
        ("id" = i64, Path, description = "The credential's number"),
        ("number" = i64, Path, description = "The version's number")
    ),
    responses((status = 200, body = LiveTest), (status = "default", description = "A problem", body = ProblemBody)),
    security(("bearer" = []))
)]
pub(super) async fn probe(
    State(state): State<AppState>,
    Caller(actor): Caller,
    path: Result<Path<(i64, i64)>, PathRejection>,
) -> Answer<Json<LiveTest>> {
    let (id, number) = super::numbers(path)?;
    let probe = state.room.credentials(actor).probe_version(id, number).await?;
    Ok(Json(crate::api::credential::live(probe.report)))
}
