//! `POST /api/admin/alerts/channels`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use strongroom::alert::{ChannelKind, ChannelSettings, MailSettings, NewChannel};
use strongroom_client::wire::alert::{AlertChannel, MakeAlertChannel};

use crate::http::extract::{Caller, JsonBody};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Add a channel
///
/// Its address and its secrets are sealed and never shown again; the secret that is made for a webhook is in this answer alone.
#[utoipa::path(
    post,
    path = "/api/admin/alerts/channels",
    tag = "alerts",
    operation_id = "make_alert_channel",
    request_body = MakeAlertChannel,
    responses((status = 201, body = AlertChannel))
)]
pub(super) async fn add_channel(
    State(state): State<AppState>,
    Caller(actor): Caller,
    JsonBody(body, _): JsonBody<MakeAlertChannel>,
) -> Answer<(StatusCode, Json<AlertChannel>)> {
    let kind = ChannelKind::parse(&body.kind)?;
    let mail = (body.from.is_some() || body.to.is_some())
        .then(|| MailSettings { from: body.from.unwrap_or_default(), to: body.to.unwrap_or_default() });
    let new = NewChannel {
        name: body.name,
        kind,
        address: body.address.map(|text| text.0),
        secret: body.secret.map(|text| text.0),
        settings: ChannelSettings { mail },
    };
    let (channel, secret) = state.room.alerts(actor).add_channel(new).await?;
    Ok((StatusCode::CREATED, Json(super::wire_channel(channel, secret))))
}
