//! `DELETE /api/admin/credentials/{id}`

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use strongroom_client::wire::problem::{Message, ProblemBody};
use strongroom_model::CredentialId;

use crate::http::extract::{Caller, if_match, number};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Delete a credential
///
/// Its name is free at once. It can be taken back within the time that `credentials.recovery_days` sets.
#[utoipa::path(
    delete,
    path = "/api/admin/credentials/{id}",
    tag = "credentials",
    operation_id = "delete_credential",
    params(
        ("id" = i64, Path, description = "The credential's number"),
        ("If-Match" = Option<String>, Header, nullable = false, pattern = r#"^(\*|"[0-9]{1,18}")$"#, description = "The `ETag` that the decision is based on; 412 when it has passed")
    ),
    responses((status = 200, body = Message), (status = "default", description = "A problem", body = ProblemBody)),
    security(("bearer" = []))
)]
pub(super) async fn delete(
    State(state): State<AppState>,
    Caller(actor): Caller,
    id: Result<Path<i64>, PathRejection>,
    headers: HeaderMap,
) -> Answer<Json<Message>> {
    let id = CredentialId(number(id, "Credential")?);
    let revision = if_match(&headers)?;
    state.room.credentials(actor).delete(id, revision).await?;
    Ok(Json(Message { message: "Credential deleted successfully".to_owned() }))
}
