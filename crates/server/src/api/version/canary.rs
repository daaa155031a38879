//! `POST /api/admin/credentials/{id}/canary`

use axum::extract::State;
use strongroom_client::wire::version::SetCanary;

use crate::api::credential::Changed;
use crate::http::extract::{Caller, JsonBody};
use crate::http::parameter::{CredentialPath, IfMatch};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Send a share of the calls to the staged version
///
/// Of the calls that the gateway makes with this credential. The provider is asked about the key first, unless the key
/// has already passed a probe; 422 when it does not accept it. When it then refuses calls with it clearly more often than
/// with the version in use, the staged version is aborted automatically; those calls are served by the version in use.
#[utoipa::path(
    post,
    path = "/api/admin/credentials/{id}/canary",
    tag = "credentials",
    operation_id = "set_canary",
    request_body = SetCanary,
    params(CredentialPath, IfMatch),
    responses(Changed)
)]
pub(super) async fn canary(
    State(state): State<AppState>,
    Caller(actor): Caller,
    CredentialPath(id): CredentialPath,
    IfMatch(revision): IfMatch,
    JsonBody(body, _): JsonBody<SetCanary>,
) -> Answer<Changed> {
    let changed = state.room.credentials(actor).canary(id, body.percent, body.skip_test, revision).await?;
    Ok(Changed(changed))
}
