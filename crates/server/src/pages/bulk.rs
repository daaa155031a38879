//! `GET` and `POST /dashboard/credentials/bulk`: one change to several credentials.

use axum::extract::{RawQuery, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use strongroom::limit::Bound;
use strongroom_dashboard::page::bulk::{BulkDone, BulkPage};
use strongroom_model::credential::CredentialPatch;
use strongroom_model::limit::{Unit, Window};
use strongroom_model::{Actor, CredentialId, Problem, ProblemKind};

use super::posted::{Form, Posted};
use super::typed;
use super::visit::{Visit, fresh_once};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Credentials that are changed at once: as many as a page of the list has.
const MAX_CHOSEN: usize = 50;

pub(super) async fn ask(
    State(state): State<AppState>,
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Answer<Response> {
    let query: Vec<(String, String)> =
        serde_urlencoded::from_str(&query.unwrap_or_default()).unwrap_or_default();
    let ids = query.iter().filter(|(name, _)| name == "id").filter_map(|(_, id)| id.parse().ok());
    let service = state.room.credentials(visit.actor());
    let mut chosen = Vec::new();
    for id in ids.take(MAX_CHOSEN).map(CredentialId) {
        match service.require(id).await {
            Ok(found) => chosen.push((found.id, found.name)),
            // It was deleted meanwhile, or the address was typed.
            Err(problem) if problem.kind == ProblemKind::NotFound => {}
            Err(other) => return Err(other.into()),
        }
    }
    let page = BulkPage { viewer: &visit.viewer(), chosen: &chosen, once: &fresh_once() };
    Ok(Html(page.render()).into_response())
}

/// What is to be done to each.
enum Work {
    Freeze(bool),
    Activate(bool),
    Limit(Unit, Window, i64),
}

fn work(form: &Form) -> Result<Work, Problem> {
    Ok(match form.text("bulk") {
        "freeze" => Work::Freeze(true),
        "unfreeze" => Work::Freeze(false),
        "deactivate" => Work::Activate(false),
        "activate" => Work::Activate(true),
        "limit" => {
            let unit = typed::unit(form)?;
            let amount = match unit {
                Unit::NanoUsd => typed::dollars(form.text("bulk_amount"), "bulk_amount")?,
                Unit::Requests | Unit::Tokens => typed::number(form, "bulk_amount")?
                    .ok_or_else(|| Problem::invalid("bulk_amount", "the amount must be a whole number"))?,
            };
            Work::Limit(unit, Window::parse(form.text("window"))?, amount)
        }
        _ => return Err(Problem::invalid("bulk", "choose what to do with them")),
    })
}

async fn one(
    state: &AppState,
    actor: &Actor,
    id: CredentialId,
    name: &str,
    work: &Work,
) -> Result<(), Problem> {
    match work {
        Work::Freeze(true) => state.room.leaks(actor.clone()).freeze(id).await.map(drop),
        Work::Freeze(false) => state.room.leaks(actor.clone()).unfreeze(id).await.map(drop),
        Work::Activate(is_active) => {
            let patch = CredentialPatch { is_active: Some(*is_active), ..CredentialPatch::default() };
            state.room.credentials(actor.clone()).update(id, patch, None).await.map(drop)
        }
        Work::Limit(unit, window, amount) => {
            let bound = Bound::Credential(name.to_owned());
            state.room.limits(actor.clone()).set(&bound, *unit, *window, *amount).await.map(drop)
        }
    }
}

pub(super) async fn change(State(state): State<AppState>, posted: Posted) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let work = work(&posted.form)?;
    let ids: Vec<i64> = posted.form.text("ids").split(',').filter_map(|id| id.parse().ok()).collect();
    if ids.is_empty() || ids.len() > MAX_CHOSEN {
        return Err(Problem::invalid("ids", format!("choose 1 to {MAX_CHOSEN} credentials")).into());
    }
    if typed::number(&posted.form, "count")? != i64::try_from(ids.len()).ok() {
        return Err(
            Problem::invalid("count", format!("to confirm, type how many they are: {}", ids.len())).into()
        );
    }
    if let Some(to) = posted.begin(&state, &actor).await? {
        return Ok(Redirect::to(&to).into_response());
    }
    let mut outcomes = Vec::with_capacity(ids.len());
    for id in ids.into_iter().map(CredentialId) {
        let done = async {
            let found = state.room.credentials(actor.clone()).require(id).await?;
            let done = Box::pin(one(&state, &actor, id, &found.name, &work)).await;
            Ok::<_, Problem>((found.name, done))
        };
        // What one of them runs into is told beside it, and is not the others' matter.
        outcomes.push(match done.await {
            Ok((name, done)) => (name, done.err().map(|problem| problem.message)),
            Err(problem) => (format!("number {id}"), Some(problem.message)),
        });
    }
    posted.finish(&state, &actor, Some("/dashboard/credentials")).await;
    Ok(Html(BulkDone { viewer: &posted.visit.viewer(), outcomes: &outcomes }.render()).into_response())
}
