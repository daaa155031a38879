//! The guard around every page: checks the host, the sender, the session and the role, and gives every answer its headers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, HttpBody as _};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde_json::json;
use strongroom_crypto::random;
use strongroom_dashboard::form::Resend;
use strongroom_dashboard::page::problem::ProblemPage;
use strongroom_model::audit::{Outcome, Target};
use strongroom_model::problem::Causes;
use strongroom_model::{Actor, Problem, ProblemKind, Secret};

use super::posted::{Form, Sent};
use super::route::{self, PageRoute};
use super::site::{self, SaysWhence, Site};
use super::stale::{MAX_PAGE_BYTES, StalePages};
use super::visit::{RequestId, Visit};
use super::{cookie, sign_in};
use crate::http::peer;
use crate::http::problem::{Failure, status};
use crate::state::AppState;

/// The longest that a page may take.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The longest that the audit entry of a failure may take.
const NOTE_TIMEOUT: Duration = Duration::from_secs(2);

/// Nothing but what this server sends, and nothing inline. `same-origin` for the referrer, as browsers send `Origin: null` with
/// a form where it is `no-referrer` (Fetch, "append a request `Origin` header").
const HEADERS: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// What the guard needs beside the services.
#[derive(Clone)]
pub(super) struct Guarded {
    pub(super) state: AppState,
    /// Pages to be shown again while the database is away.
    pub(super) stale: Arc<StalePages>,
}

/// Lets in who may, and gives every answer its headers.
pub(super) async fn guard(
    State(Guarded { state, stale }): State<Guarded>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let request_id = random::uid().to_string();
    request.extensions_mut().insert(RequestId(request_id.clone()));
    let sent = Sent::default();
    request.extensions_mut().insert(sent.clone());
    let path =
        request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned()).unwrap_or_default();
    let Some(page) = route::find(request.method(), &path) else {
        let answer = Failure(Problem::denied("there is no page for this method")).into_response();
        return send(answer, None, &request_id, None);
    };
    let address = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
    let Entered { visit, cookie, answer } = enter(&state, page, &mut request).await;
    let answer = match answer {
        Some(Instead::Answer(answer)) => answer,
        // The body is read here, so that nothing that was typed is lost.
        Some(Instead::Ended) => ended(&state, &sent, request).await,
        None => {
            let answer = tokio::time::timeout(TIMEOUT, next.run(request)).await;
            answer.unwrap_or_else(|_| Failure(too_slow()).into_response())
        }
    };
    let actor = visit.as_ref().map(|visit| &visit.signed_in.actor);
    let problem = answer.extensions().get::<Arc<Problem>>().cloned();
    if let Some(problem) = &problem {
        tell(&state, page, actor, problem, &request_id).await;
    }
    let answer = match (&cookie, page.method) {
        (Some(cookie), "GET") => {
            keep_or_find(&stale, page, cookie, &address, problem.as_deref(), answer).await
        }
        _ => answer,
    };
    let code = answer.status().as_u16();
    state.metrics.count(page.method, page.path, code, started.elapsed());
    let milliseconds = started.elapsed().as_millis() as u64;
    tracing::info!(
        request_id,
        method = page.method,
        route = page.path,
        status = code,
        actor = actor.map(Actor::label),
        milliseconds,
        "page"
    );
    let resend = sent.take().filter(|_| page.method == "POST" && page.roles.is_some());
    // A key is shown to a session that has proven who it is within minutes; what came too late is asked for with the form.
    let needs_proof =
        page.action == "credential.read" && problem.is_some_and(|it| it.kind == ProblemKind::Denied);
    let resend = resend.map(|form| Resend { action: &address, fields: form.to_resend(), needs_proof });
    send(answer, visit.as_ref(), &request_id, resend)
}

/// Somebody at a page, and the answer if it is not the page that gives it.
struct Entered {
    visit: Option<Visit>,
    /// The secret that was shown, whatever it is worth.
    cookie: Option<Secret>,
    answer: Option<Instead>,
}

/// An answer in place of the page's.
enum Instead {
    Answer(Response),
    /// A form arrived after its session had ended.
    Ended,
}

impl Entered {
    fn refused(visit: Option<Visit>, cookie: Option<Secret>, problem: Problem) -> Self {
        Self { visit, cookie, answer: Some(Instead::Answer(Failure(problem).into_response())) }
    }
}

async fn enter(state: &AppState, page: &PageRoute, request: &mut Request) -> Entered {
    let site = match arrive(state, request) {
        Ok(site) => site,
        Err(problem) => return Entered::refused(None, None, problem),
    };
    if page.path.starts_with("/dashboard/assets/") {
        return Entered { visit: None, cookie: None, answer: None };
    }
    let cookie = cookie::read(request.headers(), &site);
    let found = match &cookie {
        None => Ok(None),
        Some(cookie) => state.room.sign_ins().find(cookie).await,
    };
    let found = match found {
        // A session that was begun at another kind of address is none here.
        Ok(found) => found.filter(|found| found.session.is_shared == site.is_shared),
        Err(problem) => return Entered::refused(None, cookie, problem),
    };
    let (Some(cookie), Some(mut signed_in)) = (cookie, found) else {
        let answer = page.roles.is_some().then(|| match page.method {
            "POST" => Instead::Ended,
            _ => Instead::Answer(Redirect::to(&sign_in::way_in(request)).into_response()),
        });
        return Entered { visit: None, cookie: None, answer };
    };
    signed_in.actor.remote_address = peer::address(request.extensions());
    signed_in.actor.request_id = request.extensions().get::<RequestId>().map(|RequestId(id)| id.clone());
    let role = signed_in.actor.role;
    let display = cookie::display(request.headers());
    let visit = Visit { signed_in, cookie: cookie.clone(), site, display };
    if page.roles.is_some_and(|roles| !roles.contains(&role)) {
        let message = "your role does not see this page, nor whether there is anything on it";
        return Entered::refused(Some(visit), None, Problem::denied(message));
    }
    request.extensions_mut().insert(visit.clone());
    Entered { visit: Some(visit), cookie: Some(cookie), answer: None }
}

/// The answer to a form whose session has ended: the form again, to be sent when its sender is signed in.
async fn ended(state: &AppState, sent: &Sent, request: Request) -> Response {
    let is_ours = request.extensions().get() == Some(&SaysWhence(true));
    let problem = match Form::read(request, state).await {
        // What may come from elsewhere is offered to nobody: one click would make it theirs.
        Ok(_) if !is_ours => {
            Problem::new(ProblemKind::Unauthenticated, "you are not signed in, so nothing was done")
        }
        Ok(form) => {
            sent.keep(&form);
            Problem::new(
                ProblemKind::Unauthenticated,
                "your session had ended when this was sent, so nothing was done; what you typed is still here",
            )
        }
        Err(problem) => problem,
    };
    Failure(problem).into_response()
}

/// Keeps a page that is shown, or shows the kept one where the database does not answer.
async fn keep_or_find(
    stale: &StalePages,
    page: &PageRoute,
    cookie: &Secret,
    address: &str,
    problem: Option<&Problem>,
    answer: Response,
) -> Response {
    if problem.is_some_and(|problem| problem.kind == ProblemKind::Unavailable) {
        let Some(kept) = stale.find(cookie, address) else { return answer };
        let again = [(header::RETRY_AFTER, "5")];
        return (StatusCode::SERVICE_UNAVAILABLE, again, Html(kept)).into_response();
    }
    let is_page =
        answer.headers().get(header::CONTENT_TYPE).is_some_and(|it| it.as_bytes().starts_with(b"text/html"));
    if answer.status() != StatusCode::OK || !is_page || page.roles.is_none() {
        return answer;
    }
    let (parts, body) = answer.into_parts();
    // A page is in memory already; what is larger than is kept is passed on as it is.
    if body.size_hint().upper().is_none_or(|size| size > MAX_PAGE_BYTES as u64) {
        return Response::from_parts(parts, body);
    }
    match axum::body::to_bytes(body, MAX_PAGE_BYTES).await {
        Ok(bytes) => {
            stale.keep(cookie, address, &bytes);
            Response::from_parts(parts, Body::from(bytes))
        }
        Err(error) => Failure(Problem::internal("the page broke off").caused_by(error)).into_response(),
    }
}

/// Looks where the browser is, and whether it may have sent this at all.
fn arrive(state: &AppState, request: &mut Request) -> Result<Site, Problem> {
    let site = Site::of(state, request)?;
    if request.headers().contains_key(header::AUTHORIZATION) {
        let message = "pages take no token in a header: sign in at /login, or call the API under /api";
        return Err(Problem::new(ProblemKind::Unauthenticated, message));
    }
    if site::is_change(request.method()) {
        let whence = site.check_sender(request.headers())?;
        request.extensions_mut().insert(whence);
    }
    request.extensions_mut().insert(site.clone());
    Ok(site)
}

fn too_slow() -> Problem {
    Problem::new(
        ProblemKind::Unavailable,
        "the page took too long and was given up; a change that it was to make may not have happened",
    )
}

/// Logs what went wrong, and writes it into the audit trail when it is known of whom.
async fn tell(
    state: &AppState,
    page: &PageRoute,
    actor: Option<&Actor>,
    problem: &Problem,
    request_id: &str,
) {
    let code = problem.kind.code();
    if let Some(cause) = &problem.cause {
        tracing::warn!(request_id, route = page.path, code, cause = %Causes(cause.as_ref()), "page failed");
    }
    let Some(actor) = actor else {
        if problem.kind == ProblemKind::Unauthenticated {
            state.metrics.count_refused();
        }
        return;
    };
    let outcome = if problem.kind == ProblemKind::Denied { Outcome::Denied } else { Outcome::Failed };
    let target = Target::kind(page.action.split('.').next().unwrap_or(page.action));
    let detail = json!({ "code": code, "page": page.path });
    let noted = state.room.note(actor, page.action, target, outcome, &detail);
    match tokio::time::timeout(NOTE_TIMEOUT, noted).await {
        Ok(Ok(())) => {}
        Ok(Err(problem)) => {
            tracing::error!(
                request_id,
                code = problem.kind.code(),
                "failed to write a failure to the audit trail"
            );
        }
        Err(_) => {
            tracing::error!(request_id, code = "timeout", "failed to write a failure to the audit trail")
        }
    }
}

/// Gives an answer its body when it is a problem, and its headers.
fn send(answer: Response, visit: Option<&Visit>, request_id: &str, resend: Option<Resend<'_>>) -> Response {
    let mut answer = match answer.extensions().get::<Arc<Problem>>() {
        None => answer,
        Some(problem) => {
            let viewer = visit.map(Visit::viewer);
            // What a role may not do is not offered again.
            let resend = resend.filter(|_| visit.is_some() || problem.kind == ProblemKind::Unauthenticated);
            let page =
                ProblemPage { title: title(problem.kind), message: &problem.message, request_id, resend };
            (status(problem.kind), Html(page.render(viewer.as_ref()))).into_response()
        }
    };
    let headers: &mut HeaderMap = answer.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if let Ok(value) = HeaderValue::from_str(request_id) {
        headers.insert("x-request-id", value);
    }
    answer
}

const fn title(kind: ProblemKind) -> &'static str {
    match kind {
        ProblemKind::Denied => "Not allowed",
        ProblemKind::NotFound => "Not found",
        ProblemKind::Unauthenticated => "Not signed in",
        ProblemKind::Conflict | ProblemKind::PreconditionFailed => "Changed meanwhile",
        ProblemKind::Unavailable => "Not available just now",
        ProblemKind::Integrity | ProblemKind::Internal => "Something is wrong inside strongroom",
        _ => "That did not work",
    }
}
