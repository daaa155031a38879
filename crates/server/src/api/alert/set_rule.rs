//! `POST /api/admin/alerts/rules`

use axum::Json;
use axum::extract::State;
use strongroom::alert::Thresholds;
use strongroom_client::wire::alert::{AlertRule, SetAlertRule};

use crate::http::extract::{Caller, JsonBody};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Set the thresholds of limits
///
/// What is set for a limit goes before what is set for all limits of a credential, token or user, and that before what is set for all.
/// What is over a new threshold already is told at once.
#[utoipa::path(
    post,
    path = "/api/admin/alerts/rules",
    tag = "alerts",
    operation_id = "set_alert_rule",
    request_body = SetAlertRule,
    responses((status = 200, body = AlertRule))
)]
pub(super) async fn set_rule(
    State(state): State<AppState>,
    Caller(actor): Caller,
    JsonBody(body, _): JsonBody<SetAlertRule>,
) -> Answer<Json<AlertRule>> {
    let service = state.room.alerts(actor);
    let thresholds = Thresholds::of(&body.at)?;
    let bound = super::bound(body.credential, body.token, body.user_id)?;
    let scope = super::scope(&service, body.limit, bound).await?;
    Ok(Json(super::wire_rule(service.set_rule(&scope, thresholds).await?)))
}
