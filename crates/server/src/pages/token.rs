//! `GET /dashboard/tokens`, and revoking one.

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;
use strongroom::usage::GroupBy;
use strongroom_dashboard::Place;
use strongroom_dashboard::page::token_list::TokenList;

use super::posted::Posted;
use super::range;
use super::visit::{QueryOf, Visit};
use crate::http::problem::Answer;
use crate::state::AppState;

const DAYS: i64 = 30;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ListQuery {
    all: String,
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
        sums: &state.room.usage(visit.actor()).sums(GroupBy::Token, days.from, days.to).await?,
        with_dead: query.all == "yes",
        done: (query.done == "revoked").then_some("Revoked. Programs that show it are refused from now on."),
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
