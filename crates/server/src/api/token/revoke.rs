//! `DELETE /api/admin/tokens/{id}`

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use strongroom_client::wire::problem::{Message, ProblemBody};

use crate::http::extract::{Caller, name};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Revoke a token
///
/// It is refused from its next request on, on every node.
#[utoipa::path(
    delete,
    path = "/api/admin/tokens/{id}",
    tag = "tokens",
    operation_id = "revoke_token",
    params(("id" = String, Path, description = "The token's public id")),
    responses((status = 200, body = Message), (status = "default", description = "A problem", body = ProblemBody)),
    security(("bearer" = []))
)]
pub(super) async fn revoke(
    State(state): State<AppState>,
    Caller(actor): Caller,
    path: Result<Path<String>, PathRejection>,
) -> Answer<Json<Message>> {
    state.room.tokens(actor).revoke(&name(path)?).await?;
    Ok(Json(Message { message: "Token revoked successfully".to_owned() }))
}
