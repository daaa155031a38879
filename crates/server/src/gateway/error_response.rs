//! Error responses of the gateway, in the shape that the client's library knows.

use axum::body::Body;
use http::{HeaderValue, Response, header};
use strongroom_connectors::ai::gateway::{Dialect, ErrorBody};
use strongroom_model::{Millis, Problem, ProblemKind};

use super::body_out::BodyOut;
use super::{DENIED_BY, REQUEST_ID, RETRY_AT};
use crate::http::problem::status;

/// The longest wait that libraries are told of, in milliseconds: several sleep as long as they are told, to the end of a month.
const MAX_RETRY_AFTER_MILLIS: i64 = 60_000;

/// Renders a problem.
pub(super) fn error_response(
    problem: &Problem,
    dialect: Dialect,
    request_id: &str,
    now: Millis,
) -> Response<BodyOut> {
    // No `Upgrade` header with a 426: there is no protocol to go up to. Clients that try one then fall back to HTTP.
    let status = status(problem.kind);
    let body = ErrorBody {
        status: status.as_u16(),
        message: format!("strongroom: {}", problem.message),
        code: problem.kind.code(),
    };
    let mut response = Response::new(BodyOut::Plain(Body::from(body.to_json(dialect).to_string())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(&DENIED_BY, HeaderValue::from_static("strongroom"));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(&REQUEST_ID, id);
    }
    let wait = problem.retry_at.map(|at| (at.0 - now.0).max(0));
    if let Some(wait) = wait {
        headers
            .insert(header::RETRY_AFTER, HeaderValue::from((wait.min(MAX_RETRY_AFTER_MILLIS) + 999) / 1000));
    }
    if let Some(at) = problem.retry_at.and_then(|at| HeaderValue::from_str(&at.to_string()).ok()) {
        headers.insert(&RETRY_AT, at);
    }
    if problem.kind == ProblemKind::Unavailable {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    // The libraries of OpenAI and Anthropic heed this before they look at the status.
    if !helps_to_wait(problem.kind, wait) {
        headers.insert("x-should-retry", HeaderValue::from_static("false"));
    }
    response
}

/// Tells whether the same call may succeed after as long as a library waits by itself.
fn helps_to_wait(kind: ProblemKind, wait: Option<i64>) -> bool {
    match kind {
        ProblemKind::Unavailable | ProblemKind::BadGateway | ProblemKind::Internal => true,
        ProblemKind::LimitReached => wait.is_some_and(|wait| wait <= MAX_RETRY_AFTER_MILLIS),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_764_000_000_000);

    fn refused(kind: ProblemKind, wait: Option<i64>) -> (Option<i64>, Option<String>, bool) {
        let problem = Problem { retry_at: wait.map(|wait| Millis(NOW.0 + wait)), ..Problem::new(kind, "x") };
        let answer = error_response(&problem, Dialect::OpenAi, "id", NOW);
        let text = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        (
            text("retry-after").map(|seconds| seconds.parse().unwrap()),
            text("x-strongroom-retry-at"),
            text("x-should-retry").is_none(),
        )
    }

    #[test]
    fn libraries_are_told_to_wait_a_minute_at_most_and_people_the_true_instant() {
        use ProblemKind::{
            BadGateway, Denied, Internal, Invalid, LimitReached, NotFound, Unauthenticated, Unavailable,
        };
        for (kind, wait, retry_after, may_try_again) in [
            (LimitReached, Some(0), Some(0), true),
            (LimitReached, Some(1), Some(1), true),
            (LimitReached, Some(30_000), Some(30), true),
            (LimitReached, Some(60_000), Some(60), true),
            (LimitReached, Some(60_001), Some(60), false),
            (LimitReached, Some(31 * 86_400_000), Some(60), false),
            (LimitReached, None, None, false),
            (Unavailable, None, Some(1), true),
            (BadGateway, None, None, true),
            (Internal, None, None, true),
            (Invalid, None, None, false),
            (Denied, None, None, false),
            (NotFound, None, None, false),
            (Unauthenticated, None, None, false),
        ] {
            let (told, at, again) = refused(kind, wait);
            assert_eq!((told, again), (retry_after, may_try_again), "{kind:?} {wait:?}");
            assert_eq!(at, wait.map(|wait| Millis(NOW.0 + wait).to_string()));
        }
    }
}
