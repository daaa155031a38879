//! `GET /api/admin/tokens`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::token::Token;

use crate::http::extract::Caller;
use crate::http::problem::Answer;
use crate::state::AppState;

/// List tokens
///
/// The oldest first, revoked ones included; never their secrets.
#[utoipa::path(
    get,
    path = "/api/admin/tokens",
    tag = "tokens",
    operation_id = "list_tokens",
    responses((status = 200, body = Vec<Token>))
)]
pub(super) async fn list(State(state): State<AppState>, Caller(actor): Caller) -> Answer<Json<Vec<Token>>> {
    let tokens = state.room.tokens(actor).list().await?;
    Ok(Json(tokens.into_iter().map(super::wire).collect()))
}
