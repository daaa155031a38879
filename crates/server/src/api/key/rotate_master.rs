//! `POST /api/admin/encryption-keys/rotate-master`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::key::MasterKeyChange;

use crate::http::extract::Caller;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Wrap every key under the new master key too
///
/// The first half of replacing the master key, on a server that has the new one as ENCRYPTION_KEY and the old one as
/// ENCRYPTION_KEY_PREVIOUS. No secret is touched, and servers with either key go on.
#[utoipa::path(
    post,
    path = "/api/admin/encryption-keys/rotate-master",
    tag = "keys",
    operation_id = "rotate_master_key",
    responses((status = 200, body = MasterKeyChange))
)]
pub(super) async fn rotate_master(
    State(state): State<AppState>,
    Caller(actor): Caller,
) -> Answer<Json<MasterKeyChange>> {
    let keys = state.room.keys();
    let change = keys.rotate_master(&actor).await?;
    Ok(Json(super::change(change, keys.status().await?.next)))
}
