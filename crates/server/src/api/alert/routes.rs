//! `GET /api/admin/alerts/routes`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::alert::AlertRoutes;

use crate::http::extract::Caller;
use crate::http::problem::Answer;
use crate::state::AppState;

/// List the routes of alerts
///
/// Where there is none, every channel is told of everything but what is only to be known.
#[utoipa::path(
    get,
    path = "/api/admin/alerts/routes",
    tag = "alerts",
    operation_id = "list_alert_routes",
    responses((status = 200, body = AlertRoutes))
)]
pub(super) async fn list_routes(
    State(state): State<AppState>,
    Caller(actor): Caller,
) -> Answer<Json<AlertRoutes>> {
    let routes = state.room.alerts(actor).routes().await?;
    Ok(Json(AlertRoutes { routes: routes.into_iter().map(super::wire_route).collect() }))
}
