//! `DELETE /api/admin/credentials/{id}/versions/{number}`

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use strongroom_client::wire::credential::Credential;
use strongroom_client::wire::problem::ProblemBody;

use crate::http::extract::{Caller, if_match};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Destroy a version
///
/// Its values are erased for good; its number and what is known of it stay. 409 for the one in use and the staged one.
#[utoipa::path(
    delete,
    path = "/api/admin/credentials/{id}/versions/{number}",
    tag = "credentials",
    operation_id = "destroy_version",
    params(
        ("id" = i64, Path, description = "The credential's number"),
        ("number" = i64, Path, description = "The version's number"),
        ("If-Match" = Option<String>, Header, nullable = false, pattern = r#"^(\*|"[0-9]{1,18}")$"#, description = "The `ETag` that the change is based on; 412 when it has passed")
    ),
    responses((status = 200, body = Credential, headers(("ETag" = String, description = "The new revision"))), (status = "default", description = "A problem", body = ProblemBody)),
    security(("bearer" = []))
)]
pub(super) async fn destroy(
    State(state): State<AppState>,
    Caller(actor): Caller,
    path: Result<Path<(i64, i64)>, PathRejection>,
    headers: HeaderMap,
) -> Answer<Response> {
    let (id, number) = super::numbers(path)?;
    let revision = if_match(&headers)?;
    let changed = state.room.credentials(actor).destroy_version(id, number, revision).await?;
    Ok(crate::api::credential::answer(&changed))
}
