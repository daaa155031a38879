//! `GET /dashboard/limits`

use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use strongroom_dashboard::page::limit_list::LimitList;

use super::visit::Visit;
use crate::http::problem::Answer;
use crate::state::AppState;

pub(super) async fn list(State(state): State<AppState>, visit: Visit) -> Answer<Response> {
    let limits = state.room.limits(visit.actor()).list().await?;
    Ok(Html(LimitList { viewer: &visit.viewer(), limits: &limits }.render()).into_response())
}
