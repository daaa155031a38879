//! `POST /api/admin/alerts/rules/test`

use axum::Json;
use axum::extract::State;
use strongroom::alert::{Rule, Thresholds};
use strongroom_client::wire::alert::{AlertRuleFire, AlertRuleTest, TestAlertRule};

use crate::http::extract::{Caller, JsonBody};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Test the thresholds of limits against the days that were
///
/// Tells when people would have been told, by the sums of each day. Nothing is written and nobody is told.
#[utoipa::path(
    post,
    path = "/api/admin/alerts/rules/test",
    tag = "alerts",
    operation_id = "test_alert_rule",
    request_body = TestAlertRule,
    responses((status = 200, body = AlertRuleTest))
)]
pub(super) async fn test_rule(
    State(state): State<AppState>,
    Caller(actor): Caller,
    JsonBody(body, _): JsonBody<TestAlertRule>,
) -> Answer<Json<AlertRuleTest>> {
    let service = state.room.alerts(actor);
    let rule = body.rule.as_deref().map_or(Ok(Rule::LimitThreshold), Rule::parse)?;
    let days = body.days.unwrap_or(30);
    let bound = super::bound(body.credential, body.token, body.user_id)?;
    let tested = if rule == Rule::LimitThreshold {
        let thresholds = body.at.as_deref().map(Thresholds::of).transpose()?;
        let scope = super::scope(&service, body.limit, bound).await?;
        service.backtest(&scope, thresholds, days).await?
    } else {
        let is_for_all = body.limit.is_none() && bound.is_none();
        let given = body.figures.is_some();
        let settings = super::settings(rule, is_for_all, body.at.as_ref(), false, body.figures)?;
        service.backtest_figures(rule, given.then_some(settings), days).await?
    };
    let fires = tested.fires.into_iter().map(|fire| AlertRuleFire {
        at: fire.at,
        subject: fire.subject,
        percent: fire.percent.into(),
        used: fire.used,
        unit: fire.unit.as_str().to_owned(),
        text: fire.says,
    });
    Ok(Json(AlertRuleTest {
        from: tested.from,
        limits: tested.limits as u64,
        left_out: tested.left_out as u64,
        fires: fires.collect(),
    }))
}
