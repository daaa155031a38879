//! `GET` and `POST /dashboard/credentials/{id}/reveal`: a key, shown once to whoever says why.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{Html, IntoResponse, Response};
use strongroom::credential::RevealReason;
use strongroom_dashboard::page::reveal::{RevealForm, Revealed};

use super::credential::id;
use super::posted::{Posted, needs_fresh_proof};
use super::typed;
use super::visit::Visit;
use crate::http::problem::Answer;
use crate::state::AppState;

pub(super) async fn ask(
    State(state): State<AppState>,
    visit: Visit,
    Path(text): Path<String>,
) -> Answer<Response> {
    let credential = state.room.credentials(visit.actor()).require_readable(id(&text)).await?;
    let needs_proof = needs_fresh_proof(&visit, &state).await?;
    let page = RevealForm { viewer: &visit.viewer(), credential: &credential, needs_proof };
    Ok(Html(page.render()).into_response())
}

pub(super) async fn show(
    State(state): State<AppState>,
    Path(text): Path<String>,
    headers: HeaderMap,
    posted: Posted,
) -> Answer<Response> {
    let actor = posted.proven_freshly(&state).await?;
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    let why = RevealReason {
        reason: posted.form.text("reason").to_owned(),
        ticket: typed::optional(&posted.form, "ticket"),
        agent: agent.map(|agent| agent.chars().take(200).collect()),
    };
    let revealed = state.room.credentials(actor).reveal(id(&text), &why).await?;
    Ok(Html(Revealed { viewer: &posted.visit.viewer(), revealed: &revealed }.render()).into_response())
}
