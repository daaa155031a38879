//! `GET /login`, `POST /login` and `POST /logout`.

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use strongroom::sign_in::{Browser, Proof};
use strongroom_dashboard::Place;
use strongroom_dashboard::page::sign_in::{Confirm, SignIn};
use strongroom_model::{Problem, ProblemKind, Secret};

use super::cookie;
use super::posted::{Form, Posted};
use super::proof::check_token;
use super::site::{SaysWhence, Site};
use super::visit::{RequestId, Visit};
use crate::http::peer;
use crate::http::problem::{Answer, Failure};
use crate::state::AppState;

/// In the query of the first page after signing in: a browser that comes without a cookie did not keep it.
const ARRIVED: &str = "signed-in";

/// The way to the sign-in page, and from there to the page that was asked for.
pub(super) fn way_in(request: &Request) -> String {
    let uri = request.uri();
    if uri.query().is_some_and(|query| query.split('&').any(|part| part == ARRIVED)) {
        return "/login?lost".to_owned();
    }
    let next = uri.path_and_query().map_or("", |next| next.as_str());
    match is_ours(next) && next != Place::Overview.path() {
        true => format!(
            "/login?next={}",
            percent_encoding::utf8_percent_encode(next, percent_encoding::NON_ALPHANUMERIC)
        ),
        false => "/login".to_owned(),
    }
}

/// Tells whether an address is a page of ours: nothing that leads elsewhere begins so.
fn is_ours(next: &str) -> bool {
    next.starts_with("/dashboard") && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

pub(super) async fn show(request: Request) -> Answer<Response> {
    let site = site_of(&request)?;
    let query = request.uri().query().unwrap_or("");
    let asked: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
    let next = asked.iter().find(|(name, _)| name == "next").map(|(_, next)| next.as_str());
    let lost = "Your browser did not send the session's cookie back. Allow cookies for this address, and sign in again.";
    let full_session_at = site.full_session_at();
    let page = SignIn {
        problem: (query == "lost").then_some(lost),
        full_session_at: full_session_at.as_deref(),
        next: next.filter(|next| is_ours(next)),
    };
    Ok(Html(page.render()).into_response())
}

pub(super) async fn sign_in(State(state): State<AppState>, request: Request) -> Answer<Response> {
    let site = site_of(&request)?;
    // There is no session yet whose token the form could carry.
    if request.extensions().get() != Some(&SaysWhence(true)) {
        let message = "your browser does not say from which page this form was sent, so that nobody is signed in by it; use a \
                       browser of 2020 or later";
        return Err(Problem::denied(message).into());
    }
    let browser = Browser {
        address: peer::address(request.extensions()),
        agent: request
            .headers()
            .get(header::USER_AGENT)
            .and_then(|agent| agent.to_str().ok())
            .map(str::to_owned),
        is_shared: site.is_shared,
    };
    let before = request.extensions().get::<Visit>().cloned();
    let request_id = request.extensions().get::<RequestId>().map(|RequestId(id)| id.clone());
    let form = Form::read(request, &state).await?;
    let next = Some(form.text("next")).filter(|next| is_ours(next));
    let proof = match (form.secret("code"), form.secret("token")) {
        (Some(code), _) if form.text("confirmed") != "yes" => {
            return ask(&state, &site, &code, before.as_ref(), next).await;
        }
        (Some(code), _) => Proof::Code(code),
        (None, Some(token)) => match check_token(&state, token).await {
            Ok((actor, end)) => Proof::Checked(actor, end),
            Err(problem) => return again(&state, &site, problem, next),
        },
        (None, None) => {
            return again(&state, &site, Problem::invalid("token", "Give a code or a token."), next);
        }
    };
    let made = match state.room.sign_ins().sign_in(proof, browser, request_id).await {
        Ok(made) => made,
        Err(problem) => return again(&state, &site, problem, next),
    };
    if let Some(before) = before {
        // The session of before ends: its cookie may be known to somebody else.
        state.room.sign_ins().end(&before.actor(), before.signed_in.session.uid).await?;
    }
    let next = next.unwrap_or(Place::Overview.path());
    let first = format!("{next}{}{ARRIVED}", if next.contains('?') { '&' } else { '?' });
    let mut response = Redirect::to(&first).into_response();
    let cookie =
        cookie::set(&made.cookie, &site).ok_or_else(|| Problem::internal("the cookie cannot be written"))?;
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

/// Asks whether to become the holder of a code.
async fn ask(
    state: &AppState,
    site: &Site,
    code: &Secret,
    before: Option<&Visit>,
    next: Option<&str>,
) -> Answer<Response> {
    let Some(holder) = state.room.sign_ins().holder_of_code(code).await? else {
        let message = "This code was used already, is older than a minute, or was never made here. Run `strongroom open` again.";
        return again(state, site, Problem::new(ProblemKind::Unauthenticated, message), next);
    };
    let before = before.map(|before| before.actor().label());
    let page = Confirm {
        who: &holder.label(),
        role: holder.role.as_str(),
        code: code.expose(),
        instead_of: before.as_deref(),
        next,
    };
    Ok(Html(page.render()).into_response())
}

/// The form again, with what was wrong.
fn again(state: &AppState, site: &Site, problem: Problem, next: Option<&str>) -> Answer<Response> {
    if !matches!(problem.kind, ProblemKind::Unauthenticated | ProblemKind::Invalid) {
        return Err(Failure(problem));
    }
    state.metrics.count_refused();
    let full_session_at = site.full_session_at();
    let page = SignIn { problem: Some(&problem.message), full_session_at: full_session_at.as_deref(), next };
    Ok((StatusCode::UNAUTHORIZED, Html(page.render())).into_response())
}

pub(super) async fn sign_out(State(state): State<AppState>, posted: Posted) -> Answer<Response> {
    let Posted { visit, .. } = posted;
    state.room.sign_ins().end(&visit.actor(), visit.signed_in.session.uid).await?;
    let mut response = Redirect::to("/login").into_response();
    if let Some(cookie) = cookie::remove(&visit.site) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

fn site_of(request: &Request) -> Result<Site, Problem> {
    request
        .extensions()
        .get::<Site>()
        .cloned()
        .ok_or_else(|| Problem::internal("the guard of the pages set no site"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_elsewhere_after_signing_in() {
        for next in ["/dashboard", "/dashboard/credentials?q=a%20b&cursor=7"] {
            assert!(is_ours(next), "{next}");
        }
        for next in [
            "",
            "/",
            "//evil.example.com",
            "https://evil.example.com/dashboard",
            "/dashboard\\..\\x",
            "/dashboard\r\nx: y",
            "dashboard",
        ] {
            assert!(!is_ours(next), "{next:?}");
        }
    }
}
