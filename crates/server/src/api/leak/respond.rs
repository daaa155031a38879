//! `POST /api/admin/leaks/respond`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::leak::{LeakAddress, LeakResponse, LeakSpend, RespondToLeak};
use strongroom_model::Millis;

use crate::api::credential;
use crate::http::extract::{Caller, JsonBody};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Respond to a leak
///
/// Freezes the credential on every server within a second; with a new key it is served with that instead. The answer
/// tells how far the leak reaches: who could have had the key, which addresses read it, and who spent what.
#[utoipa::path(
    post,
    path = "/api/admin/leaks/respond",
    tag = "leaks",
    operation_id = "respond_to_leak",
    request_body = RespondToLeak,
    responses((status = 200, body = LeakResponse))
)]
pub(super) async fn respond(
    State(state): State<AppState>,
    Caller(actor): Caller,
    JsonBody(body, _): JsonBody<RespondToLeak>,
) -> Answer<Json<LeakResponse>> {
    let new_key = body.api_key.map(|key| key.0);
    let radius = state.room.leaks(actor).respond(&body.credential, new_key, body.since).await?;
    let address = |it: strongroom::leak::Address| LeakAddress {
        address: it.address,
        reads: it.reads,
        last: Millis(it.last_ms),
    };
    let spend = |it: strongroom::leak::Spent| LeakSpend {
        actor: it.actor,
        requests: it.requests,
        cost_nano_usd: it.cost_nano_usd,
        last_day: Millis(it.last_day_ms),
    };
    Ok(Json(LeakResponse {
        credential: credential::wire(&radius.credential),
        since: radius.since,
        access: super::access(&radius.access),
        addresses: radius.addresses.into_iter().map(address).collect(),
        spent: radius.spent.into_iter().map(spend).collect(),
    }))
}
