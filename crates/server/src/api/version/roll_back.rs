//! `POST /api/admin/credentials/{id}/versions/{number}/rollback`

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use strongroom_client::wire::credential::Credential;
use strongroom_client::wire::problem::ProblemBody;

use crate::http::extract::{Caller, if_match};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Roll back to an older version
///
/// Its values are in use again, as a new version; the old one stays. 409 when they are gone.
#[utoipa::path(
    post,
    path = "/api/admin/credentials/{id}/versions/{number}/rollback",
    tag = "credentials",
    operation_id = "roll_back_credential",
    params(
        ("id" = i64, Path, description = "The credential's number"),
        ("number" = i64, Path, description = "The version's number"),
        ("If-Match" = Option<String>, Header, nullable = false, pattern = r#"^(\*|"[0-9]{1,18}")$"#, description = "The `ETag` that the change is based on; 412 when it has passed")
    ),
    responses((status = 200, body = Credential, headers(("ETag" = String, description = "The new revision"))), (status = "default", description = "A problem", body = ProblemBody)),
    security(("bearer" = []))
)]
pub(super) async fn roll_back(
    State(state): State<AppState>,
    Caller(actor): Caller,
    path: Result<Path<(i64, i64)>, PathRejection>,
    headers: HeaderMap,
) -> Answer<Response> {
    let (id, number) = super::numbers(path)?;
    let revision = if_match(&headers)?;
    let changed = state.room.credentials(actor).roll_back(id, number, revision).await?;
    Ok(crate::api::credential::answer(&changed))
}
