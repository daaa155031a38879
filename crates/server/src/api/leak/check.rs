//! `POST /api/admin/leaks/check`

use axum::Json;
use axum::extract::State;
use strongroom::leak::Found;
use strongroom_client::wire::leak::{ChangedVersion, CheckLeaks, CheckedKey, LeakReport, LeakedKey};
use strongroom_model::Millis;

use crate::http::extract::{Caller, JsonBody};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Check whether leaked keys are ours
///
/// By keyed fingerprint: nothing is decrypted, and the keys are neither stored nor logged. Old versions and deleted
/// credentials are known too.
#[utoipa::path(
    post,
    path = "/api/admin/leaks/check",
    tag = "leaks",
    operation_id = "check_leaks",
    request_body = CheckLeaks,
    responses((status = 200, body = LeakReport))
)]
pub(super) async fn check(
    State(state): State<AppState>,
    Caller(actor): Caller,
    JsonBody(body, _): JsonBody<CheckLeaks>,
) -> Answer<Json<LeakReport>> {
    let keys: Vec<_> = body.keys.into_iter().map(|key| key.0).collect();
    let checked = state.room.leaks(actor).check(&keys).await?;
    let now = state.room.now().await?;
    let changed =
        |it: strongroom::credential::ChangedVersion| ChangedVersion { name: it.name, version: it.number };
    Ok(Json(LeakReport {
        keys: checked.keys.into_iter().map(|found| wire(found, now)).collect(),
        changed_versions: checked.changed.into_iter().map(changed).collect(),
    }))
}

fn wire(found: Vec<Found>, now: Millis) -> CheckedKey {
    let mut checked =
        CheckedKey { is_ours: !found.is_empty(), credentials: Vec::new(), token: None, token_state: None };
    for found in found {
        match found {
            Found::Token(token) => {
                let state = match (token.is_alive(now), token.revoked_at) {
                    (true, _) => "live",
                    (false, Some(_)) => "revoked",
                    (false, None) => "expired",
                };
                (checked.token, checked.token_state) = (Some(super::token(&token)), Some(state.to_owned()));
            }
            Found::Credential(key) => checked.credentials.push(LeakedKey {
                uid: key.uid.to_string(),
                id: key.id.map(|id| id.0),
                version: key.version,
                is_current: key.is_current,
                is_served: key.is_served,
                is_frozen: key.is_frozen,
                is_deleted: key.is_deleted,
                user_id: key.owner.map(|user| user.0),
                last_used: key.last_used,
                access: super::access(&key.access),
                name: key.name,
            }),
        }
    }
    checked
}
