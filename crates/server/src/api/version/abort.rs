//! `POST /api/admin/credentials/{id}/abort`

use axum::extract::State;

use crate::api::credential::Changed;
use crate::http::extract::Caller;
use crate::http::parameter::{CredentialPath, IfMatch};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Abort the staged version
///
/// One can roll back to it as long as its values are kept.
#[utoipa::path(
    post,
    path = "/api/admin/credentials/{id}/abort",
    tag = "credentials",
    operation_id = "abort_version",
    params(CredentialPath, IfMatch),
    responses(Changed)
)]
pub(super) async fn abort(
    State(state): State<AppState>,
    Caller(actor): Caller,
    CredentialPath(id): CredentialPath,
    IfMatch(revision): IfMatch,
) -> Answer<Changed> {
    let changed = state.room.credentials(actor).abort(id, revision).await?;
    Ok(Changed(changed))
}
