//! `POST /api/admin/encryption-keys/retire-master`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::key::MasterKeyChange;

use crate::http::extract::Caller;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Retire the replaced master keys
///
/// The second half of replacing the master key. Refused, with the reason, as long as a live server does not hold the new
/// one, and at a server whose own is not the newest.
#[utoipa::path(
    post,
    path = "/api/admin/encryption-keys/retire-master",
    tag = "keys",
    operation_id = "retire_master_keys",
    responses((status = 200, body = MasterKeyChange))
)]
pub(super) async fn retire_master(
    State(state): State<AppState>,
    Caller(actor): Caller,
) -> Answer<Json<MasterKeyChange>> {
    let keys = state.room.keys();
    let change = keys.retire_masters(&actor).await?;
    Ok(Json(super::change(change, keys.status().await?.next)))
}
