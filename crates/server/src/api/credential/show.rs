//! `GET /api/admin/credentials/{id}`

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use strongroom_client::wire::credential::Credential;
use strongroom_client::wire::problem::ProblemBody;
use strongroom_model::CredentialId;

use crate::http::extract::{Caller, number};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Show a credential's metadata
#[utoipa::path(
    get,
    path = "/api/admin/credentials/{id}",
    tag = "credentials",
    operation_id = "show_credential",
    params(("id" = i64, Path, description = "The credential's number")),
    responses(
        (status = 200, body = Credential, headers(("ETag" = String, description = "The revision"))),
        (status = "default", description = "A problem", body = ProblemBody)
    ),
    security(("bearer" = []))
)]
pub(super) async fn show(
    State(state): State<AppState>,
    Caller(actor): Caller,
    id: Result<Path<i64>, PathRejection>,
) -> Answer<Response> {
    let id = CredentialId(number(id, "Credential")?);
    let credential = state.room.credentials(actor).require(id).await?;
    Ok(super::with_etag(Json(super::wire(&credential)).into_response(), credential.revision))
}
