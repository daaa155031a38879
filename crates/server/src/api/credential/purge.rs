//! `POST /api/admin/credentials/{id}/purge`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::problem::Message;

use crate::http::extract::Caller;
use crate::http::parameter::{CredentialPath, IfMatch};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Purge a deleted credential
///
/// All its values are erased for good. The records of its use stay.
#[utoipa::path(
    post,
    path = "/api/admin/credentials/{id}/purge",
    tag = "credentials",
    operation_id = "purge_credential",
    params(CredentialPath, IfMatch),
    responses((status = 200, body = Message))
)]
pub(super) async fn purge(
    State(state): State<AppState>,
    Caller(actor): Caller,
    CredentialPath(id): CredentialPath,
    IfMatch(revision): IfMatch,
) -> Answer<Json<Message>> {
    state.room.credentials(actor).purge(id, revision).await?;
    Ok(Json(Message { message: "Credential purged".to_owned() }))
}
