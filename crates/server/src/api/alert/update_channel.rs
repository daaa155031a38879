//! `PATCH /api/admin/alerts/channels/{name}`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::alert::{AlertChannel, UpdateAlertChannel};

use crate::http::extract::{Caller, JsonBody};
use crate::http::parameter::ChannelPath;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Turn a channel off or on
#[utoipa::path(
    patch,
    path = "/api/admin/alerts/channels/{name}",
    tag = "alerts",
    operation_id = "update_alert_channel",
    params(ChannelPath),
    request_body = UpdateAlertChannel,
    responses((status = 200, body = AlertChannel))
)]
pub(super) async fn update_channel(
    State(state): State<AppState>,
    Caller(actor): Caller,
    ChannelPath(name): ChannelPath,
    JsonBody(body, _): JsonBody<UpdateAlertChannel>,
) -> Answer<Json<AlertChannel>> {
    let channel = state.room.alerts(actor).set_channel_enabled(&name, body.is_enabled).await?;
    Ok(Json(super::wire_channel(channel, None)))
}
