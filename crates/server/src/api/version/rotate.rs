//! `POST /api/admin/credentials/{id}/rotate`

use axum::extract::State;

use crate::api::credential::Changed;
use crate::http::extract::Caller;
use crate::http::parameter::{CredentialPath, IfMatch};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Rotate a key at its provider
///
/// The provider makes a new key with the key of the credential in `rotateWith`; the new key is staged, probed and
/// promoted. The old one is revoked a day after its last call, if it was made in this way too. 409 when no credential to
/// rotate with is set.
#[utoipa::path(
    post,
    path = "/api/admin/credentials/{id}/rotate",
    tag = "credentials",
    operation_id = "rotate_credential",
    params(CredentialPath, IfMatch),
    responses(Changed)
)]
pub(super) async fn rotate(
    State(state): State<AppState>,
    Caller(actor): Caller,
    CredentialPath(id): CredentialPath,
    IfMatch(revision): IfMatch,
) -> Answer<Changed> {
    let changed = state.room.credentials(actor).rotate(id, revision).await?;
    Ok(Changed(changed))
}
