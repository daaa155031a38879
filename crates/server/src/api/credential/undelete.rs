//! `POST /api/admin/credentials/{id}/undelete`

use axum::extract::State;

use super::Changed;
use crate::http::extract::Caller;
use crate::http::parameter::{CredentialPath, IfMatch};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Restore a deleted credential
///
/// The credential is as it was. 409 when another credential has its name by now.
#[utoipa::path(
    post,
    path = "/api/admin/credentials/{id}/undelete",
    tag = "credentials",
    operation_id = "undelete_credential",
    params(CredentialPath, IfMatch),
    responses(Changed)
)]
pub(super) async fn undelete(
    State(state): State<AppState>,
    Caller(actor): Caller,
    CredentialPath(id): CredentialPath,
    IfMatch(revision): IfMatch,
) -> Answer<Changed> {
    let changed = state.room.credentials(actor).undelete(id, revision).await?;
    Ok(Changed(changed))
}
