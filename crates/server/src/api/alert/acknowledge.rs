//! `POST /api/admin/alerts/{id}/acknowledge`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::alert::{AcknowledgeAlert, Alert};

use crate::http::extract::{Caller, JsonBody};
use crate::http::parameter::AlertPath;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Acknowledge an alert
///
/// Nobody is reminded of it any more. It ends as it would have, and channels are told then.
#[utoipa::path(
    post,
    path = "/api/admin/alerts/{id}/acknowledge",
    tag = "alerts",
    operation_id = "acknowledge_alert",
    params(AlertPath),
    request_body = AcknowledgeAlert,
    responses((status = 200, body = Alert))
)]
pub(super) async fn acknowledge(
    State(state): State<AppState>,
    Caller(actor): Caller,
    AlertPath(id): AlertPath,
    JsonBody(body, _): JsonBody<AcknowledgeAlert>,
) -> Answer<Json<Alert>> {
    let alert = state.room.alerts(actor).acknowledge(id, body.note.as_deref()).await?;
    Ok(Json(super::wire(alert)))
}
