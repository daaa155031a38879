//! `POST /api/admin/credentials/{id}/canary`

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use strongroom_client::wire::credential::Credential;
use strongroom_client::wire::problem::ProblemBody;
use strongroom_client::wire::version::SetCanary;
use strongroom_model::CredentialId;

use crate::http::extract::{Caller, JsonBody, if_match, number};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Send a share of the calls to the staged version
///
/// Of the calls that the gateway makes with this credential. The provider is asked about the key first, unless it has said
/// well of it already; 422 when it does not accept it. When it then refuses calls with it clearly more often than with the
/// version in use, the staged version is taken back by itself; those calls are served by the version in use.
#[utoipa::path(
    post,
    path = "/api/admin/credentials/{id}/canary",
    tag = "credentials",
    operation_id = "set_canary",
    request_body = SetCanary,
    params(
        ("id" = i64, Path, description = "The credential's number"),
        ("If-Match" = Option<String>, Header, nullable = false, pattern = r#"^(\*|"[0-9]{1,18}")$"#, description = "The `ETag` that the change is based on; 412 when it has passed")
    ),
    responses((status = 200, body = Credential, headers(("ETag" = String, description = "The new revision"))), (status = "default", description = "A problem", body = ProblemBody)),
    security(("bearer" = []))
)]
pub(super) async fn canary(
    State(state): State<AppState>,
    Caller(actor): Caller,
    id: Result<Path<i64>, PathRejection>,
    headers: HeaderMap,
    JsonBody(body, _): JsonBody<SetCanary>,
) -> Answer<Response> {
    let id = CredentialId(number(id, "Credential")?);
    let revision = if_match(&headers)?;
    let changed = state.room.credentials(actor).canary(id, body.percent, body.skip_test, revision).await?;
    Ok(crate::api::credential::answer(&changed))
}
