//! `GET /api/admin/alerts/rules`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::alert::AlertRule;

use crate::http::extract::Caller;
use crate::http::problem::Answer;
use crate::state::AppState;

/// List the alert rules that somebody has set
///
/// Where none is set, limits of a day, a month or prepaid tell at 80, 95 and 100 percent, and others not at all.
#[utoipa::path(
    get,
    path = "/api/admin/alerts/rules",
    tag = "alerts",
    operation_id = "list_alert_rules",
    responses((status = 200, body = Vec<AlertRule>))
)]
pub(super) async fn rules(
    State(state): State<AppState>,
    Caller(actor): Caller,
) -> Answer<Json<Vec<AlertRule>>> {
    let found = state.room.alerts(actor).rules().await?;
    Ok(Json(found.into_iter().map(super::wire_rule).collect()))
}
