//! `POST /api/admin/credentials/{id}/purge`

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use strongroom_client::wire::problem::{Message, ProblemBody};
use strongroom_model::CredentialId;

use crate::http::extract::{Caller, if_match, number};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Purge a deleted credential
///
/// All its values are erased for good. What was used and done with it stays on record.
#[utoipa::path(
    post,
    path = "/api/admin/credentials/{id}/purge",
    tag = "credentials",
    operation_id = "purge_credential",
    params(
        ("id" = i64, Path, description = "The credential's number"),
        ("If-Match" = Option<String>, Header, nullable = false, pattern = r#"^(\*|"[0-9]{1,18}")$"#, description = "The `ETag` that the change is based on; 412 when it has passed")
    ),
    responses((status = 200, body = Message), (status = "default", description = "A problem", body = ProblemBody)),
    security(("bearer" = []))
)]
pub(super) async fn purge(
    State(state): State<AppState>,
    Caller(actor): Caller,
    id: Result<Path<i64>, PathRejection>,
    headers: HeaderMap,
) -> Answer<Json<Message>> {
    let id = CredentialId(number(id, "Credential")?);
    let revision = if_match(&headers)?;
    state.room.credentials(actor).purge(id, revision).await?;
    Ok(Json(Message { message: "Credential purged".to_owned() }))
}
