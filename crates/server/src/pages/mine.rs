//! `GET /dashboard/mine`

use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use strongroom_dashboard::page::mine::Mine;
use strongroom_model::limit::LimitScope;
use strongroom_model::{Actor, ActorKind};

use super::range;
use super::visit::Visit;
use crate::http::problem::Answer;
use crate::state::AppState;

const DAYS: i64 = 30;

pub(super) async fn show(State(state): State<AppState>, visit: Visit) -> Answer<Response> {
    let actor = visit.actor();
    let days = range::last(DAYS, state.room.now().await?);
    let sums = state.room.usage(actor.clone()).own_sums(days.from, days.to).await?;
    let limits = state.room.limits(actor.clone()).list().await?;
    let limits: Vec<_> = limits.iter().filter(|limit| binds(&limit.limit.scope, &actor)).collect();
    Ok(Html(Mine { viewer: &visit.viewer(), sums: &sums, limits: &limits }.render()).into_response())
}

/// Tells whether a limit is set on this very token or user.
fn binds(scope: &LimitScope, actor: &Actor) -> bool {
    match (scope, &actor.kind) {
        (LimitScope::Token(id), ActorKind::Token(own)) => id == own,
        (LimitScope::User(id), _) => Some(*id) == actor.user,
        _ => false,
    }
}
