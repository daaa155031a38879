//! `DELETE /api/admin/tokens/{id}`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::problem::Message;

use crate::http::extract::Caller;
use crate::http::parameter::TokenPath;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Revoke a token
///
/// It is refused from its next request on, on every server.
#[utoipa::path(
    delete,
    path = "/api/admin/tokens/{id}",
    tag = "tokens",
    operation_id = "revoke_token",
    params(TokenPath),
    responses((status = 200, body = Message))
)]
pub(super) async fn revoke(
    State(state): State<AppState>,
    Caller(actor): Caller,
    TokenPath(id): TokenPath,
) -> Answer<Json<Message>> {
    state.room.tokens(actor).revoke(&id).await?;
    Ok(Json(Message { message: "Token revoked successfully".to_owned() }))
}
