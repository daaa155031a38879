//! `GET /dashboard/audit`

use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;
use strongroom_dashboard::page::audit::{Asked, AuditPage, ROWS, Verified};
use strongroom_model::Problem;
use strongroom_model::audit::{Filter, Outcome};

use super::visit::{QueryOf, Visit};
use crate::http::problem::Answer;
use crate::state::AppState;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ListQuery {
    action: String,
    actor: String,
    target: String,
    outcome: String,
    cursor: Option<i64>,
}

pub(super) async fn list(
    State(state): State<AppState>,
    visit: Visit,
    QueryOf(query): QueryOf<ListQuery>,
) -> Answer<Response> {
    let trimmed = |text: String| text.trim().to_owned();
    let asked = Asked {
        action: trimmed(query.action),
        actor: trimmed(query.actor),
        target: trimmed(query.target),
        outcome: trimmed(query.outcome),
    };
    let (found, problem) = match filter(&asked) {
        Ok(filter) => (Some(state.room.audit().search(&filter, query.cursor, ROWS).await?), None),
        Err(problem) => (None, Some(problem.message)),
    };
    let next = found.as_ref().and_then(|found| found.page.next);
    let searched_back_to = found.as_ref().and_then(|found| found.searched_back_to);
    let entries = found.map(|found| found.page.items).unwrap_or_default();
    let page = AuditPage {
        viewer: &visit.viewer(),
        asked: &asked,
        problem: problem.as_deref(),
        entries: &entries,
        next,
        searched_back_to,
        verified: None,
    };
    Ok(Html(page.render()).into_response())
}

/// Reads the whole trail, so nothing leads here by itself.
pub(super) async fn verify(State(state): State<AppState>, visit: Visit) -> Answer<Response> {
    let result = state.room.alert_work().verify_audit().await?;
    let at = state.room.now().await?;
    let entries = state.room.audit().list(&Filter::default(), true, None, ROWS).await?;
    let page = AuditPage {
        viewer: &visit.viewer(),
        asked: &Asked::default(),
        problem: None,
        entries: &entries.items,
        next: entries.next,
        searched_back_to: None,
        verified: Some(Verified { at, result: &result }),
    };
    Ok(Html(page.render()).into_response())
}

fn filter(asked: &Asked) -> Result<Filter, Problem> {
    let texts = [("action", &asked.action), ("actor", &asked.actor), ("target", &asked.target)];
    if let Some((field, _)) = texts.into_iter().find(|(_, text)| text.contains('\0')) {
        return Err(Problem::invalid(field, format!("no {field} holds NUL")));
    }
    let outcome = match asked.outcome.as_str() {
        "" => None,
        "success" => Some(Outcome::Success),
        "denied" => Some(Outcome::Denied),
        "failed" => Some(Outcome::Failed),
        _ => {
            return Err(Problem::invalid(
                "outcome",
                "outcome must be success, denied or failed, or be left out",
            ));
        }
    };
    let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    Ok(Filter {
        action: given(&asked.action),
        actor: given(&asked.actor),
        target: given(&asked.target),
        outcome,
        ..Filter::default()
    })
}
