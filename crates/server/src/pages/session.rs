//! `GET /dashboard/sessions`, and ending one.

use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use strongroom_dashboard::page::session_list::SessionList;
use strongroom_dashboard::{Display, Place};
use strongroom_model::{Problem, Role};

use super::posted::Posted;
use super::visit::{DoneQuery, QueryOf, Visit};
use crate::http::problem::Answer;
use crate::state::AppState;

pub(super) async fn list(
    State(state): State<AppState>,
    visit: Visit,
    QueryOf(query): QueryOf<DoneQuery>,
) -> Answer<Response> {
    let own = &visit.signed_in.session;
    let mut sessions = state.room.sign_ins().list().await?;
    if visit.signed_in.actor.role != Role::Admin {
        sessions.retain(|session| session.holder == own.holder);
    }
    let full_session_at = visit.site.full_session_at();
    let page = SessionList {
        viewer: &visit.viewer(),
        own: own.uid,
        sessions: &sessions,
        full_session_at: full_session_at.as_deref(),
        done: match query.done.as_str() {
            "ended" => Some("Ended."),
            "display" => Some("Kept, in this browser."),
            _ => None,
        },
    };
    Ok(Html(page.render()).into_response())
}

/// The cookie that keeps how pages look; it is no secret and says nothing else.
pub(super) const DISPLAY_COOKIE: &str = "strongroom-display";
/// For so many seconds it is kept: a year.
const DISPLAY_SECONDS: u32 = 365 * 24 * 3600;

/// `POST /dashboard/display`: how pages look in this browser. It changes nothing but that, so no proof is asked for.
pub(super) async fn display(posted: Posted) -> Answer<Response> {
    let form = &posted.form;
    let letters = if form.text("letters") == "on" { "on" } else { "off" };
    let display = Display::from_text(&format!("{}.{letters}", form.text("theme")));
    let cookie = format!(
        "{DISPLAY_COOKIE}={}; Path=/dashboard; SameSite=Lax; HttpOnly; Max-Age={DISPLAY_SECONDS}",
        display.to_text()
    );
    let cookie =
        HeaderValue::from_str(&cookie).map_err(|_| Problem::internal("the cookie cannot be written"))?;
    let mut response = Redirect::to(&format!("{}?done=display", Place::Sessions.path())).into_response();
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

pub(super) async fn end(
    State(state): State<AppState>,
    Path(id): Path<String>,
    posted: Posted,
) -> Answer<Response> {
    let actor = posted.proven(&state).await?;
    let uid = id.parse().map_err(|_| Problem::not_found("Session not found, or it has ended"))?;
    state.room.sign_ins().end(&actor, uid).await?;
    Ok(Redirect::to(&format!("{}?done=ended", Place::Sessions.path())).into_response())
}
