//! `GET /dashboard/mine`

use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use strongroom::usage::Dim;
use strongroom::usage::sums::SumsRequest;
use strongroom_dashboard::page::mine::Mine;
use strongroom_model::Role;

use super::range;
use super::visit::Visit;
use crate::http::problem::Answer;
use crate::state::AppState;

const DAYS: i64 = 30;
/// Keys that are listed for a reader.
const MAX_READABLE: usize = 200;

pub(super) async fn show(State(state): State<AppState>, visit: Visit) -> Answer<Response> {
    let actor = visit.actor();
    let now = state.room.now().await?;
    let days = range::last(DAYS, now);
    let usage = state.room.usage(actor.clone());
    let sums = usage.own_sums(days.from, days.to).await?;
    let by_model = usage.own_groups(SumsRequest::new(Dim::Model, days.from, days.to)).await?;
    let limits = state.room.me(actor.clone()).limits().await?;
    let limits: Vec<_> = limits.iter().collect();
    let readable = match actor.role {
        Role::Reader => state.room.credentials(actor.clone()).list_readable(MAX_READABLE).await?,
        _ => Vec::new(),
    };
    let page = Mine {
        viewer: &visit.viewer(),
        sums: &sums,
        by_model: &by_model,
        limits: &limits,
        readable: &readable,
        now,
    };
    Ok(Html(page.render()).into_response())
}
