//! `POST /api/admin/credentials/generate-key`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::SecretText;
use strongroom_client::wire::key::GeneratedKey;

use crate::http::problem::Answer;
use crate::state::AppState;

/// Generate an encryption key
///
/// A fresh master key for another installation. It is not kept here.
#[utoipa::path(
    post,
    path = "/api/admin/credentials/generate-key",
    tag = "keys",
    operation_id = "generate_key",
    responses((status = 200, body = GeneratedKey))
)]
pub(super) async fn generate(State(state): State<AppState>) -> Answer<Json<GeneratedKey>> {
    Ok(Json(GeneratedKey {
        key: SecretText(state.room.keys().generate()),
        message: "Add this key to your .env file as ENCRYPTION_KEY=<key>".to_owned(),
        warning: "Store this key securely. If lost, encrypted credentials cannot be recovered.".to_owned(),
    }))
}
