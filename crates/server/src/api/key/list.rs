//! `GET /api/admin/encryption-keys`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::key::{KeyHolder, KeyStatus, MasterKeyState, WrappedKey};
use strongroom_model::Millis;

use crate::http::problem::Answer;
use crate::state::AppState;

/// List the encryption keys
///
/// Never the keys themselves: the purpose of each, what is sealed under it, the master keys that wrap it, the servers
/// that hold those, the progress of a rotation, and what to do next.
#[utoipa::path(
    get,
    path = "/api/admin/encryption-keys",
    tag = "keys",
    operation_id = "list_encryption_keys",
    responses((status = 200, body = KeyStatus))
)]
pub(super) async fn list(State(state): State<AppState>) -> Answer<Json<KeyStatus>> {
    let status = state.room.keys().status().await?;
    let keys = status.keys.into_iter().map(|key| WrappedKey {
        state: key.state.as_str().to_owned(),
        sealed_texts: key.texts,
        wrapped_under: key.wrapped_under,
        id: key.row.id,
        purpose: key.row.purpose,
        is_current: key.row.is_current,
        seal_count: key.row.seal_count,
        created_at: Millis(key.row.created_at_ms),
        retired_at: key.row.retired_at_ms.map(Millis),
    });
    let masters = status.masters.into_iter().map(|master| MasterKeyState {
        fingerprint: master.fingerprint,
        first_seen: master.first_seen,
        wraps: master.wraps,
        is_first: master.is_first,
        is_held: master.is_held,
        needed_by: master.needed_by,
        can_go: master.can_go,
    });
    let servers = status.holders.into_iter().map(|holder| KeyHolder {
        id: holder.node,
        host: holder.host,
        process_id: holder.process_id,
        masters: holder.masters,
        started_at: holder.started_at,
        alive_until: holder.alive_until,
    });
    Ok(Json(KeyStatus {
        master_fingerprint: status.master_fingerprint,
        keys: keys.collect(),
        masters: masters.collect(),
        servers: servers.collect(),
        rotation: status.rotation.map(super::rotation),
        next: status.next,
    }))
}
