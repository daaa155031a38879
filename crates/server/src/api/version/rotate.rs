//! `POST /api/admin/credentials/{id}/rotate`

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

/// Have the provider make a new key
///
/// With the key of the credential in `rotateWith`; the new key is staged, asked about and promoted. The old one is revoked a day
/// after no call uses it any more, if it was made in this way too. 409 when nothing is set to rotate with.
#[utoipa::path(
    post,
    path = "/api/admin/credentials/{id}/rotate",
    tag = "credentials",
    operation_id = "rotate_credential",
    params(
        ("id" = i64, Path, description = "The credential's number"),
        ("If-Match" = Option<String>, Header, nullable = false, pattern = r#"^(\*|"[0-9]{1,18}")$"#, description = "The `ETag` that the change is based on; 412 when it has passed")
    ),
    responses((status = 200, body = Credential, headers(("ETag" = String, description = "The new revision"))), (status = "default", description = "A problem", body = ProblemBody)),
    security(("bearer" = []))
)]
pub(super) async fn rotate(
    State(state): State<AppState>,
    Caller(actor): Caller,
    id: Result<Path<i64>, PathRejection>,
    headers: HeaderMap,
) -> Answer<Response> {
    let id = CredentialId(number(id, "Credential")?);
    let revision = if_match(&headers)?;
    let changed = state.room.credentials(actor).rotate(id, revision).await?;
    Ok(crate::api::credential::answer(&changed))
}
