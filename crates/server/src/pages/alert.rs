//! `GET /dashboard/alerts`, the page of each, and how people answer them. A link in a message leads here and changes nothing.

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;
use strongroom::alert::{IncidentFilter, Rule, Standing};
use strongroom_dashboard::Place;
use strongroom_dashboard::page::alert::AlertPage;
use strongroom_dashboard::page::alert_delivery_list::{self, DeliveryList};
use strongroom_dashboard::page::alert_list::{self, AlertList, Asked, ROWS};
use strongroom_model::{Millis, Problem, Uid};

use super::posted::Posted;
use super::typed;
use super::visit::{DoneQuery, QueryOf, Visit};
use crate::http::problem::Answer;
use crate::state::AppState;

const DAY_MS: i64 = 86_400_000;
/// Alerts that are over are listed for so many days.
const DAYS: i64 = 30;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ListQuery {
    state: String,
    rule: String,
    behind: String,
}

pub(super) async fn list(
    State(state): State<AppState>,
    visit: Visit,
    QueryOf(query): QueryOf<ListQuery>,
) -> Answer<Response> {
    // What cannot be read is as if it was not there: an address may be old.
    let asked = Asked { standing: Standing::from_name(&query.state), rule: Rule::from_name(&query.rule) };
    let service = state.room.alerts(visit.actor());
    let is_over = asked.standing == Some(Standing::Resolved);
    let from = if is_over { Some(Millis(state.room.now().await?.0 - DAYS * DAY_MS)) } else { None };
    let filter = IncidentFilter {
        firing_only: !is_over,
        standing: asked.standing,
        rule: asked.rule,
        behind: query.behind.parse().ok(),
        from,
        ..IncidentFilter::default()
    };
    let mut alerts = service.list(&filter, ROWS + 1).await?;
    let has_more = alerts.len() as i64 > ROWS;
    alerts.truncate(usize::try_from(ROWS).unwrap_or(usize::MAX));
    let page = AlertList {
        viewer: &visit.viewer(),
        asked,
        counts: &service.count().await?,
        alerts: &alerts,
        has_more,
    };
    Ok(Html(page.render()).into_response())
}

fn uid(text: &str) -> Result<Uid, Problem> {
    text.parse().map_err(|_| Problem::not_found("Alert not found"))
}

pub(super) async fn show(
    State(state): State<AppState>,
    visit: Visit,
    Path(text): Path<String>,
    QueryOf(DoneQuery { done }): QueryOf<DoneQuery>,
) -> Answer<Response> {
    let service = state.room.alerts(visit.actor());
    let (view, deliveries) = service.require(uid(&text)?).await?;
    let page = AlertPage {
        viewer: &visit.viewer(),
        now: state.room.now().await?,
        view: &view,
        deliveries: &deliveries,
        channels: &service.channels().await?,
        done: match done.as_str() {
            "acknowledged" => Some("Acknowledged. Nobody is reminded of it any more."),
            "resolved" => Some("Ended. Whoever was told of it is told so."),
            "silenced" => Some("Silenced."),
            _ => None,
        },
    };
    Ok(Html(page.render()).into_response())
}

fn to(uid: Uid, done: &str) -> Answer<Response> {
    Ok(Redirect::to(&format!("{}?done={done}", alert_list::path(uid))).into_response())
}

pub(super) async fn acknowledge(
    State(state): State<AppState>,
    Path(text): Path<String>,
    posted: Posted,
) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let (uid, note) = (uid(&text)?, typed::optional(&posted.form, "note"));
    state.room.alerts(actor).acknowledge(uid, note.as_deref()).await?;
    to(uid, "acknowledged")
}

pub(super) async fn resolve(
    State(state): State<AppState>,
    Path(text): Path<String>,
    posted: Posted,
) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let uid = uid(&text)?;
    state.room.alerts(actor).resolve(uid).await?;
    to(uid, "resolved")
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct DeliveryQuery {
    dead: String,
    done: String,
}

pub(super) async fn deliveries(
    State(state): State<AppState>,
    visit: Visit,
    QueryOf(query): QueryOf<DeliveryQuery>,
) -> Answer<Response> {
    let service = state.room.alerts(visit.actor());
    let dead_only = query.dead == "yes";
    let page = DeliveryList {
        viewer: &visit.viewer(),
        dead_only,
        deliveries: &service.deliveries(dead_only, alert_delivery_list::ROWS).await?,
        channels: &service.channels().await?,
        done: (query.done == "retried").then_some("It is sent within seconds."),
    };
    Ok(Html(page.render()).into_response())
}

pub(super) async fn retry(
    State(state): State<AppState>,
    Path(text): Path<String>,
    posted: Posted,
) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let uid = text.parse().map_err(|_| Problem::not_found("Delivery not found"))?;
    state.room.alerts(actor).retry(uid).await?;
    Ok(Redirect::to(&format!("{}/deliveries?done=retried", Place::Alerts.path())).into_response())
}
