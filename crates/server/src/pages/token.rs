//! `GET /dashboard/tokens`, making one, and revoking one.

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;
use strongroom::token::TokenRequest;
use strongroom::usage::Dim;
use strongroom_dashboard::Place;
use strongroom_dashboard::page::reveal::NewTokenPage;
use strongroom_dashboard::page::token_list::TokenList;
use strongroom_model::limit::{Unit, Window};
use strongroom_model::{Problem, Provider, Role, UserId};

use super::posted::{Form, Posted};
use super::visit::{QueryOf, Visit, fresh_once};
use super::{range, start, typed};
use crate::http::problem::Answer;
use crate::state::AppState;

const DAYS: i64 = 30;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ListQuery {
    all: String,
    user: Option<i64>,
    done: String,
}

pub(super) async fn list(
    State(state): State<AppState>,
    visit: Visit,
    QueryOf(query): QueryOf<ListQuery>,
) -> Answer<Response> {
    let now = state.room.now().await?;
    let days = range::last(DAYS, now);
    let page = TokenList {
        viewer: &visit.viewer(),
        now,
        tokens: &state.room.tokens(visit.actor()).list().await?,
        sums: &state.room.usage(visit.actor()).sums(Dim::Token, days.from, days.to).await?,
        with_dead: query.all == "yes",
        only_of: query.user.map(UserId),
        done: match query.done.as_str() {
            "revoked" => Some("Revoked. Programs that show it are refused from now on."),
            "made" => Some(
                "That form was sent before, and the token was made and shown then. If nobody has kept it, revoke it and make another one.",
            ),
            _ => None,
        },
        once: &fresh_once(),
    };
    Ok(Html(page.render()).into_response())
}

fn requested(form: &Form) -> Result<TokenRequest, Problem> {
    let providers = typed::names(form, "providers");
    let limits = match typed::optional(form, "limit_amount") {
        None => Vec::new(),
        Some(amount) => {
            let window = Window::parse(form.text("window"))?;
            vec![(Unit::NanoUsd, window, typed::dollars(&amount, "limit_amount")?)]
        }
    };
    Ok(TokenRequest {
        expires_at: typed::day(form, "expires")?,
        credentials: typed::names(form, "credentials"),
        providers: providers.iter().map(|name| Provider::parse(name)).collect::<Result<_, _>>()?,
        user: typed::user(form)?,
        limits,
        ..TokenRequest::new(form.text("name"), Role::parse(form.text("role"))?)
    })
}

pub(super) async fn create(State(state): State<AppState>, posted: Posted) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let request = requested(&posted.form)?;
    if let Some(to) = posted.begin(&state, &actor).await? {
        return Ok(Redirect::to(&to).into_response());
    }
    let made = state.room.tokens(actor.clone()).create(request).await;
    let is_first_step = posted.form.text("next") == start::PATH;
    let led_to =
        if is_first_step { start::done("made") } else { format!("{}?done=made", Place::Tokens.path()) };
    posted.finish(&state, &actor, made.is_ok().then_some(led_to.as_str())).await;
    let (new, named) = made?;
    if is_first_step {
        let page = start::page(&state, &posted.visit, Some(new.text.expose()), None).await?;
        return Ok(Html(page).into_response());
    }
    let page = NewTokenPage {
        viewer: &posted.visit.viewer(),
        name: &named.token.name,
        token: new.text.expose(),
        base_url: &start::base_url(&state, &posted.visit.site),
    };
    Ok(Html(page.render()).into_response())
}

pub(super) async fn revoke(
    State(state): State<AppState>,
    Path(id): Path<String>,
    posted: Posted,
) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    state.room.tokens(actor).revoke(&id).await?;
    Ok(Redirect::to(&format!("{}?done=revoked", Place::Tokens.path())).into_response())
}
