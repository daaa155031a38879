//! `GET /api/admin/alerts/{id}`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::alert::AlertDetails;

use crate::http::extract::Caller;
use crate::http::parameter::AlertPath;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Show an alert, and what was sent of it
#[utoipa::path(
    get,
    path = "/api/admin/alerts/{id}",
    tag = "alerts",
    operation_id = "get_alert",
    params(AlertPath),
    responses((status = 200, body = AlertDetails))
)]
pub(super) async fn show(
    State(state): State<AppState>,
    Caller(actor): Caller,
    AlertPath(id): AlertPath,
) -> Answer<Json<AlertDetails>> {
    let (alert, deliveries) = state.room.alerts(actor).require(id).await?;
    let deliveries = deliveries.into_iter().map(super::wire_delivery).collect();
    Ok(Json(AlertDetails { alert: super::wire(alert), deliveries }))
}
