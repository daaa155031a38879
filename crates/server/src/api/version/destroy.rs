//! `DELETE /api/admin/credentials/{id}/versions/{number}`

use axum::extract::State;

use crate::api::credential::Changed;
use crate::http::extract::Caller;
use crate::http::parameter::{IfMatch, VersionPath};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Destroy a version
///
/// Its values are erased for good; its number and its history stay. 409 for the version in use and the staged one.
#[utoipa::path(
    delete,
    path = "/api/admin/credentials/{id}/versions/{number}",
    tag = "credentials",
    operation_id = "destroy_version",
    params(VersionPath, IfMatch),
    responses(Changed)
)]
pub(super) async fn destroy(
    State(state): State<AppState>,
    Caller(actor): Caller,
    version: VersionPath,
    IfMatch(revision): IfMatch,
) -> Answer<Changed> {
    let changed =
        state.room.credentials(actor).destroy_version(version.credential, version.number, revision).await?;
    Ok(Changed(changed))
}
