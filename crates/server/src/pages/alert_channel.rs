//! `GET /dashboard/alerts/channels`: channels and routes, and what is done to them.

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use futures::FutureExt;
use sha2::{Digest as _, Sha256};
use strongroom::alert::{
    ChannelKind, ChannelSettings, ChannelView, Level, MailSettings, NewChannel, QuietHours, Route, Rule,
};
use strongroom_dashboard::Place;
use strongroom_dashboard::page::alert_channel_list::{ChannelList, Done};
use strongroom_model::{Actor, Problem, Provider};

use super::posted::{Form, Posted};
use super::typed;
use super::visit::{DoneQuery, QueryOf, Visit, fresh_once};
use crate::http::problem::Answer;
use crate::state::AppState;

async fn page(state: &AppState, visit: &Visit, done: Option<Done<'_>>) -> Answer<Response> {
    let service = state.room.alerts(visit.actor());
    let routes = service.routes().await?;
    let page = ChannelList {
        viewer: &visit.viewer(),
        channels: &service.channels_in_use().await?,
        routes: &routes,
        routes_revision: &revision(&routes),
        done,
        once: &fresh_once(),
    };
    Ok(Html(page.render()).into_response())
}

/// The routes, known again: a route is removed by its place, which another change may have moved.
fn revision(routes: &[Route]) -> String {
    let digest = Sha256::digest(format!("{routes:?}"));
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

pub(super) async fn list(
    State(state): State<AppState>,
    visit: Visit,
    QueryOf(query): QueryOf<DoneQuery>,
) -> Answer<Response> {
    let done = match query.done.as_str() {
        "added" => Some("Added. Test it now: nothing has been sent to it yet."),
        "on" => Some("Turned on."),
        "off" => Some("Turned off."),
        "removed" => Some("Removed."),
        "routed" => Some("The routes are changed."),
        "again" => Some(
            "That form was sent before, and the secret was shown then. If nobody has kept it, have a new one made.",
        ),
        _ => None,
    };
    page(&state, &visit, done.map(Done::Changed)).await
}

fn to(done: &str) -> String {
    format!("{}/channels?done={done}", Place::Alerts.path())
}

fn requested(form: &Form) -> Result<NewChannel, Problem> {
    let from = typed::optional(form, "mail_from");
    let addresses = typed::names(form, "mail_to");
    let mail = (from.is_some() || !addresses.is_empty())
        .then(|| MailSettings { from: from.unwrap_or_default(), to: addresses });
    Ok(NewChannel {
        name: form.text("name").trim().to_owned(),
        kind: ChannelKind::parse(form.text("kind"))?,
        address: form.secret("address"),
        secret: form.secret("channel_secret"),
        settings: ChannelSettings { mail },
    })
}

pub(super) async fn add(State(state): State<AppState>, posted: Posted) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let new = requested(&posted.form)?;
    if let Some(to) = posted.begin(&state, &actor).await? {
        return Ok(Redirect::to(&to).into_response());
    }
    let made = state.room.alerts(actor.clone()).add_channel(new).await;
    let has_secret = made.as_ref().is_ok_and(|(_, secret)| secret.is_some());
    let led_to = to(if has_secret { "again" } else { "added" });
    posted.finish(&state, &actor, made.is_ok().then_some(led_to.as_str())).await;
    match made? {
        (channel, Some(secret)) => {
            page(&state, &posted.visit, Some(Done::Secret(&channel.name, secret.expose()))).await
        }
        (_, None) => Ok(Redirect::to(&led_to).into_response()),
    }
}

/// The channel that is meant. Names may be like ids, so that the id alone decides.
async fn channel(state: &AppState, actor: &Actor, id: &str) -> Result<ChannelView, Problem> {
    let channels = state.room.alerts(actor.clone()).channels().await?;
    let found = channels.into_iter().find(|channel| channel.uid.to_string() == id);
    found.ok_or_else(|| Problem::not_found("Channel not found"))
}

pub(super) async fn test(
    State(state): State<AppState>,
    Path(id): Path<String>,
    posted: Posted,
) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let channel = channel(&state, &actor, &id).await?;
    let tested = state.room.alerts(actor).test_channel(&id).await?;
    page(&state, &posted.visit, Some(Done::Tested(&channel.name, &tested))).await
}

pub(super) async fn activity(
    State(state): State<AppState>,
    Path(id): Path<String>,
    posted: Posted,
) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    channel(&state, &actor, &id).await?;
    let is_enabled = match posted.form.text("state") {
        "yes" => true,
        "no" => false,
        _ => return Err(Problem::invalid("state", "state must be yes or no").into()),
    };
    state.room.alerts(actor).set_channel_enabled(&id, is_enabled).await?;
    Ok(Redirect::to(&to(if is_enabled { "on" } else { "off" })).into_response())
}

pub(super) async fn rotate_secret(
    State(state): State<AppState>,
    Path(id): Path<String>,
    posted: Posted,
) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    channel(&state, &actor, &id).await?;
    let (channel, secret) = state.room.alerts(actor).rotate_channel_secret(&id).await?;
    page(&state, &posted.visit, Some(Done::Secret(&channel.name, secret.expose()))).await
}

pub(super) async fn remove(
    State(state): State<AppState>,
    Path(id): Path<String>,
    posted: Posted,
) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let channel = channel(&state, &actor, &id).await?;
    typed::confirmed(&posted.form, &channel.name)?;
    state.room.alerts(actor).remove_channel(&id).await?;
    Ok(Redirect::to(&to("removed")).into_response())
}

fn route(form: &Form) -> Result<Route, Problem> {
    let given = |field| typed::optional(form, field);
    let is_for_all = ["rule", "from_level", "only_provider"].into_iter().all(|field| given(field).is_none());
    if is_for_all && typed::names(form, "channels").is_empty() {
        return Err(Problem::invalid("channels", "a route for all alerts must name a channel"));
    }
    Ok(Route {
        rule: given("rule").map(|rule| Rule::parse(&rule)).transpose()?,
        from_level: given("from_level").map(|level| Level::parse(&level)).transpose()?,
        provider: given("only_provider").map(|name| Provider::parse(&name)).transpose()?,
        channels: typed::names(form, "channels"),
        quiet: given("quiet").map(|text| QuietHours::parse(&text)).transpose()?,
        goes_on: form.text("goes_on") == "yes",
    })
}

pub(super) async fn add_route(State(state): State<AppState>, posted: Posted) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let service = state.room.alerts(actor.clone());
    let route = route(&posted.form)?;
    let work = async {
        let mut routes = service.routes().await?;
        routes.push(route);
        service.set_routes(&routes).await?;
        Ok(to("routed"))
    };
    posted.once(&state, &actor, work.boxed()).await
}

pub(super) async fn remove_route(State(state): State<AppState>, posted: Posted) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let service = state.room.alerts(actor);
    let mut routes = service.routes().await?;
    if posted.form.text("revision") != revision(&routes) {
        return Err(Problem::conflict("the routes were changed meanwhile; look at them again").into());
    }
    let place = typed::number(&posted.form, "place")?.and_then(|place| usize::try_from(place).ok());
    let place = place.filter(|place| *place < routes.len());
    routes.remove(place.ok_or_else(|| Problem::not_found("Route not found"))?);
    service.set_routes(&routes).await?;
    Ok(Redirect::to(&to("routed")).into_response())
}
