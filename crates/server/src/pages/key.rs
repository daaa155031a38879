//! `GET /dashboard/keys`, and replacing them.

use axum::extract::State;
use axum::response::{Html, IntoResponse, Redirect, Response};
use futures::FutureExt;
use strongroom_dashboard::Place;
use strongroom_dashboard::page::key_list::KeyList;

use super::posted::Posted;
use super::visit::{DoneQuery, QueryOf, Visit, fresh_once};
use crate::http::problem::Answer;
use crate::state::AppState;

pub(super) async fn list(
    State(state): State<AppState>,
    visit: Visit,
    QueryOf(query): QueryOf<DoneQuery>,
) -> Answer<Response> {
    let status = state.room.keys().status().await?;
    let page = KeyList {
        viewer: &visit.viewer(),
        status: &status,
        done: match query.done.as_str() {
            "rotating" => {
                Some("A new data key is in use; everything is sealed again beside the work of the server.")
            }
            "wrapped" => Some("Every key is wrapped under the master key of this server."),
            "retired" => Some("What was wrapped under older master keys is gone."),
            _ => None,
        },
        once: &fresh_once(),
    };
    Ok(Html(page.render()).into_response())
}

fn to(what: &str) -> String {
    format!("{}?done={what}", Place::Keys.path())
}

pub(super) async fn rotate(State(state): State<AppState>, posted: Posted) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let work = async {
        state.room.keys().rotate(&actor).await?;
        Ok(to("rotating"))
    };
    posted.once(&state, &actor, work.boxed()).await
}

pub(super) async fn rotate_master(State(state): State<AppState>, posted: Posted) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    state.room.keys().rotate_master(&actor).await?;
    Ok(Redirect::to(&to("wrapped")).into_response())
}

pub(super) async fn retire_master(State(state): State<AppState>, posted: Posted) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    state.room.keys().retire_masters(&actor).await?;
    Ok(Redirect::to(&to("retired")).into_response())
}
