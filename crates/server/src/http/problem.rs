//! From problems to HTTP, in one place.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use strongroom_client::wire::problem::ProblemBody;
use strongroom_model::{Millis, Problem, ProblemKind};
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::{Ref, RefOr, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

/// A problem on its way to access control, which writes the body, the log and the audit entry.
#[derive(Debug)]
pub struct Failure(pub Problem);

impl IntoResponses for Failure {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        let body = ContentBuilder::new().schema(Some(Ref::from_schema_name(ProblemBody::name()))).build();
        let response = ResponseBuilder::new().description("A problem").content("application/json", body);
        BTreeMap::from([("default".to_owned(), response.into())])
    }
}

/// The answer of a handler.
pub type Answer<T> = Result<T, Failure>;

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = status(self.0.kind).into_response();
        response.extensions_mut().insert(Arc::new(self.0));
        response
    }
}

/// The status of a kind of problem.
#[must_use]
pub const fn status(kind: ProblemKind) -> StatusCode {
    match kind {
        ProblemKind::Invalid => StatusCode::BAD_REQUEST,
        ProblemKind::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
        ProblemKind::OtherProtocol => StatusCode::UPGRADE_REQUIRED,
        ProblemKind::TooSlow => StatusCode::REQUEST_TIMEOUT,
        ProblemKind::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
        ProblemKind::Unauthenticated => StatusCode::UNAUTHORIZED,
        ProblemKind::Denied => StatusCode::FORBIDDEN,
        ProblemKind::NotFound => StatusCode::NOT_FOUND,
        ProblemKind::Conflict => StatusCode::CONFLICT,
        ProblemKind::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
        ProblemKind::LimitReached => StatusCode::TOO_MANY_REQUESTS,
        ProblemKind::Integrity | ProblemKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        ProblemKind::BadGateway => StatusCode::BAD_GATEWAY,
        ProblemKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// The whole answer for a problem.
#[must_use]
pub fn render(problem: &Problem, request_id: &str, now: Millis) -> Response {
    let body = ProblemBody {
        error: problem.message.clone(),
        code: problem.kind.code().to_owned(),
        field: problem.field.as_deref().map(str::to_owned),
        request_id: Some(request_id.to_owned()),
    };
    let mut response = (status(problem.kind), Json(body)).into_response();
    if problem.kind == ProblemKind::Unauthenticated {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if problem.kind == ProblemKind::Unavailable {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    if let Some(at) = problem.retry_at {
        let seconds = ((at.0 - now.0) / 1000).max(1);
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
