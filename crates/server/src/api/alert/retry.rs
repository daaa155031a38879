//! `POST /api/admin/alerts/deliveries/{id}/retry`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::alert::AlertDelivery;

use crate::http::extract::Caller;
use crate::http::parameter::AlertPath;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Try to send once more what was given up
#[utoipa::path(
    post,
    path = "/api/admin/alerts/deliveries/{id}/retry",
    tag = "alerts",
    operation_id = "retry_alert_delivery",
    params(AlertPath),
    responses((status = 200, body = AlertDelivery))
)]
pub(super) async fn retry(
    State(state): State<AppState>,
    Caller(actor): Caller,
    AlertPath(id): AlertPath,
) -> Answer<Json<AlertDelivery>> {
    Ok(Json(super::wire_delivery(state.room.alerts(actor).retry(id).await?)))
}
