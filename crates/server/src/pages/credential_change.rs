//! What pages do to credentials and their versions, each the same as a command does.

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use futures::FutureExt;
use strongroom::NewCredential;
use strongroom_dashboard::page::credential as page;
use strongroom_dashboard::page::deleted_list::DeletedList;
use strongroom_dashboard::page::version::VersionPage;
use strongroom_model::credential::{CredentialFilter, CredentialPatch};
use strongroom_model::{CredentialId, Problem, Provider};

use super::credential::id;
use super::posted::{Form, Posted};
use super::visit::{DoneQuery, QueryOf, Visit, fresh_once};
use super::{start, typed};
use crate::http::problem::Answer;
use crate::state::AppState;

/// The page of a credential that tells what was done.
fn done(id: CredentialId, what: &str) -> String {
    let tab = if matches!(
        what,
        "staged" | "canary" | "promoted" | "aborted" | "rolled-back" | "destroyed" | "rotated"
    ) {
        "&tab=versions"
    } else {
        ""
    };
    format!("{}?done={what}{tab}", page::path(id))
}

fn to(id: CredentialId, what: &str) -> Answer<Response> {
    Ok(Redirect::to(&done(id, what)).into_response())
}

/// The revision that the page showed; a change of what it did not show is none.
fn revision(form: &Form) -> Result<Option<i64>, Problem> {
    typed::number(form, "revision")
}

pub(super) async fn create(State(state): State<AppState>, posted: Posted) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let form = &posted.form;
    let user = typed::user(form)?;
    let new = NewCredential {
        name: form.text("name").trim().to_owned(),
        provider: Provider::parse(form.text("provider").trim())?,
        api_key: form.secret("api_key"),
        api_secret: form.secret("api_secret"),
        endpoint: typed::optional(form, "endpoint"),
        priority: None,
        is_active: true,
        is_global: user.is_none(),
        user,
        rate_limit: typed::number(form, "rate_limit")?,
        expires_at: typed::day(form, "expires")?,
        rotate_after_days: typed::number(form, "rotate_after_days")?,
        tags: typed::tags(form)?,
    };
    let is_first_step = form.text("next") == start::PATH;
    let work = async {
        let made = state.room.credentials(actor.clone()).create(new).await?;
        Ok(if is_first_step { start::done("stored") } else { done(made.id, "created") })
    };
    posted.once(&state, &actor, work.boxed()).await
}

pub(super) async fn test(
    State(state): State<AppState>,
    Path(text): Path<String>,
    posted: Posted,
) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let (id, service) = (id(&text), state.room.credentials(actor));
    let credential = service.require(id).await?;
    // What the provider says is kept with the version, so that the page can tell it.
    let probe = service.probe_version(id, credential.version_number).await?;
    let what = format!("tested-{}", probe.report.outcome.as_str());
    if posted.form.text("next") == start::PATH {
        return Ok(Redirect::to(&start::done(&what)).into_response());
    }
    to(id, &what)
}

pub(super) async fn freeze(
    State(state): State<AppState>,
    Path(text): Path<String>,
    posted: Posted,
) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    to(state.room.leaks(actor).freeze(id(&text)).await?.id, "frozen")
}

pub(super) async fn unfreeze(
    State(state): State<AppState>,
    Path(text): Path<String>,
    posted: Posted,
) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    to(state.room.leaks(actor).unfreeze(id(&text)).await?.id, "unfrozen")
}

pub(super) async fn stage(
    State(state): State<AppState>,
    Path(text): Path<String>,
    posted: Posted,
) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let (id, form) = (id(&text), &posted.form);
    let key = form.secret("api_key").ok_or_else(|| Problem::invalid("apiKey", "type the new key"))?;
    let work = async {
        let service = state.room.credentials(actor.clone());
        Ok(done(service.stage(id, key, form.secret("api_secret"), None).await?.id, "staged"))
    };
    posted.once(&state, &actor, work.boxed()).await
}

pub(super) async fn canary(
    State(state): State<AppState>,
    Path(text): Path<String>,
    posted: Posted,
) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let percent = typed::number(&posted.form, "percent")?;
    let percent = percent.ok_or_else(|| Problem::invalid("percent", "percent must be 0 to 100"))?;
    let is_trusted = posted.form.text("skip_test") == "yes";
    to(state.room.credentials(actor).canary(id(&text), percent, is_trusted, None).await?.id, "canary")
}

pub(super) async fn promote(
    State(state): State<AppState>,
    Path(text): Path<String>,
    posted: Posted,
) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let is_trusted = posted.form.text("skip_test") == "yes";
    to(state.room.credentials(actor).promote(id(&text), is_trusted, None).await?.id, "promoted")
}

pub(super) async fn abort(
    State(state): State<AppState>,
    Path(text): Path<String>,
    posted: Posted,
) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    to(state.room.credentials(actor).abort(id(&text), None).await?.id, "aborted")
}

pub(super) async fn rotate(
    State(state): State<AppState>,
    Path(text): Path<String>,
    posted: Posted,
) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let work = async {
        Ok(done(state.room.credentials(actor.clone()).rotate(id(&text), None).await?.id, "rotated"))
    };
    posted.once(&state, &actor, work.boxed()).await
}

pub(super) async fn dates(
    State(state): State<AppState>,
    Path(text): Path<String>,
    posted: Posted,
) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let form = &posted.form;
    let service = state.room.credentials(actor);
    let before = service.require(id(&text)).await?;
    let expires = typed::day(form, "expires")?;
    // A day is all that the form shows: an instant within the same day is left as it is.
    let is_same = match (expires, before.expires_at) {
        (Some(day), Some(at)) => (0..86_400_000).contains(&(at.0 - day.0)),
        (None, None) => true,
        _ => false,
    };
    let patch = CredentialPatch {
        expires_at: (!is_same).then_some(expires),
        rotate_after_days: Some(typed::number(form, "rotate_after_days")?),
        ..CredentialPatch::default()
    };
    to(service.update(before.id, patch, revision(form)?).await?.id, "dated")
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
    let patch = CredentialPatch { is_active: Some(is_active), ..CredentialPatch::default() };
    let changed = state.room.credentials(actor).update(id(&text), patch, revision(&posted.form)?).await?;
    to(changed.id, if is_active { "activated" } else { "deactivated" })
}

pub(super) async fn delete(
    State(state): State<AppState>,
    Path(text): Path<String>,
    posted: Posted,
) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let service = state.room.credentials(actor);
    let found = service.require(id(&text)).await?;
    typed::confirmed(&posted.form, &found.name)?;
    service.delete(found.id, Some(found.revision)).await?;
    Ok(Redirect::to("/dashboard/credentials?done=deleted").into_response())
}

pub(super) async fn version(
    State(state): State<AppState>,
    visit: Visit,
    Path((text, number)): Path<(String, String)>,
) -> Answer<Response> {
    let (credential, versions) = state.room.credentials(visit.actor()).versions(id(&text)).await?;
    let number: i64 = number.parse().unwrap_or(0);
    let version = versions.iter().find(|version| version.number == number);
    let version = version.ok_or_else(|| Problem::not_found("there is no such version"))?;
    let page = VersionPage { viewer: &visit.viewer(), credential: &credential, version, once: &fresh_once() };
    Ok(Html(page.render()).into_response())
}

pub(super) async fn roll_back(
    State(state): State<AppState>,
    Path((text, number)): Path<(String, String)>,
    posted: Posted,
) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let number = number.parse().unwrap_or(0);
    let work = async {
        let service = state.room.credentials(actor.clone());
        Ok(done(service.roll_back(id(&text), number, None).await?.id, "rolled-back"))
    };
    posted.once(&state, &actor, work.boxed()).await
}

pub(super) async fn destroy(
    State(state): State<AppState>,
    Path((text, number)): Path<(String, String)>,
    posted: Posted,
) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let service = state.room.credentials(actor);
    let found = service.require(id(&text)).await?;
    typed::confirmed(&posted.form, &found.name)?;
    to(service.destroy_version(found.id, number.parse().unwrap_or(0), None).await?.id, "destroyed")
}

pub(super) async fn facts(
    State(state): State<AppState>,
    Path(text): Path<String>,
    posted: Posted,
) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let form = &posted.form;
    let user = typed::user(form)?;
    let priority = typed::number(form, "priority")?;
    let patch = CredentialPatch {
        name: Some(form.text("name").trim().to_owned()),
        endpoint: Some(typed::optional(form, "endpoint")),
        priority,
        rate_limit: Some(typed::number(form, "rate_limit")?),
        is_global: Some(user.is_none()),
        user: Some(user),
        ..CredentialPatch::default()
    };
    let service = state.room.credentials(actor);
    to(service.update(id(&text), patch, revision(form)?).await?.id, "changed")
}

pub(super) async fn tags(
    State(state): State<AppState>,
    Path(text): Path<String>,
    posted: Posted,
) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let form = &posted.form;
    let patch = CredentialPatch { tags: Some(typed::tags(form)?), ..CredentialPatch::default() };
    to(state.room.credentials(actor).update(id(&text), patch, revision(form)?).await?.id, "tagged")
}

pub(super) async fn minter(
    State(state): State<AppState>,
    Path(text): Path<String>,
    posted: Posted,
) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let form = &posted.form;
    let service = state.room.credentials(actor);
    let minter = match typed::optional(form, "minter") {
        None => None,
        Some(name) => {
            let filter = CredentialFilter { name: Some(name), ..CredentialFilter::default() };
            let found = service.list(&filter, 0, 1).await?.items.pop();
            let found =
                found.ok_or_else(|| Problem::invalid("minter", "there is no credential of that name"))?;
            Some((found.id, typed::optional(form, "project")))
        }
    };
    let patch = CredentialPatch { minter: Some(minter), ..CredentialPatch::default() };
    to(service.update(id(&text), patch, revision(form)?).await?.id, "changed")
}

pub(super) async fn deleted(
    State(state): State<AppState>,
    visit: Visit,
    QueryOf(query): QueryOf<DoneQuery>,
) -> Answer<Response> {
    let service = state.room.credentials(visit.actor());
    let page = DeletedList {
        viewer: &visit.viewer(),
        deleted: &service.list_deleted().await?,
        days: service.recovery_days(),
        done: (query.done == "purged").then_some("Erased."),
    };
    Ok(Html(page.render()).into_response())
}

pub(super) async fn undelete(
    State(state): State<AppState>,
    Path(text): Path<String>,
    posted: Posted,
) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    to(state.room.credentials(actor).undelete(id(&text), None).await?.id, "undeleted")
}

pub(super) async fn purge(
    State(state): State<AppState>,
    Path(text): Path<String>,
    posted: Posted,
) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let service = state.room.credentials(actor);
    let id = id(&text);
    let found = service.list_deleted().await?.into_iter().find(|one| one.id == id);
    let found = found.ok_or_else(|| Problem::not_found("no deleted credential has that number"))?;
    typed::confirmed(&posted.form, &found.name)?;
    service.purge(id, None).await?;
    Ok(Redirect::to("/dashboard/credentials/deleted?done=purged").into_response())
}
