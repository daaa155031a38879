//! Access to the API: every request gets an id, is authenticated and authorised by the table of routes; error responses
//! are rendered, logged and (for authenticated callers) audited here.

mod field;
pub mod route;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use strongroom_crypto::random;
use strongroom_model::audit::{Outcome, Target};
use strongroom_model::problem::Causes;
use strongroom_model::{Actor, Clock, Problem, ProblemKind};

use crate::http::authentication::Evidence;
use crate::http::problem::{Failure, render};
use crate::state::AppState;
use route::{Access, Route, find};

const REQUEST_ID: &str = "x-request-id";
/// Longest time that the audit entry of a failure may take where a dependency does not answer.
const AUDIT_TIMEOUT: Duration = Duration::from_secs(2);
/// Interval at which the database is pinged while a request has no answer.
const PING_INTERVAL: Duration = Duration::from_secs(5);

/// Middleware around every matched route.
pub async fn guard(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    // It begins with its instant, by which the usage records of a request are found again.
    let request_id = random::uid_at(Clock::Database.local_now()).to_string();
    let path =
        request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned()).unwrap_or_default();
    let Some(route) = find(request.method(), &path) else {
        if *request.method() == Method::HEAD {
            return wrong_method(Method::HEAD).await;
        }
        tracing::error!(method = %request.method(), route = path, "refused a route that is not in the table");
        return finish(&Problem::denied("this route is closed"), &request_id);
    };
    let named = target_of(route, &request);
    let evidence = Evidence::of(&request);
    let admitted = admit(&state, route, evidence, &request_id).await;
    let (actor, answer) = match admitted {
        Ok(Some(actor)) => {
            request.extensions_mut().insert(actor.clone());
            (Some(actor), in_time(&state, route, next.run(request)).await)
        }
        Ok(None) => (None, in_time(&state, route, next.run(request)).await),
        Err(refusal) => {
            if refusal.problem.kind == ProblemKind::Unauthenticated {
                state.metrics.count_refused();
            }
            (refusal.actor, Failure(refusal.problem).into_response())
        }
    };
    let mut answer = match answer.extensions().get::<Arc<Problem>>().cloned() {
        None => answer,
        // Boxed: most requests succeed, and all of them would carry the room for it.
        Some(problem) => {
            Box::pin(render_failure(&state, route, actor.as_ref(), named, &problem, &request_id)).await
        }
    };
    let status = answer.status().as_u16();
    let took = started.elapsed();
    state.metrics.count(route.method, route.path, status, took);
    if route.access != Access::Public {
        let actor = actor.as_ref().map(Actor::label);
        tracing::info!(
            request_id,
            method = route.method,
            route = route.path,
            status,
            actor,
            milliseconds = took.as_millis() as u64,
            "request"
        );
    }
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        answer.headers_mut().insert(REQUEST_ID, value);
    }
    // Answers may hold keys or metadata of them; nothing between us and the caller is to keep them.
    if route.path.starts_with("/api/") {
        answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    answer
}

/// The answer, if it comes in time; a database that does not answer either is not waited for.
async fn in_time(state: &AppState, route: &Route, answer: impl Future<Output = Response>) -> Response {
    let watch = async {
        loop {
            tokio::time::sleep(PING_INTERVAL).await;
            if let Err(problem) = state.room.ping().await {
                return problem;
            }
        }
    };
    let problem = tokio::select! {
        biased;
        answer = tokio::time::timeout(route.timeout(), answer) => match answer {
            Ok(answer) => return answer,
            Err(_) => Problem::new(
                ProblemKind::Unavailable,
                "the request took too long and was given up; what it had not committed did not happen",
            ),
        },
        problem = watch => problem,
    };
    Failure(problem).into_response()
}

/// A refusal, and who was refused if that is known.
struct Refusal {
    actor: Option<Actor>,
    problem: Problem,
}

async fn admit(
    state: &AppState,
    route: &Route,
    evidence: Evidence,
    request_id: &str,
) -> Result<Option<Actor>, Refusal> {
    let Access::Roles(roles) = route.access else { return Ok(None) };
    let authenticated = evidence.authenticate(&state.authenticator).await;
    let mut actor = authenticated.map_err(|problem| Refusal { actor: None, problem })?;
    actor.request_id = Some(request_id.to_owned());
    actor.remote_address = evidence.address;
    if roles.contains(&actor.role) {
        return Ok(Some(actor));
    }
    let problem = Problem::denied(if route.path.starts_with("/api/admin/") {
        "Admin access required"
    } else {
        "Reader or admin access required"
    });
    Err(Refusal { actor: Some(actor), problem })
}

/// Returns the target of a request, as far as its path tells.
fn target_of(route: &Route, request: &Request) -> Option<(&'static str, String)> {
    let (before, after) = route.path.split_once('{')?;
    let last = request.uri().path().strip_prefix(before)?;
    let end = if after.contains('/') { last.find('/').unwrap_or(last.len()) } else { last.len() };
    let (parameter, _) = after.split_once('}')?;
    let text = percent_encoding::percent_decode_str(&last[..end]).decode_utf8().ok()?.into_owned();
    match parameter {
        "name" => Some(("name", text)),
        "id" => Some(("id", text)),
        _ => None,
    }
}

/// Renders a failure, logs it, and writes an audit entry for a known caller.
async fn render_failure(
    state: &AppState,
    route: &Route,
    actor: Option<&Actor>,
    named: Option<(&'static str, String)>,
    problem: &Problem,
    request_id: &str,
) -> Response {
    let code = problem.kind.code();
    if let Some(cause) = &problem.cause {
        tracing::warn!(request_id, route = route.path, code, cause = %Causes(cause.as_ref()), "request failed");
    }
    if let Some(actor) = actor {
        let noted = note_failure(state, route, actor, named, problem);
        // Where nobody answers, the caller is not to wait for that once more.
        let noted = match problem.kind {
            ProblemKind::Unavailable => tokio::time::timeout(AUDIT_TIMEOUT, noted).await.ok(),
            _ => Some(noted.await),
        };
        let why = match noted {
            Some(Ok(())) => None,
            Some(Err(problem)) => Some(problem.kind.code()),
            None => Some("timeout"),
        };
        if let Some(why) = why {
            tracing::error!(request_id, code = why, "failed to write a failed request to the audit trail");
        }
    }
    let mut answer = render(problem, request_id, Clock::Database.local_now());
    if let Ok(value) = HeaderValue::from_str(request_id) {
        answer.headers_mut().insert(REQUEST_ID, value);
    }
    answer
}

/// Writes a failure to the audit trail.
async fn note_failure(
    state: &AppState,
    route: &Route,
    actor: &Actor,
    named: Option<(&'static str, String)>,
    problem: &Problem,
) -> Result<(), Problem> {
    let outcome = if problem.kind == ProblemKind::Denied { Outcome::Denied } else { Outcome::Failed };
    let target = state
        .room
        .failed_target(noun(route.action), named)
        .await
        .unwrap_or_else(|_| Target::kind(noun(route.action)));
    let field = problem.field.as_ref().and_then(field::known);
    let detail = json!({ "code": problem.kind.code(), "field": field });
    state.room.note(actor, route.action, target, outcome, &detail).await
}

fn noun(action: &'static str) -> &'static str {
    action.split('.').next().unwrap_or(action)
}

fn finish(problem: &Problem, request_id: &str) -> Response {
    render(problem, request_id, Clock::Database.local_now())
}

/// The answer for a path that no route has.
pub async fn nowhere() -> Response {
    finish(&Problem::not_found("there is no such route; see /docs"), &random::uid().to_string())
}

/// The answer for a route that has other methods.
pub async fn wrong_method(method: Method) -> Response {
    let mut answer = finish(
        &Problem::invalid("method", format!("this route does not take {method}; see /docs")),
        &random::uid().to_string(),
    );
    *answer.status_mut() = axum::http::StatusCode::METHOD_NOT_ALLOWED;
    answer
}

/// The answer after a panic. What it said is in the log of the panic hook, without the request.
pub fn after_panic(_: Box<dyn std::any::Any + Send + 'static>) -> Response {
    finish(
        &Problem::internal("something went wrong inside strongroom; the log has more"),
        &random::uid().to_string(),
    )
}
