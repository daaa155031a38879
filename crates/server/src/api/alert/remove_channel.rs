//! `DELETE /api/admin/alerts/channels/{name}`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::problem::Message;

use crate::http::extract::Caller;
use crate::http::parameter::ChannelPath;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Remove a channel
///
/// What was to be sent to it is given up.
#[utoipa::path(
    delete,
    path = "/api/admin/alerts/channels/{name}",
    tag = "alerts",
    operation_id = "remove_alert_channel",
    params(ChannelPath),
    responses((status = 200, body = Message))
)]
pub(super) async fn remove_channel(
    State(state): State<AppState>,
    Caller(actor): Caller,
    ChannelPath(name): ChannelPath,
) -> Answer<Json<Message>> {
    let removed = state.room.alerts(actor).remove_channel(&name).await?;
    Ok(Json(Message { message: format!("Channel {} is removed", removed.name) }))
}
