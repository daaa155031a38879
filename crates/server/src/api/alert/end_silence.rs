//! `DELETE /api/admin/alerts/silences/{id}`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::problem::Message;

use crate::http::extract::Caller;
use crate::http::parameter::AlertPath;
use crate::http::problem::Answer;
use crate::state::AppState;

/// End a silence
#[utoipa::path(
    delete,
    path = "/api/admin/alerts/silences/{id}",
    tag = "alerts",
    operation_id = "end_silence",
    params(AlertPath),
    responses((status = 200, body = Message))
)]
pub(super) async fn end_silence(
    State(state): State<AppState>,
    Caller(actor): Caller,
    AlertPath(id): AlertPath,
) -> Answer<Json<Message>> {
    state.room.alerts(actor).end_silence(id).await?;
    Ok(Json(Message { message: "The silence is over".to_owned() }))
}
