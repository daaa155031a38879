//! `GET /dashboard/alerts/rules`, thresholds that are set, and a test of them against the past.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use futures::FutureExt;
use serde::Deserialize;
use strongroom::alert::{AlertService, Backtested, Rule, Settings, Thresholds};
use strongroom::limit::Bound;
use strongroom_dashboard::Place;
use strongroom_dashboard::page::alert_rule_list::{RuleList, RuleTestPage};
use strongroom_model::{Problem, UserId};

use super::posted::{Form, Posted};
use super::typed;
use super::visit::{DoneQuery, QueryOf, Visit, fresh_once};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Days of a test that names none.
const DAYS: i64 = 30;

pub(super) async fn list(
    State(state): State<AppState>,
    visit: Visit,
    QueryOf(query): QueryOf<DoneQuery>,
) -> Answer<Response> {
    let page = RuleList {
        viewer: &visit.viewer(),
        rules: &state.room.alerts(visit.actor()).rules().await?,
        done: match query.done.as_str() {
            "set" => Some("Set. What is over it already is told."),
            "removed" => Some("Removed."),
            _ => None,
        },
        once: &fresh_once(),
    };
    Ok(Html(page.render()).into_response())
}

fn to(done: &str) -> String {
    format!("{}/rules?done={done}", Place::Alerts.path())
}

/// Whom something is for, of which at most one may be named.
pub(super) fn bound(form: &Form) -> Result<Option<Bound>, Problem> {
    one(typed::optional(form, "credential"), typed::optional(form, "token"), typed::user(form)?)
}

fn one(
    credential: Option<String>,
    token: Option<String>,
    user: Option<UserId>,
) -> Result<Option<Bound>, Problem> {
    match (credential, token, user) {
        (None, None, None) => Ok(None),
        (Some(name), None, None) => Ok(Some(Bound::Credential(name))),
        (None, Some(id), None) => Ok(Some(Bound::Token(id))),
        (None, None, Some(id)) => Ok(Some(Bound::User(id))),
        _ => Err(Problem::invalid("credential", "name at most one of a credential, a token and a user")),
    }
}

fn percentages(text: &str) -> Result<Thresholds, Problem> {
    let number = |text: &str| {
        let message = "at must hold whole percentages from 1 to 100 with commas between, such as 80, 95, 100";
        text.trim_end_matches('%').trim().parse().map_err(|_| Problem::invalid("at", message))
    };
    let all = text.split(',').map(str::trim).filter(|one| !one.is_empty());
    Thresholds::of(&all.map(number).collect::<Result<Vec<i64>, _>>()?)
}

pub(super) async fn set(State(state): State<AppState>, posted: Posted) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let service = state.room.alerts(actor.clone());
    let (bound, thresholds) = (bound(&posted.form)?, percentages(posted.form.text("at"))?);
    let work = async {
        let scope = service.rule_scope(None, bound.as_ref()).await?;
        service.set_rule(&scope, thresholds).await?;
        Ok(to("set"))
    };
    posted.once(&state, &actor, work.boxed()).await
}

/// Figures as `NAME=NUMBER`, with spaces or commas between.
fn figures(text: &str) -> Result<BTreeMap<String, i64>, Problem> {
    let wrong = || Problem::invalid("figures", "figures must be NAME=NUMBER, such as usd=50 times=5");
    let figure = |part: &str| {
        let (name, value) = part.split_once('=').ok_or_else(wrong)?;
        Ok((name.to_owned(), value.parse().map_err(|_| wrong())?))
    };
    text.split([' ', ',']).filter(|part| !part.is_empty()).map(figure).collect()
}

pub(super) async fn set_figures(State(state): State<AppState>, posted: Posted) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let rule = Rule::parse(posted.form.text("rule"))?;
    let is_off = posted.form.text("is_off") == "yes";
    let settings = Settings::of(rule, is_off, &figures(posted.form.text("figures"))?)?;
    let service = state.room.alerts(actor.clone());
    let work = async {
        service.set_rule_settings(rule, &settings).await?;
        Ok(to("set"))
    };
    posted.once(&state, &actor, work.boxed()).await
}

pub(super) async fn remove(
    State(state): State<AppState>,
    Path(text): Path<String>,
    posted: Posted,
) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let uid = text.parse().map_err(|_| Problem::not_found("Alert rule not found"))?;
    state.room.alerts(actor).remove_rule(uid).await?;
    Ok(Redirect::to(&to("removed")).into_response())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TestQuery {
    credential: String,
    token: String,
    user: String,
    at: String,
    days: String,
}

async fn tested(service: &AlertService, query: &TestQuery) -> Result<Backtested, Problem> {
    let given = |text: &str| Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned);
    if [&query.credential, &query.token].into_iter().any(|text| text.contains('\0')) {
        return Err(Problem::invalid("credential", "no name holds NUL"));
    }
    let number = |text: &str, field: &'static str| {
        let read = given(text).map(|text| text.parse::<i64>()).transpose();
        read.map_err(|_| Problem::invalid(field, format!("{field} must be a whole number")))
    };
    let user = number(&query.user, "user")?.map(UserId);
    let bound = one(given(&query.credential), given(&query.token), user)?;
    let scope = service.rule_scope(None, bound.as_ref()).await?;
    let thresholds = given(&query.at).map(|at| percentages(&at)).transpose()?;
    service.backtest(&scope, thresholds, number(&query.days, "days")?.unwrap_or(DAYS)).await
}

pub(super) async fn test(
    State(state): State<AppState>,
    visit: Visit,
    QueryOf(query): QueryOf<TestQuery>,
) -> Answer<Response> {
    let tested = tested(&state.room.alerts(visit.actor()), &query).await;
    let tested = match &tested {
        Ok(tested) => Ok(tested),
        Err(problem) if problem.field.is_some() => Err(problem.message.as_str()),
        Err(_) => return Err(tested.err().unwrap_or_else(|| Problem::internal("no outcome")).into()),
    };
    let TestQuery { credential, token, user, at, days } = &query;
    let page = RuleTestPage { viewer: &visit.viewer(), asked: [credential, token, user, at, days], tested };
    Ok(Html(page.render()).into_response())
}
