//! `GET /dashboard/sessions`, and ending one.

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;
use strongroom_dashboard::Place;
use strongroom_dashboard::page::session_list::SessionList;
use strongroom_model::{Problem, Role};

use super::posted::Posted;
use super::visit::{QueryOf, Visit};
use crate::http::problem::Answer;
use crate::state::AppState;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ListQuery {
    done: String,
}

pub(super) async fn list(
    State(state): State<AppState>,
    visit: Visit,
    QueryOf(query): QueryOf<ListQuery>,
) -> Answer<Response> {
    let own = &visit.signed_in.session;
    let mut sessions = state.room.sign_ins().list().await?;
    if visit.signed_in.actor.role != Role::Admin {
        sessions.retain(|session| session.holder == own.holder);
    }
    let full_session_at = visit.site.full_session_at();
    let page = SessionList {
        viewer: &visit.viewer(),
        own: own.uid,
        sessions: &sessions,
        full_session_at: full_session_at.as_deref(),
        done: (query.done == "ended").then_some("Ended."),
    };
    Ok(Html(page.render()).into_response())
}

pub(super) async fn end(
    State(state): State<AppState>,
    Path(id): Path<String>,
    posted: Posted,
) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let uid = id.parse().map_err(|_| Problem::not_found("Session not found, or it has ended"))?;
    state.room.sign_ins().end(&actor, uid).await?;
    Ok(Redirect::to(&format!("{}?done=ended", Place::Sessions.path())).into_response())
}
