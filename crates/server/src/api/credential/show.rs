//! `GET /api/admin/credentials/{id}`

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use strongroom_client::wire::credential::Credential;

use crate::http::extract::Caller;
use crate::http::parameter::CredentialPath;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Show a credential's metadata
#[utoipa::path(
    get,
    path = "/api/admin/credentials/{id}",
    tag = "credentials",
    operation_id = "show_credential",
    params(CredentialPath),
    responses(
        (status = 200, body = Credential, headers(("ETag" = String, description = "The revision")))
    )
)]
pub(super) async fn show(
    State(state): State<AppState>,
    Caller(actor): Caller,
    CredentialPath(id): CredentialPath,
) -> Answer<Response> {
    let credential = state.room.credentials(actor).require(id).await?;
    Ok(super::with_etag(Json(super::wire(&credential)).into_response(), credential.revision))
}
