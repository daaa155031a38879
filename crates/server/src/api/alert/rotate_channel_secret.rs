//! `POST /api/admin/alerts/channels/{name}/rotate-secret`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::alert::AlertChannel;

use crate::http::extract::Caller;
use crate::http::parameter::ChannelPath;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Replace the secret of a webhook
///
/// The new one is in this answer alone. For a day messages are signed with both.
#[utoipa::path(
    post,
    path = "/api/admin/alerts/channels/{name}/rotate-secret",
    tag = "alerts",
    operation_id = "rotate_alert_channel_secret",
    params(ChannelPath),
    responses((status = 200, body = AlertChannel))
)]
pub(super) async fn rotate_channel_secret(
    State(state): State<AppState>,
    Caller(actor): Caller,
    ChannelPath(name): ChannelPath,
) -> Answer<Json<AlertChannel>> {
    let (channel, secret) = state.room.alerts(actor).rotate_channel_secret(&name).await?;
    Ok(Json(super::wire_channel(channel, Some(secret))))
}
