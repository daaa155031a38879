//! `GET /dashboard/limits`, the page of each, and what is done to them.

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use futures::FutureExt;
use serde::Deserialize;
use strongroom::limit::history::History;
use strongroom::limit::{Bound, Question, Standing, charged};
use strongroom::usage::Dim;
use strongroom::usage::sums::SumsRequest;
use strongroom_dashboard::Place;
use strongroom_dashboard::page::limit::{LimitPage, TestPage};
use strongroom_dashboard::page::limit_list::LimitList;
use strongroom_model::limit::{LimitScope, Window};
use strongroom_model::{Millis, Problem, Uid, UserId};

use super::csv::{self, cell};
use super::posted::Posted;
use super::typed;
use super::visit::{DoneQuery, QueryOf, Visit, fresh_once};
use crate::http::problem::Answer;
use crate::state::AppState;

const DAY_MS: i64 = 86_400_000;
/// Days behind today that a burn-down can show.
const DAYS: i64 = 31;

/// Limits of one page, where there are very many.
const PAGE: i64 = 50;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ListQuery {
    done: String,
    after: String,
}

fn said(done: &str) -> Option<&'static str> {
    Some(match done {
        "set" => "Set. It binds from the next call on.",
        "raised" => "Raised. It goes on counting.",
        "lowered" => "Lowered. It goes on counting.",
        "removed" => "Removed. Calls are admitted without it.",
        _ => return None,
    })
}

pub(super) async fn list(
    State(state): State<AppState>,
    visit: Visit,
    QueryOf(ListQuery { done, after }): QueryOf<ListQuery>,
) -> Answer<Response> {
    let limits = state.room.limits(visit.actor());
    let fullest = limits.fullest().await?;
    let page = match fullest.is_whole() {
        true => None,
        false => {
            let after = (!after.is_empty()).then(|| uid(&after)).transpose()?;
            Some(limits.page(after, PAGE).await?)
        }
    };
    let page =
        LimitList { viewer: &visit.viewer(), fullest: &fullest, page: page.as_ref(), done: said(&done) };
    Ok(Html(page.render()).into_response())
}

fn uid(text: &str) -> Result<Uid, Problem> {
    text.parse().map_err(|_| Problem::not_found("Limit not found"))
}

pub(super) async fn show(
    State(state): State<AppState>,
    visit: Visit,
    Path(text): Path<String>,
    QueryOf(DoneQuery { done }): QueryOf<DoneQuery>,
) -> Answer<Response> {
    let viewer = visit.viewer();
    let now = state.room.now().await?;
    let history = history(&state, &visit, &text, now).await?;
    let days = days(&state, &visit, &history.standing, now).await?;
    let page = LimitPage {
        viewer: &viewer,
        now,
        history: &history,
        days: &days,
        done: said(&done),
        once: &fresh_once(),
    };
    Ok(Html(page.render()).into_response())
}

/// The limit, and how it came to where it stands: as far back as a burn-down goes.
async fn history(state: &AppState, visit: &Visit, text: &str, now: Millis) -> Result<History, Problem> {
    let from = Millis(now.0 - now.0.rem_euclid(DAY_MS) - DAYS * DAY_MS);
    state.room.limits(visit.actor()).history(uid(text)?, from).await
}

/// The burn-down as a file: every sample, and not those alone that are drawn.
pub(super) async fn file(
    State(state): State<AppState>,
    visit: Visit,
    Path(text): Path<String>,
) -> Answer<Response> {
    let viewer = visit.viewer();
    let now = state.room.now().await?;
    let history = history(&state, &visit, &text, now).await?;
    let days = days(&state, &visit, &history.standing, now).await?;
    let page = LimitPage { viewer: &viewer, now, history: &history, days: &days, done: None, once: "" };
    let limit = &history.standing.limit;
    let mut text = "at_utc,binds,name,unit,amount,used\r\n".to_owned();
    for (at, used) in page.points() {
        let (kind, name, unit) = (limit.scope.kind(), cell(&history.standing.name), limit.unit.as_str());
        text.push_str(&format!("{},{kind},{name},{unit},{},{used}\r\n", Millis(at), limit.amount));
    }
    Ok(csv::file("strongroom-burn-down", text))
}

/// What was used in the limit's unit on each of the last days, the newest first.
async fn days(state: &AppState, visit: &Visit, limit: &Standing, now: Millis) -> Result<Vec<i64>, Problem> {
    let today = now.0 - now.0.rem_euclid(DAY_MS);
    let mut request = SumsRequest::new(Dim::Day, Millis(today - DAYS * DAY_MS), Millis(today + DAY_MS));
    let filter = &mut request.query.filter;
    match &limit.limit.scope {
        LimitScope::Credential(uid) => filter.credential = Some(*uid),
        LimitScope::Token(id) => filter.token = Some(id.clone()),
        LimitScope::User(UserId(id)) => filter.user = Some(*id),
    }
    let groups = state.room.usage(visit.actor()).groups(request).await?;
    let of_day = |back: i64| {
        let day = (today - back * DAY_MS).to_string();
        groups
            .iter()
            .find(|group| group.group_key == day)
            .map_or(0, |group| charged(&limit.limit, &group.figures))
    };
    Ok((0..=DAYS).map(of_day).collect())
}

/// Whom a form names: exactly one of the three.
fn bound(posted: &Posted) -> Result<Bound, Problem> {
    let form = &posted.form;
    let named = (typed::optional(form, "credential"), typed::optional(form, "token"), typed::user(form)?);
    match named {
        (Some(name), None, None) => Ok(Bound::Credential(name)),
        (None, Some(id), None) => Ok(Bound::Token(id)),
        (None, None, Some(user)) => Ok(Bound::User(user)),
        _ => {
            Err(Problem::invalid("credential", "name a credential, a token or a user, and only one of them"))
        }
    }
}

pub(super) async fn set(State(state): State<AppState>, posted: Posted) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let unit = typed::unit(&posted.form)?;
    let window = Window::parse(posted.form.text("window"))?;
    let amount = typed::amount(&posted.form, unit)?;
    let bound = bound(&posted)?;
    let set = state.room.limits(actor).set(&bound, unit, window, amount).await?;
    to(set.limit.uid, "set")
}

fn to(uid: Uid, what: &str) -> Answer<Response> {
    Ok(Redirect::to(&format!("{}/{uid}?done={what}", Place::Limits.path())).into_response())
}

pub(super) async fn raise(
    State(state): State<AppState>,
    Path(text): Path<String>,
    posted: Posted,
) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let service = state.room.limits(actor.clone());
    let before = service.require(uid(&text)?).await?;
    let amount = typed::amount(&posted.form, before.limit.unit)?;
    if amount <= before.limit.amount {
        return Err(Problem::invalid(
            "amount",
            "to raise it, give more than it has; to lower it, there is a form of its own",
        )
        .into());
    }
    let work = async {
        let changed = service.change_because(before.limit.uid, amount, posted.form.text("reason")).await?;
        Ok(format!("{}/{}?done=raised", Place::Limits.path(), changed.limit.uid))
    };
    posted.once(&state, &actor, work.boxed()).await
}

pub(super) async fn lower(
    State(state): State<AppState>,
    Path(text): Path<String>,
    posted: Posted,
) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let service = state.room.limits(actor.clone());
    let before = service.require(uid(&text)?).await?;
    let amount = typed::amount(&posted.form, before.limit.unit)?;
    if amount >= before.limit.amount {
        return Err(Problem::invalid(
            "amount",
            "to lower it, give less than it has; to raise it takes a reason",
        )
        .into());
    }
    let work = async {
        let changed = service.change(before.limit.uid, amount).await?;
        Ok(format!("{}/{}?done=lowered", Place::Limits.path(), changed.limit.uid))
    };
    posted.once(&state, &actor, work.boxed()).await
}

pub(super) async fn remove(
    State(state): State<AppState>,
    Path(text): Path<String>,
    posted: Posted,
) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    state.room.limits(actor).remove(uid(&text)?).await?;
    Ok(Redirect::to(&format!("{}?done=removed", Place::Limits.path())).into_response())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TestQuery {
    credential: String,
    token: String,
    user: String,
    model: String,
    input_tokens: String,
    output_tokens: String,
}

fn given(text: &str) -> Option<String> {
    Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn count(text: &str, field: &'static str) -> Result<Option<i64>, Problem> {
    let Some(text) = given(text) else { return Ok(None) };
    let number = text.parse().ok().filter(|number| *number >= 0);
    number
        .map(Some)
        .ok_or_else(|| Problem::invalid(field, format!("{} must be a whole number", field.replace('_', " "))))
}

fn question(query: &TestQuery) -> Result<Question, Problem> {
    let texts = [&query.credential, &query.token, &query.model];
    if texts.into_iter().any(|text| text.contains('\0')) {
        return Err(Problem::invalid("credential", "no name holds NUL"));
    }
    Ok(Question {
        credential: given(&query.credential),
        token: given(&query.token),
        user: count(&query.user, "user")?.map(UserId),
        model: given(&query.model),
        provider: None,
        input_tokens: count(&query.input_tokens, "input_tokens")?,
        output_tokens: count(&query.output_tokens, "output_tokens")?,
    })
}

pub(super) async fn test(
    State(state): State<AppState>,
    visit: Visit,
    QueryOf(query): QueryOf<TestQuery>,
) -> Answer<Response> {
    let (question, verdict) = match question(&query) {
        Err(problem) => (Question::default(), Err(problem)),
        Ok(question) => {
            let verdict = state.room.limits(visit.actor()).test(&question).await;
            (question, verdict)
        }
    };
    let verdict = match &verdict {
        Ok(verdict) => Ok(verdict),
        Err(problem) if problem.field.is_some() => Err(problem.message.as_str()),
        Err(_) => return Err(verdict.err().unwrap_or_else(|| Problem::internal("no verdict")).into()),
    };
    let page = TestPage { viewer: &visit.viewer(), question: &question, verdict };
    Ok(Html(page.render()).into_response())
}
