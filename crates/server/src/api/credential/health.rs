//! `GET /api/admin/credentials/health`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::credential::CredentialHealth;

use crate::http::problem::Answer;
use crate::state::AppState;

/// Show the health of credentials
///
/// As this server has seen it in the providers' answers to the gateway's calls.
#[utoipa::path(
    get,
    path = "/api/admin/credentials/health",
    tag = "credentials",
    operation_id = "credentials_health",
    responses(
        (status = 200, body = Vec<CredentialHealth>)
    )
)]
pub(super) async fn health(State(state): State<AppState>) -> Answer<Json<Vec<CredentialHealth>>> {
    let all = state.room.health().await?;
    let wire = all.into_iter().map(|one| CredentialHealth {
        id: one.id.0,
        name: one.name,
        provider: one.provider,
        state: one.cooldown.map_or("healthy", |cooldown| cooldown.reason.as_str()).to_owned(),
        since: one.cooldown.map(|cooldown| cooldown.since),
        until: one.cooldown.map(|cooldown| cooldown.until),
        times: one.cooldown.map_or(0, |cooldown| cooldown.times),
    });
    Ok(Json(wire.collect()))
}
