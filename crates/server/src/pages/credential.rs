//! `GET /dashboard/credentials`, `GET /dashboard/credentials/{id}`, and freezing one.

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;
use strongroom_dashboard::page::credential::{self as page, CredentialPage};
use strongroom_dashboard::page::credential_list::{Asked, CredentialList, ROWS};
use strongroom_model::audit::Filter;
use strongroom_model::credential::CredentialFilter;
use strongroom_model::limit::LimitScope;
use strongroom_model::{CredentialId, Problem, Provider};

use super::posted::Posted;
use super::range;
use super::visit::{QueryOf, Visit};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Entries of the trail that are shown.
const ENTRIES: i64 = 10;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ListQuery {
    q: String,
    provider: String,
    state: String,
    cursor: i64,
}

pub(super) async fn list(
    State(state): State<AppState>,
    visit: Visit,
    QueryOf(query): QueryOf<ListQuery>,
) -> Answer<Response> {
    let asked = Asked {
        q: query.q.trim().to_owned(),
        provider: query.provider.trim().to_owned(),
        state: query.state,
    };
    let now = state.room.now().await?;
    let viewer = visit.viewer();
    // What nobody can be asked for is said on the page itself, with what was typed still there.
    let (found, problem) = match filter(&asked) {
        Ok(filter) => (
            Some(state.room.credentials(visit.actor()).list(&filter, query.cursor.max(0), ROWS).await?),
            None,
        ),
        Err(problem) => (None, Some(problem.message)),
    };
    let next = found.as_ref().and_then(|found| found.next);
    let with_cooldown = |one: strongroom::Credential| {
        let cooldown = state.room.cooldown_of(&one);
        (one, cooldown)
    };
    let credentials: Vec<_> =
        found.map(|found| found.items).unwrap_or_default().into_iter().map(with_cooldown).collect();
    let page = CredentialList {
        viewer: &viewer,
        now,
        asked: &asked,
        problem: problem.as_deref(),
        credentials: &credentials,
        next,
        is_first: query.cursor <= 0,
    };
    Ok(Html(page.render()).into_response())
}

fn filter(asked: &Asked) -> Result<CredentialFilter, Problem> {
    if asked.q.contains('\0') {
        return Err(Problem::invalid("q", "no name holds NUL"));
    }
    let is_active = match asked.state.as_str() {
        "" => None,
        "active" => Some(true),
        "inactive" => Some(false),
        _ => return Err(Problem::invalid("state", "state must be active or inactive, or be left out")),
    };
    Ok(CredentialFilter {
        provider: Some(&asked.provider)
            .filter(|it| !it.is_empty())
            .map(|it| Provider::parse(it))
            .transpose()?,
        is_active,
        name_prefix: Some(asked.q.clone()).filter(|q| !q.is_empty()),
        name: None,
    })
}

/// The number in a path; what is none is the number of nothing.
fn id(text: &str) -> CredentialId {
    CredentialId(text.parse().unwrap_or(0))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Done {
    done: String,
}

pub(super) async fn show(
    State(state): State<AppState>,
    visit: Visit,
    Path(text): Path<String>,
    QueryOf(Done { done }): QueryOf<Done>,
) -> Answer<Response> {
    let viewer = visit.viewer();
    let now = state.room.now().await?;
    let (credential, mut versions) = state.room.credentials(visit.actor()).versions(id(&text)).await?;
    versions.sort_by_key(|version| -version.number);
    let days = range::last(page::DAYS, now);
    let usage = state.room.usage(visit.actor());
    let limits = state.room.limits(visit.actor()).list().await?;
    let scope = LimitScope::Credential(credential.uid);
    let limits: Vec<_> = limits.iter().filter(|limit| limit.limit.scope == scope).collect();
    let of_it = Filter { target: Some(credential.name.clone()), ..Filter::default() };
    let page = CredentialPage {
        viewer: &viewer,
        now,
        cooldown: state.room.cooldown_of(&credential),
        credential: &credential,
        versions: &versions,
        days: &usage.days_of_credential(credential.uid, days.from, days.to).await?,
        limits: &limits,
        changes: &state.room.audit().list(&of_it, true, None, ENTRIES).await?.items,
        done: match done.as_str() {
            "frozen" => Some("Frozen. Every call with its key is refused until you unfreeze it."),
            "unfrozen" => Some("Unfrozen. Its key is used again."),
            _ => None,
        },
    };
    Ok(Html(page.render()).into_response())
}

pub(super) async fn freeze(
    State(state): State<AppState>,
    Path(text): Path<String>,
    posted: Posted,
) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let frozen = state.room.leaks(actor).freeze(id(&text)).await?;
    Ok(Redirect::to(&format!("{}?done=frozen", page::path(frozen.id))).into_response())
}

pub(super) async fn unfreeze(
    State(state): State<AppState>,
    Path(text): Path<String>,
    posted: Posted,
) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let served = state.room.leaks(actor).unfreeze(id(&text)).await?;
    Ok(Redirect::to(&format!("{}?done=unfrozen", page::path(served.id))).into_response())
}
