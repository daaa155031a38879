//! `POST /api/admin/alerts/channels/{name}/test`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::alert::AlertChannelTest;

use crate::http::extract::Caller;
use crate::http::parameter::ChannelPath;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Send a test to a channel
///
/// The message says that it is a test; the answer tells what the channel said.
#[utoipa::path(
    post,
    path = "/api/admin/alerts/channels/{name}/test",
    tag = "alerts",
    operation_id = "test_alert_channel",
    params(ChannelPath),
    responses((status = 200, body = AlertChannelTest))
)]
pub(super) async fn test_channel(
    State(state): State<AppState>,
    Caller(actor): Caller,
    ChannelPath(name): ChannelPath,
) -> Answer<Json<AlertChannelTest>> {
    let tested = state.room.alerts(actor).test_channel(&name).await?;
    Ok(Json(AlertChannelTest { taken: tested.is_taken, answer: tested.answer }))
}
