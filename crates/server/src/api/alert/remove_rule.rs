//! `DELETE /api/admin/alerts/rules/{id}`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::problem::Message;

use crate::http::extract::Caller;
use crate::http::parameter::AlertPath;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Remove an alert rule
#[utoipa::path(
    delete,
    path = "/api/admin/alerts/rules/{id}",
    tag = "alerts",
    operation_id = "remove_alert_rule",
    params(AlertPath),
    responses((status = 200, body = Message))
)]
pub(super) async fn remove_rule(
    State(state): State<AppState>,
    Caller(actor): Caller,
    AlertPath(id): AlertPath,
) -> Answer<Json<Message>> {
    state.room.alerts(actor).remove_rule(id).await?;
    Ok(Json(Message { message: "The rule is removed".to_owned() }))
}
