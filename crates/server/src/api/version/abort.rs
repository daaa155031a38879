//! `POST /api/admin/credentials/{id}/abort`

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use strongroom_client::wire::credential::Credential;
use strongroom_client::wire::problem::ProblemBody;
use strongroom_model::CredentialId;

use crate::http::extract::{Caller, if_match, number};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Take the staged version back
///
/// It can be rolled back to as long as its values are kept.
#[utoipa::path(
    post,
    path = "/api/admin/credentials/{id}/abort",
    tag = "credentials",
    operation_id = "abort_version",
    params(
        ("id" = i64, Path, description = "The credential's number"),
        ("If-Match" = Option<String>, Header, nullable = false, pattern = r#"^(\*|"[0-9]{1,18}")$"#, description = "The `ETag` that the change is based on; 412 when it has passed")
    ),
    responses((status = 200, body = Credential, headers(("ETag" = String, description = "The new revision"))), (status = "default", description = "A problem", body = ProblemBody)),
    security(("bearer" = []))
)]
pub(super) async fn abort(
    State(state): State<AppState>,
    Caller(actor): Caller,
    id: Result<Path<i64>, PathRejection>,
    headers: HeaderMap,
) -> Answer<Response> {
    let id = CredentialId(number(id, "Credential")?);
    let revision = if_match(&headers)?;
    let changed = state.room.credentials(actor).abort(id, revision).await?;
    Ok(crate::api::credential::answer(&changed))
}
