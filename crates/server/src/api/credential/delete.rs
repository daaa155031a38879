//! `DELETE /api/admin/credentials/{id}`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::problem::Message;

use crate::http::extract::Caller;
use crate::http::parameter::{CredentialPath, IfMatch};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Delete a credential
///
/// Its name is free at once. It can be restored within the time that `credentials.recovery_days` sets.
#[utoipa::path(
    delete,
    path = "/api/admin/credentials/{id}",
    tag = "credentials",
    operation_id = "delete_credential",
    params(CredentialPath, IfMatch),
    responses((status = 200, body = Message))
)]
pub(super) async fn delete(
    State(state): State<AppState>,
    Caller(actor): Caller,
    CredentialPath(id): CredentialPath,
    IfMatch(revision): IfMatch,
) -> Answer<Json<Message>> {
    state.room.credentials(actor).delete(id, revision).await?;
    Ok(Json(Message { message: "Credential deleted successfully".to_owned() }))
}
