//! Failures between a caller and the API, sorted so that a program can act on them.

use std::error::Error as StdError;

use bytes::Bytes;
use http::{Response, StatusCode, header};
use strongroom_model::ProblemKind;

use crate::wire::problem::ProblemBody;

/// The kinds of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The caller asked for something that cannot be sent; nothing was.
    Usage,
    /// No answer came. Whether the request took effect is not known.
    Unreachable,
    /// The certificate of the other side is not trusted; nothing was sent.
    Untrusted,
    /// An answer came that is not one of this API.
    Protocol,
    /// The API refused or failed.
    Problem(ProblemKind),
}

/// A call that did not succeed.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct ClientError {
    /// The kind of failure.
    pub kind: ErrorKind,
    /// The HTTP status of the answer, when there was one.
    pub status: Option<u16>,
    /// The body of the answer, when it was one of this API's.
    pub problem: Option<Box<ProblemBody>>,
    /// Seconds after which trying again can succeed, from the header `Retry-After`.
    pub retry_after_seconds: Option<u64>,
    /// For people; never holds a secret.
    pub message: String,
    /// The cause.
    #[source]
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

impl ClientError {
    fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { kind, status: None, problem: None, retry_after_seconds: None, message, source: None }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    pub(crate) fn protocol(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Protocol, message)
    }

    pub(crate) fn setup(error: reqwest::Error) -> Self {
        let source = Some(error.without_url().into());
        Self { source, ..Self::usage("the HTTP client cannot be set up") }
    }

    /// `reqwest` puts the URL into its errors; names of credentials stand in it, so it is taken out.
    pub(crate) fn unreachable(error: reqwest::Error) -> Self {
        let message = if error.is_timeout() {
            "the server did not answer in time"
        } else if error.is_connect() {
            "the server cannot be reached"
        } else {
            "the connection to the server broke before it answered"
        };
        let error = error.without_url();
        let message = match innermost(&error) {
            Some(cause) if !error.is_timeout() => format!("{message}: {cause}"),
            _ => message.to_owned(),
        };
        let kind = if is_of_certificate(&error) { ErrorKind::Untrusted } else { ErrorKind::Unreachable };
        Self { source: Some(error.into()), ..Self::new(kind, message) }
    }

    /// The answer began, and its end never came.
    pub(crate) fn broken_off(error: std::io::Error) -> Self {
        let cause = innermost(&error).unwrap_or_else(|| error.to_string());
        let message = format!("the connection to the server broke before it had answered all: {cause}");
        Self { source: Some(error.into()), ..Self::new(ErrorKind::Unreachable, message) }
    }

    /// Reads an answer that is not a success.
    pub(crate) fn refused(answer: &Response<Bytes>) -> Self {
        let status = answer.status();
        let problem = serde_json::from_slice::<Box<ProblemBody>>(answer.body()).ok();
        let kind =
            problem.as_ref().and_then(|body| kind_of_code(&body.code)).or_else(|| kind_of_status(status));
        let message = match &problem {
            Some(body) => body.error.clone(),
            None if status.is_redirection() => {
                format!(
                    "the server answered with a redirect ({status}), which is not followed; check the URL"
                )
            }
            None => format!("the server answered {status}, and not in the way of this API; check the URL"),
        };
        let retry_after = answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
        Self {
            status: Some(status.as_u16()),
            problem,
            retry_after_seconds: retry_after.and_then(|value| value.trim().parse().ok()),
            ..Self::new(kind.map_or(ErrorKind::Protocol, ErrorKind::Problem), message)
        }
    }

    /// Tells whether the thing does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.kind == ErrorKind::Problem(ProblemKind::NotFound)
    }

    /// Tells whether the caller is known and may not.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        self.kind == ErrorKind::Problem(ProblemKind::Denied)
    }
}

fn innermost(error: &dyn StdError) -> Option<String> {
    let mut cause = error.source()?;
    while let Some(next) = cause.source() {
        cause = next;
    }
    Some(cause.to_string())
}

/// Tells whether the certificate of the other side was refused.
fn is_of_certificate(error: &(dyn StdError + 'static)) -> bool {
    if let Some(rustls::Error::InvalidCertificate(_)) = error.downcast_ref() {
        return true;
    }
    // An error of the operating system's kind gives the causes of what it holds, and not itself.
    let held = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    held.is_some_and(|held| is_of_certificate(held)) || error.source().is_some_and(is_of_certificate)
}

const KINDS: [ProblemKind; 12] = [
    ProblemKind::Invalid,
    ProblemKind::Unprocessable,
    ProblemKind::Unauthenticated,
    ProblemKind::Denied,
    ProblemKind::NotFound,
    ProblemKind::Conflict,
    ProblemKind::PreconditionFailed,
    ProblemKind::LimitReached,
    ProblemKind::Integrity,
    ProblemKind::BadGateway,
    ProblemKind::Unavailable,
    ProblemKind::Internal,
];

fn kind_of_code(code: &str) -> Option<ProblemKind> {
    KINDS.into_iter().find(|kind| kind.code() == code)
}

/// For answers of something in between, such as a reverse proxy.
fn kind_of_status(status: StatusCode) -> Option<ProblemKind> {
    Some(match status {
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE => ProblemKind::Invalid,
        StatusCode::UNAUTHORIZED => ProblemKind::Unauthenticated,
        StatusCode::FORBIDDEN => ProblemKind::Denied,
        StatusCode::NOT_FOUND => ProblemKind::NotFound,
        StatusCode::CONFLICT => ProblemKind::Conflict,
        StatusCode::PRECONDITION_FAILED => ProblemKind::PreconditionFailed,
        StatusCode::UNPROCESSABLE_ENTITY => ProblemKind::Unprocessable,
        StatusCode::TOO_MANY_REQUESTS => ProblemKind::LimitReached,
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            ProblemKind::Unavailable
        }
        StatusCode::INTERNAL_SERVER_ERROR => ProblemKind::Internal,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Response<Bytes> {
        Response::builder()
            .status(status)
            .header("retry-after", "7")
            .body(Bytes::copy_from_slice(body.as_bytes()))
            .unwrap()
    }

    #[test]
    fn every_code_of_the_api_reads_back_as_its_kind() {
        for kind in KINDS {
            let body = format!(r#"{{"error":"what and how","code":"{}"}}"#, kind.code());
            let error = ClientError::refused(&answer(500, &body));
            assert_eq!(error.kind, ErrorKind::Problem(kind));
            assert_eq!(error.message, "what and how");
        }
    }

    #[test]
    fn a_proxy_in_between_is_understood_by_its_status() {
        let error = ClientError::refused(&answer(503, "<html>"));
        assert_eq!(error.kind, ErrorKind::Problem(ProblemKind::Unavailable));
        assert_eq!((error.status, error.retry_after_seconds), (Some(503), Some(7)));
        assert!(error.problem.is_none());
        assert_eq!(ClientError::refused(&answer(302, "")).kind, ErrorKind::Protocol);
    }
}
