//! `GET /api/admin/alerts/channels`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::alert::AlertChannel;

use crate::http::extract::Caller;
use crate::http::problem::Answer;
use crate::state::AppState;

/// List the channels that alerts are told to
#[utoipa::path(
    get,
    path = "/api/admin/alerts/channels",
    tag = "alerts",
    operation_id = "list_alert_channels",
    responses((status = 200, body = Vec<AlertChannel>))
)]
pub(super) async fn channels(
    State(state): State<AppState>,
    Caller(actor): Caller,
) -> Answer<Json<Vec<AlertChannel>>> {
    let found = state.room.alerts(actor).channels().await?;
    Ok(Json(found.into_iter().map(|channel| super::wire_channel(channel, None)).collect()))
}
