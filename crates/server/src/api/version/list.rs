//! `GET /api/admin/credentials/{id}/versions`

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use strongroom_client::wire::problem::ProblemBody;
use strongroom_client::wire::version::Version;
use strongroom_model::CredentialId;

use crate::http::extract::{Caller, number};
use crate::http::problem::Answer;
use crate::state::AppState;

/// List the versions of a credential
///
/// The newest first. None shows its values.
#[utoipa::path(
    get,
    path = "/api/admin/credentials/{id}/versions",
    tag = "credentials",
    operation_id = "list_versions",
    params(
        ("id" = i64, Path, description = "The credential's number")
    ),
    responses((status = 200, body = Vec<Version>), (status = "default", description = "A problem", body = ProblemBody)),
    security(("bearer" = []))
)]
pub(super) async fn list(
    State(state): State<AppState>,
    Caller(actor): Caller,
    id: Result<Path<i64>, PathRejection>,
) -> Answer<Json<Vec<Version>>> {
    let id = CredentialId(number(id, "Credential")?);
    let service = state.room.credentials(actor);
    let (credential, versions) = service.versions(id).await?;
    let same = service.same_keys(&credential).await?;
    Ok(Json(versions.iter().map(|version| super::wire(&credential, version, &same)).collect()))
}
