//! `POST /api/admin/alerts/rules`

use axum::Json;
use axum::extract::State;
use strongroom::alert::{Rule, Thresholds};
use strongroom_client::wire::alert::{AlertRule, SetAlertRule};
use strongroom_model::Problem;

use crate::http::extract::{Caller, JsonBody};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Set the thresholds of limits, or the figures of another rule
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
    let rule = body.rule.as_deref().map_or(Ok(Rule::LimitThreshold), Rule::parse)?;
    if rule != Rule::LimitThreshold {
        let is_for_all = body.limit.is_none() && body.credential.is_none() && body.token.is_none();
        let is_for_all = is_for_all && body.user_id.is_none();
        let is_off = body.is_off.unwrap_or(false);
        let settings = super::settings(rule, is_for_all, body.at.as_ref(), is_off, body.figures)?;
        return Ok(Json(super::wire_rule(service.set_rule_settings(rule, &settings).await?)));
    }
    if body.figures.is_some() || body.is_off.is_some() {
        return Err(Problem::invalid("figures", "limit_threshold has percentages (at) and no figures").into());
    }
    let at = body.at.ok_or_else(|| Problem::invalid("at", "at must be given; an empty list tells nobody"))?;
    let thresholds = Thresholds::of(&at)?;
    let bound = super::bound(body.credential, body.token, body.user_id)?;
    let scope = super::scope(&service, body.limit, bound).await?;
    Ok(Json(super::wire_rule(service.set_rule(&scope, thresholds).await?)))
}
