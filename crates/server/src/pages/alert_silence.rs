//! `GET /dashboard/alerts/silences`, making one, and ending one.

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use futures::FutureExt;
use strongroom::alert::{Level, NewSilence, Rule, SilenceMatcher};
use strongroom_dashboard::Place;
use strongroom_dashboard::page::alert_silence_list::{NamedSilence, SilenceList};
use strongroom_model::Problem;

use super::alert_rule::bound;
use super::posted::{Form, Posted};
use super::typed;
use super::visit::{DoneQuery, QueryOf, Visit, fresh_once};
use crate::http::problem::Answer;
use crate::state::AppState;

const HOUR_MS: i64 = 3_600_000;

pub(super) async fn list(
    State(state): State<AppState>,
    visit: Visit,
    QueryOf(query): QueryOf<DoneQuery>,
) -> Answer<Response> {
    let service = state.room.alerts(visit.actor());
    let mut silences = Vec::new();
    for silence in service.silences(true).await? {
        let subject = match &silence.matcher.subject {
            Some((kind, id)) => service.name_of(kind, id).await?,
            None => None,
        };
        silences.push(NamedSilence { silence, subject });
    }
    let page = SilenceList {
        viewer: &visit.viewer(),
        now: state.room.now().await?,
        silences: &silences,
        done: match query.done.as_str() {
            "silenced" => Some("Silenced."),
            "ended" => Some("Ended. What still fires is told."),
            _ => None,
        },
        once: &fresh_once(),
    };
    Ok(Html(page.render()).into_response())
}

fn to(done: &str) -> String {
    format!("{}/silences?done={done}", Place::Alerts.path())
}

async fn matcher(service: &strongroom::alert::AlertService, form: &Form) -> Result<SilenceMatcher, Problem> {
    let given = typed::optional(form, "subject_kind").zip(typed::optional(form, "subject_id"));
    let subject = match (given, bound(form)?) {
        (Some(_), Some(_)) => {
            return Err(Problem::invalid("credential", "the silence is about one subject already"));
        }
        (Some(given), None) => Some(given),
        (None, Some(bound)) => {
            let scope = service.rule_scope(None, Some(&bound)).await?;
            Some((scope.kind().to_owned(), scope.id()))
        }
        (None, None) => None,
    };
    let rule = typed::optional(form, "rule").map(|rule| Rule::parse(&rule)).transpose()?;
    let up_to = typed::optional(form, "up_to").map(|level| Level::parse(&level)).transpose()?;
    Ok(SilenceMatcher { rule, subject, up_to })
}

pub(super) async fn make(State(state): State<AppState>, posted: Posted) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let service = state.room.alerts(actor.clone());
    let hours = typed::number(&posted.form, "duration")?
        .ok_or_else(|| Problem::invalid("duration", "duration must be a number of hours"))?;
    let work = async {
        let matcher = matcher(&service, &posted.form).await?;
        let reason = posted.form.text("reason").trim().to_owned();
        service.silence(NewSilence { matcher, for_ms: hours.saturating_mul(HOUR_MS), reason }).await?;
        Ok(to("silenced"))
    };
    posted.once(&state, &actor, work.boxed()).await
}

pub(super) async fn end(
    State(state): State<AppState>,
    Path(text): Path<String>,
    posted: Posted,
) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let uid = text.parse().map_err(|_| Problem::not_found("Silence not found"))?;
    state.room.alerts(actor).end_silence(uid).await?;
    Ok(Redirect::to(&to("ended")).into_response())
}
