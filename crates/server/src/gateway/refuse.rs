//! Errors of ours, in the shape that the client's library knows.

use axum::body::Body;
use http::{HeaderValue, Response, StatusCode, header};
use strongroom_connectors::ai::gateway::{Dialect, ErrorBody};
use strongroom_model::{Millis, Problem, ProblemKind};

use super::{DENIED_BY, REQUEST_ID};
use crate::http::front::Outgoing;
use crate::http::problem::status;

/// Waiting longer than this is nothing that a library should do by itself, in milliseconds.
const WORTH_WAITING: i64 = 15_000;

/// The answer for a problem.
pub(super) fn refuse(
    problem: &Problem,
    dialect: Dialect,
    request_id: &str,
    now: Millis,
) -> Response<Outgoing> {
    let status = match (problem.kind, problem.field.as_deref()) {
        (ProblemKind::Invalid, Some("body")) if problem.message.contains("longer than") => {
            StatusCode::PAYLOAD_TOO_LARGE
        }
        (kind, _) => status(kind),
    };
    let body = ErrorBody {
        status: status.as_u16(),
        message: format!("strongroom: {}", problem.message),
        code: problem.kind.code(),
    };
    let mut response = Response::new(Outgoing::Router(Body::from(body.to_json(dialect).to_string())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(&DENIED_BY, HeaderValue::from_static("strongroom"));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(&REQUEST_ID, id);
    }
    let wait = problem.retry_at.map(|at| (at.0 - now.0).max(0));
    if let Some(wait) = wait {
        headers.insert(header::RETRY_AFTER, HeaderValue::from((wait + 999) / 1000));
    }
    match problem.kind {
        ProblemKind::Unavailable => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        // The libraries of OpenAI and Anthropic heed this before they look at the status.
        _ if wait.is_some_and(|wait| wait <= WORTH_WAITING) => {}
        _ => {
            headers.insert("x-should-retry", HeaderValue::from_static("false"));
        }
    }
    response
}
