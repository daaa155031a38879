//! `POST /api/admin/alerts/routes`

use axum::Json;
use axum::extract::State;
use strongroom::alert::{Level, QuietHours, Route, Rule};
use strongroom_client::wire::alert::{AlertRoute, AlertRoutes};
use strongroom_model::{Problem, Provider};

use crate::http::extract::{Caller, JsonBody};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Set the routes of alerts
///
/// These stand in the place of all that there were.
#[utoipa::path(
    post,
    path = "/api/admin/alerts/routes",
    tag = "alerts",
    operation_id = "set_alert_routes",
    request_body = AlertRoutes,
    responses((status = 200, body = AlertRoutes))
)]
pub(super) async fn set_routes(
    State(state): State<AppState>,
    Caller(actor): Caller,
    JsonBody(body, _): JsonBody<AlertRoutes>,
) -> Answer<Json<AlertRoutes>> {
    let routes = body.routes.into_iter().map(read).collect::<Result<Vec<Route>, Problem>>()?;
    state.room.alerts(actor).set_routes(&routes).await?;
    Ok(Json(AlertRoutes { routes: routes.into_iter().map(super::wire_route).collect() }))
}

fn read(route: AlertRoute) -> Result<Route, Problem> {
    Ok(Route {
        rule: route.rule.as_deref().map(Rule::parse).transpose()?,
        from_level: route.from_level.as_deref().map(Level::parse).transpose()?,
        provider: route.provider.as_deref().map(Provider::parse).transpose()?,
        quiet: route.quiet.as_deref().map(QuietHours::parse).transpose()?,
        channels: route.channels,
        goes_on: route.goes_on,
    })
}
