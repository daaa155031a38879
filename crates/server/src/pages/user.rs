//! `GET /dashboard/users`, and what is done to them.

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use futures::FutureExt;
use strongroom::user::{NewUser, UserPatch};
use strongroom_dashboard::Place;
use strongroom_dashboard::page::user_list::UserList;
use strongroom_model::{Problem, Role, UserId};

use super::posted::Posted;
use super::typed;
use super::visit::{DoneQuery, QueryOf, Visit, fresh_once};
use crate::http::problem::Answer;
use crate::state::AppState;

pub(super) async fn list(
    State(state): State<AppState>,
    visit: Visit,
    QueryOf(query): QueryOf<DoneQuery>,
) -> Answer<Response> {
    let page = UserList {
        viewer: &visit.viewer(),
        now: state.room.now().await?,
        users: &state.room.users(visit.actor()).list().await?,
        tokens: &state.room.tokens(visit.actor()).list().await?,
        sessions: &state.room.sign_ins().list().await?,
        done: match query.done.as_str() {
            "created" => Some("Added."),
            "role" => Some("The role is changed, from their next request on."),
            "disabled" => {
                Some("Disabled. Every request of theirs is refused, and their sessions have ended.")
            }
            "enabled" => Some("They are let in again."),
            "ended" => Some("Their sessions have ended."),
            "deleted" => Some("Deleted."),
            _ => None,
        },
        once: &fresh_once(),
    };
    Ok(Html(page.render()).into_response())
}

fn to(what: &str) -> String {
    format!("{}?done={what}", Place::Users.path())
}

fn id(text: &str) -> UserId {
    UserId(text.parse().unwrap_or(0))
}

pub(super) async fn create(State(state): State<AppState>, posted: Posted) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let name = posted.form.text("name").trim().to_owned();
    let new = NewUser { name, role: Role::parse(posted.form.text("role"))?, id: None };
    let work = async {
        state.room.users(actor.clone()).create(new).await?;
        Ok(to("created"))
    };
    posted.once(&state, &actor, work.boxed()).await
}

pub(super) async fn role(
    State(state): State<AppState>,
    Path(text): Path<String>,
    posted: Posted,
) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let role = Some(Role::parse(posted.form.text("role"))?);
    state.room.users(actor).update(id(&text), UserPatch { role, ..UserPatch::default() }).await?;
    Ok(Redirect::to(&to("role")).into_response())
}

pub(super) async fn activity(
    State(state): State<AppState>,
    Path(text): Path<String>,
    posted: Posted,
) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let is_active = match posted.form.text("state") {
        "yes" => true,
        "no" => false,
        _ => return Err(Problem::invalid("state", "state must be yes or no").into()),
    };
    let patch = UserPatch { is_active: Some(is_active), ..UserPatch::default() };
    let changed = state.room.users(actor.clone()).update(id(&text), patch).await?;
    if !is_active {
        // They are refused in any case; so they are also not in the list of those who are signed in.
        state.room.sign_ins().end_all_of_user(&actor, changed.id).await?;
    }
    Ok(Redirect::to(&to(if is_active { "enabled" } else { "disabled" })).into_response())
}

pub(super) async fn end_sessions(
    State(state): State<AppState>,
    Path(text): Path<String>,
    posted: Posted,
) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let user = state.room.users(actor.clone()).require(id(&text)).await?;
    state.room.sign_ins().end_all_of_user(&actor, user.id).await?;
    Ok(Redirect::to(&to("ended")).into_response())
}

pub(super) async fn delete(
    State(state): State<AppState>,
    Path(text): Path<String>,
    posted: Posted,
) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let service = state.room.users(actor);
    let user = service.require(id(&text)).await?;
    typed::confirmed(&posted.form, &user.name)?;
    service.delete(user.id).await?;
    Ok(Redirect::to(&to("deleted")).into_response())
}
