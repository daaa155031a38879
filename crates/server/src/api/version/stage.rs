//! `POST /api/admin/credentials/{id}/versions`

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use strongroom_client::wire::credential::Credential;
use strongroom_client::wire::problem::ProblemBody;
use strongroom_client::wire::version::StageVersion;
use strongroom_model::CredentialId;

use crate::http::extract::{Caller, JsonBody, if_match, number};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Stage a new key
///
/// It waits, until it is promoted or aborted. 409 when one is staged already.
#[utoipa::path(
    post,
    path = "/api/admin/credentials/{id}/versions",
    tag = "credentials",
    operation_id = "stage_version",
    request_body = StageVersion,
    params(
        ("id" = i64, Path, description = "The credential's number"),
        ("If-Match" = Option<String>, Header, nullable = false, pattern = r#"^(\*|"[0-9]{1,18}")$"#, description = "The `ETag` that the change is based on; 412 when it has passed")
    ),
    responses((status = 200, body = Credential, headers(("ETag" = String, description = "The new revision"))), (status = "default", description = "A problem", body = ProblemBody)),
    security(("bearer" = []))
)]
pub(super) async fn stage(
    State(state): State<AppState>,
    Caller(actor): Caller,
    id: Result<Path<i64>, PathRejection>,
    headers: HeaderMap,
    JsonBody(body, _): JsonBody<StageVersion>,
) -> Answer<Response> {
    let id = CredentialId(number(id, "Credential")?);
    let (key, secret) = (body.api_key.0, body.api_secret.map(|secret| secret.0));
    let revision = if_match(&headers)?;
    let changed = state.room.credentials(actor).stage(id, key, secret, revision).await?;
    Ok(crate::api::credential::answer(&changed))
}
