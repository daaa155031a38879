//! `POST /api/admin/credentials/{id}/versions`

use axum::extract::State;
use strongroom_client::wire::version::StageVersion;

use crate::api::credential::Changed;
use crate::http::extract::{Caller, JsonBody};
use crate::http::parameter::{CredentialPath, IfMatch};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Stage a new key
///
/// It serves no calls until it is promoted. 409 when one is staged already.
#[utoipa::path(
    post,
    path = "/api/admin/credentials/{id}/versions",
    tag = "credentials",
    operation_id = "stage_version",
    request_body = StageVersion,
    params(CredentialPath, IfMatch),
    responses(Changed)
)]
pub(super) async fn stage(
    State(state): State<AppState>,
    Caller(actor): Caller,
    CredentialPath(id): CredentialPath,
    IfMatch(revision): IfMatch,
    JsonBody(body, _): JsonBody<StageVersion>,
) -> Answer<Changed> {
    let (key, secret) = (body.api_key.0, body.api_secret.map(|secret| secret.0));
    let changed = state.room.credentials(actor).stage(id, key, secret, revision).await?;
    Ok(Changed(changed))
}
