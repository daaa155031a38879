//! `GET /api/admin/alerts/deliveries`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::alert::{AlertDelivery, ListDeliveries};

use crate::http::extract::{Caller, Query};
use crate::http::paging::check_limit;
use crate::http::problem::Answer;
use crate::state::AppState;

/// List what was sent of alerts, or is to be
#[utoipa::path(
    get,
    path = "/api/admin/alerts/deliveries",
    tag = "alerts",
    operation_id = "list_alert_deliveries",
    params(ListDeliveries),
    responses((status = 200, body = Vec<AlertDelivery>))
)]
pub(super) async fn deliveries(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<ListDeliveries>,
) -> Answer<Json<Vec<AlertDelivery>>> {
    let limit = check_limit(query.limit.unwrap_or(100))?;
    let found = state.room.alerts(actor).deliveries(query.dead.unwrap_or(false), limit).await?;
    Ok(Json(found.into_iter().map(super::wire_delivery).collect()))
}
