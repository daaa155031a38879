//! `POST /api/admin/credentials/{id}/freeze` and `…/unfreeze`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::credential::Credential;

use crate::http::extract::Caller;
use crate::http::parameter::CredentialPath;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Freeze a credential
///
/// Within a second no server serves it, and its key is not taken from the environment either. The key stays sealed as it is.
#[utoipa::path(
    post,
    path = "/api/admin/credentials/{id}/freeze",
    tag = "leaks",
    operation_id = "freeze_credential",
    params(CredentialPath),
    responses((status = 200, body = Credential))
)]
pub(super) async fn freeze(
    State(state): State<AppState>,
    Caller(actor): Caller,
    CredentialPath(id): CredentialPath,
) -> Answer<Json<Credential>> {
    Ok(Json(super::wire(&state.room.leaks(actor).freeze(id).await?)))
}

/// Unfreeze a credential
///
/// It is served again, unless it is inactive.
#[utoipa::path(
    post,
    path = "/api/admin/credentials/{id}/unfreeze",
    tag = "leaks",
    operation_id = "unfreeze_credential",
    params(CredentialPath),
    responses((status = 200, body = Credential))
)]
pub(super) async fn unfreeze(
    State(state): State<AppState>,
    Caller(actor): Caller,
    CredentialPath(id): CredentialPath,
) -> Answer<Json<Credential>> {
    Ok(Json(super::wire(&state.room.leaks(actor).unfreeze(id).await?)))
}
