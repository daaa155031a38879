//! `POST /api/admin/credentials/offboard`

use axum::Json;
use axum::extract::State;
use strongroom::credential::Offboarding;
use strongroom_client::wire::offboard::{OffboardReport, OffboardRequest, OffboardedKey};

use crate::http::extract::{Caller, JsonBody};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Check whether keys outside strongroom are still used
///
/// For keys that were replaced or came out of a `.env` file, or for all keys of the named credentials. OpenRouter is
/// asked with the key itself; OpenAI with the key of the credential that makes keys for this one (`rotateWith`). Of other
/// providers only the uses through strongroom are known.
#[utoipa::path(
    post,
    path = "/api/admin/credentials/offboard",
    tag = "credentials",
    operation_id = "offboard_keys",
    request_body = OffboardRequest,
    responses((status = 200, body = OffboardReport))
)]
pub(super) async fn offboard(
    State(state): State<AppState>,
    Caller(actor): Caller,
    JsonBody(body, _): JsonBody<OffboardRequest>,
) -> Answer<Json<OffboardReport>> {
    let found = state.room.credentials(actor).offboard(&body.credentials, body.idle_hours).await?;
    Ok(Json(OffboardReport { keys: found.into_iter().map(wire).collect() }))
}

fn wire(found: Offboarding) -> OffboardedKey {
    OffboardedKey {
        credential: found.credential.name,
        credential_id: found.credential.id.0,
        provider: found.credential.provider.to_string(),
        version: found.version.number,
        state: found.standing.as_str().to_owned(),
        last_used: found.last_used,
        idle_since: found.idle_since,
        told_by: if found.by_provider { "provider" } else { "strongroom" }.to_owned(),
        used_here: found.used_here,
        used_elsewhere: found.used_elsewhere,
        is_revoked_here: found.is_revoked_here,
        problem: found.problem,
    }
}
