//! Answers: as one JSON text, or as pieces with pauses.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use futures::stream;
use serde_json::Value;

use super::ending::Then;
use super::{Mode, Watch};

const PAUSE: Duration = Duration::from_millis(20);
const LONG_PAUSE: Duration = Duration::from_secs(1);

/// A whole JSON answer.
pub(super) fn json(status: u16, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// An answer before anybody knows what becomes of it.
#[derive(Debug)]
pub(super) enum Reply {
    /// With this status.
    Whole(u16, Value),
    /// Bytes that are no JSON.
    Binary(&'static str, Vec<u8>),
    /// Pieces: how it begins, what may be repeated, how it ends.
    Pieces { kind: &'static str, begin: Vec<String>, middle: Vec<String>, end: Vec<String> },
}

impl Reply {
    pub(super) fn respond(self, mode: Mode, mut watch: Watch) -> Response {
        let (kind, pieces, forever) = match self {
            Self::Whole(status, body) if mode != Mode::BreaksOff => {
                watch.whole();
                return json(status, &body);
            }
            Self::Binary(kind, bytes) => {
                watch.whole();
                let mut response = Response::new(Body::from(bytes));
                response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
                return response;
            }
            Self::Whole(_, body) => {
                let text = body.to_string();
                ("application/json", vec![text[..text.len() / 2].to_owned()], Vec::new())
            }
            Self::Pieces { kind, begin, middle, end } => match mode {
                Mode::Endless | Mode::Slow => (kind, begin, middle),
                Mode::BreaksOff => (kind, begin.into_iter().chain(middle).collect(), Vec::new()),
                _ => (kind, begin.into_iter().chain(middle).chain(end).collect(), Vec::new()),
            },
        };
        let breaks = mode == Mode::BreaksOff;
        let pause = if mode == Mode::Slow { LONG_PAUSE } else { PAUSE };
        let state = (0_usize, pieces, forever, watch);
        let body = stream::unfold(state, move |(index, pieces, forever, mut watch)| async move {
            let piece = match pieces.get(index) {
                Some(piece) => piece.clone(),
                None if breaks && index == pieces.len() => {
                    // What was said before is to arrive.
                    tokio::time::sleep(PAUSE).await;
                    let error = std::io::Error::other("the fake breaks off");
                    return Some((Err(error), (index + 1, pieces, forever, watch)));
                }
                None if forever.is_empty() => {
                    watch.whole();
                    return None;
                }
                None => {
                    tokio::time::sleep(pause).await;
                    forever[index % forever.len()].clone()
                }
            };
            Some((Ok(Bytes::from(piece)), (index + 1, pieces, forever, watch)))
        });
        let mut response = Response::new(Body::from_stream(body));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        response
    }
}

/// These pieces, and then no more: the connection breaks, or nothing comes for ever.
pub(super) fn cut(kind: &'static str, pieces: Vec<String>, then: Then, watch: Watch) -> Response {
    let body = stream::unfold((pieces.into_iter(), watch), move |(mut pieces, watch)| async move {
        if let Some(piece) = pieces.next() {
            return Some((Ok(Bytes::from(piece)), (pieces, watch)));
        }
        if then == Then::Silent {
            std::future::pending::<()>().await;
        }
        // What was said before is to arrive.
        tokio::time::sleep(PAUSE).await;
        Some((Err(std::io::Error::other("the fake breaks off")), (pieces, watch)))
    });
    let mut response = Response::new(Body::from_stream(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// One server-sent event; the name is left out when it is empty.
pub(super) fn event(name: &str, data: &Value) -> String {
    if name.is_empty() { format!("data: {data}\n\n") } else { format!("event: {name}\ndata: {data}\n\n") }
}

/// The figures that a request asks its usage to be, in the header
/// `x-stainless-fake-usage: <input>,<output>`: the gateway passes what libraries say of themselves.
pub(super) fn figures(arrived: &super::Arrived) -> (i64, i64) {
    let asked = arrived.header("x-stainless-fake-usage").and_then(|text| {
        let (input, output) = text.split_once(',')?;
        Some((input.parse().ok()?, output.parse().ok()?))
    });
    asked.unwrap_or((12, 5))
}

/// The JSON of a suggestion, for those that ask for one; `garbled` in the question has it come out as prose.
pub(super) fn wanted_text(arrived: &super::Arrived) -> String {
    let body = arrived.body.to_string();
    if !body.contains("resolutionSteps") {
        return WORDS.concat();
    }
    if body.contains("garbled") {
        return "I cannot tell.".to_owned();
    }
    let suggestion = serde_json::json!({ "rootCause": "the fake says so", "resolutionSteps": ["restart it"],
        "preventionMeasures": ["watch it"], "confidence": 0.5 });
    format!("Here:\n```json\n{suggestion}\n```")
}

/// The words of every answer.
pub(super) const WORDS: [&str; 5] = ["Hello", " from", " the", " fake", "."];

/// Tells whether the request offers tools.
pub(super) fn wants_tool(arrived: &super::Arrived) -> bool {
    arrived.body.get("tools").and_then(Value::as_array).is_some_and(|tools| !tools.is_empty())
}
