//! `GET /dashboard/start`: first steps; and storing a key that the server was started with.

use std::net::SocketAddr;

use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use futures::FutureExt;
use strongroom::usage::record::{Kind, RecordFilter, RecordQuery};
use strongroom_dashboard::page::start::{First, Start};
use strongroom_model::credential::CredentialFilter;
use strongroom_model::{Problem, Role};

use super::posted::Posted;
use super::site::Site;
use super::visit::{DoneQuery, QueryOf, Visit, fresh_once};
use crate::http::problem::Answer;
use crate::state::AppState;

pub(super) use strongroom_dashboard::page::start::PATH;

/// The page, which tells what was done.
pub(super) fn done(what: &str) -> String {
    format!("{PATH}?done={what}")
}

fn said(done: &str) -> Option<&'static str> {
    Some(match done {
        "stored" => "Stored. Now ask its provider about it.",
        "tested-ok" => "Its provider accepts the key.",
        "tested-rate_limited" => "Its provider knows the key, and is limiting its rate just now.",
        "made" => {
            "That form was sent before, and the token was shown then. If nobody has kept it, make another one."
        }
        _ => return None,
    })
}

pub(super) async fn show(
    State(state): State<AppState>,
    visit: Visit,
    QueryOf(DoneQuery { done }): QueryOf<DoneQuery>,
) -> Answer<Response> {
    Ok(Html(page(&state, &visit, None, said(&done)).await?).into_response())
}

/// The page, with a token that was made just now.
pub(super) async fn page(
    state: &AppState,
    visit: &Visit,
    made: Option<&str>,
    done: Option<&str>,
) -> Result<String, Problem> {
    let now = state.room.now().await?;
    let service = state.room.credentials(visit.actor());
    let first = match service.list(&CredentialFilter::default(), 0, 1).await?.items.pop() {
        None => None,
        Some(one) => {
            let (_, versions) = service.versions(one.id).await?;
            let current = versions.into_iter().find(|version| version.uid == one.version);
            let said = current.and_then(|version| version.probed);
            Some(First { id: one.id, name: one.name, provider: one.provider, said })
        }
    };
    let tokens = state.room.tokens(visit.actor()).list().await?;
    let tokens = tokens.iter().filter(|it| it.token.is_alive(now) && it.token.role == Role::Gateway).count();
    let filter = RecordFilter { kind: Some(Kind::Call), ..RecordFilter::default() };
    let last = RecordQuery { filter, count: 1, ..RecordQuery::default() };
    let called = state.room.usage(visit.actor()).records(last).await?.records.pop();
    let page = Start {
        viewer: &visit.viewer(),
        variables: &service.environment_variables(),
        first,
        tokens,
        made,
        called: called.as_ref(),
        base_url: &base_url(state, &visit.site),
        once: &fresh_once(),
        done,
    };
    Ok(page.render())
}

/// The address that programs call. Browsers find the server of this machine by a name that not every program resolves.
pub(super) fn base_url(state: &AppState, site: &Site) -> String {
    let own = || {
        let (scheme, at) = state.listening.as_deref()?.split_once("://")?;
        let at: SocketAddr = at.parse().ok()?;
        let ip = at.ip().to_canonical();
        (ip.is_loopback() || ip.is_unspecified()).then(|| format!("{scheme}://127.0.0.1:{}", at.port()))
    };
    if state.public_url.as_deref() == Some(site.origin.as_str()) || !site.is_of_this_machine() {
        return site.origin.clone();
    }
    own().unwrap_or_else(|| site.origin.clone())
}

pub(super) async fn take(State(state): State<AppState>, posted: Posted) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let (variable, name) = (posted.form.text("variable"), posted.form.text("name").trim());
    let work = async {
        state.room.credentials(actor.clone()).create_from_environment(variable, name).await?;
        Ok(done("stored"))
    };
    posted.once(&state, &actor, work.boxed()).await
}
