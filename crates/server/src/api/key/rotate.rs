//! `POST /api/admin/encryption-keys/rotate`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::key::KeyRotationStarted;

use crate::http::extract::Caller;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Replace the data key
///
/// A new key is used from now on, and everything is resealed under it while the server goes on answering. The list of
/// encryption keys shows the progress. When a rotation is already under way, that one is returned.
#[utoipa::path(
    post,
    path = "/api/admin/encryption-keys/rotate",
    tag = "keys",
    operation_id = "rotate_encryption_key",
    responses((status = 200, body = KeyRotationStarted))
)]
pub(super) async fn rotate(
    State(state): State<AppState>,
    Caller(actor): Caller,
) -> Answer<Json<KeyRotationStarted>> {
    let started = state.room.keys().rotate(&actor).await?;
    Ok(Json(KeyRotationStarted { is_new: started.is_new, rotation: super::rotation(started.state) }))
}
