//! `POST /api/admin/backup/proofs`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::backup::ProvenBackup;
use strongroom_client::wire::problem::Message;

use crate::http::extract::{Caller, JsonBody};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Note that a backup was proven
///
/// `strongroom backup verify --report` does so. People are told when no backup was proven for a week.
#[utoipa::path(
    post,
    path = "/api/admin/backup/proofs",
    tag = "backup",
    operation_id = "note_proven_backup",
    request_body = ProvenBackup,
    responses((status = 200, body = Message))
)]
pub(super) async fn note_proof(
    State(state): State<AppState>,
    Caller(actor): Caller,
    JsonBody(body, _): JsonBody<ProvenBackup>,
) -> Answer<Json<Message>> {
    state.room.alert_work().note_proven_backup(&actor, body.made_at).await?;
    Ok(Json(Message { message: "The proof is noted".to_owned() }))
}
