//! `GET /api/admin/credentials/{id}/versions`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::version::Version;

use crate::http::extract::Caller;
use crate::http::parameter::CredentialPath;
use crate::http::problem::Answer;
use crate::state::AppState;

/// List the versions of a credential
///
/// The newest first. No version shows its values.
#[utoipa::path(
    get,
    path = "/api/admin/credentials/{id}/versions",
    tag = "credentials",
    operation_id = "list_versions",
    params(CredentialPath),
    responses((status = 200, body = Vec<Version>))
)]
pub(super) async fn list(
    State(state): State<AppState>,
    Caller(actor): Caller,
    CredentialPath(id): CredentialPath,
) -> Answer<Json<Vec<Version>>> {
    let service = state.room.credentials(actor);
    let (credential, versions) = service.versions(id).await?;
    let same = service.same_keys(&credential).await?;
    Ok(Json(versions.iter().map(|version| super::wire(&credential, version, &same)).collect()))
}
