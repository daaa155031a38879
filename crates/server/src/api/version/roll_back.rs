//! `POST /api/admin/credentials/{id}/versions/{number}/rollback`

use axum::extract::State;

use crate::api::credential::Changed;
use crate::http::extract::Caller;
use crate::http::parameter::{IfMatch, VersionPath};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Roll back to an older version
///
/// Its values are in use again, as a new version; the old one stays. 409 when its values are erased.
#[utoipa::path(
    post,
    path = "/api/admin/credentials/{id}/versions/{number}/rollback",
    tag = "credentials",
    operation_id = "roll_back_credential",
    params(VersionPath, IfMatch),
    responses(Changed)
)]
pub(super) async fn roll_back(
    State(state): State<AppState>,
    Caller(actor): Caller,
    version: VersionPath,
    IfMatch(revision): IfMatch,
) -> Answer<Changed> {
    let changed =
        state.room.credentials(actor).roll_back(version.credential, version.number, revision).await?;
    Ok(Changed(changed))
}
