//! `GET /api/admin/encryption-keys`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::key::{KeyStatus, WrappedKey};
use strongroom_client::wire::problem::ProblemBody;
use strongroom_model::Millis;

use crate::http::AppState;
use crate::http::problem::Answer;

/// List the encryption keys
///
/// Never the keys themselves: what each is for, and which masters they are wrapped under.
#[utoipa::path(
    get,
    path = "/api/admin/encryption-keys",
    tag = "keys",
    operation_id = "list_encryption_keys",
    responses((status = 200, body = KeyStatus), (status = "default", description = "A problem", body = ProblemBody)),
    security(("bearer" = []))
)]
pub(super) async fn list(State(state): State<AppState>) -> Answer<Json<KeyStatus>> {
    let (keys, wraps) = state.room.keys().list().await?;
    let keys = keys
        .into_iter()
        .map(|key| WrappedKey {
            wrapped_under: wraps
                .iter()
                .filter(|wrap| wrap.key_id == key.id)
                .map(|wrap| wrap.master_fingerprint.clone())
                .collect(),
            id: key.id,
            purpose: key.purpose,
            is_current: key.is_current,
            seal_count: key.seal_count,
            created_at: Millis(key.created_at_ms),
        })
        .collect();
    Ok(Json(KeyStatus { master_fingerprint: state.room.master_fingerprint().to_owned(), keys }))
}
