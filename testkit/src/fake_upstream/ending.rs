//! How a call ends when its request says so in the header `x-stainless-fake-ending`.
//!
//! - `<how far>-then-<what>`: how far the answer comes, `nothing`, `in-head`, `head`, `partial` (all before the last figures)
//!   or `final` (they, and not what stands behind them), and what comes then: it `breaks` off, or is `silent`.
//! - `error-<status>`: refused in the provider's own words, or in those of `x-stainless-fake-refusal: <JSON>`.
//!   `page-<status>`: a page of HTML, as an intermediary shows it. `redirect-<status>`. `told-<status>`: refused, with the
//!   figures of the answer that does not stream, which are billed.
//!
//! `x-stainless-fake-output: <JSON>` is told in the place of the figure of the output, `x-stainless-fake-figures: none` has no figures told at
//! all, and `x-stainless-fake-figures: always` has those of a chat told in each chunk, the output as one; `early` has a
//! chunk of figures stand before a streamed chat, the output as none, and `shrink` one of zeros behind its last figures.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};

use super::Arrived;
use super::reply::{self, Reply};

/// How far an answer comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Point {
    Nothing,
    InHead,
    Head,
    Partial,
    Final,
}

/// What comes then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    Breaks,
    Silent,
}

/// How a call ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Cut(Point, Then),
    Error(u16),
    Page(u16),
    Redirect(u16),
    Told(u16),
}

impl Ending {
    /// What the request says; of nothing else does a test mean a call to end well.
    pub(super) fn of(arrived: &Arrived) -> Option<Self> {
        let text = arrived.header("x-stainless-fake-ending")?;
        // Calls with a spare key end well.
        if arrived.key.contains("-spare") {
            return None;
        }
        let status = |text: &str| text.parse().expect("a status");
        Some(match text.split_once('-').expect("an ending") {
            ("error", number) => Self::Error(status(number)),
            ("page", number) => Self::Page(status(number)),
            ("redirect", number) => Self::Redirect(status(number)),
            ("told", number) => Self::Told(status(number)),
            _ => {
                let (point, then) = text.split_once("-then-").expect("an ending");
                let point = match point {
                    "nothing" => Point::Nothing,
                    "in-head" => Point::InHead,
                    "head" => Point::Head,
                    "partial" => Point::Partial,
                    "final" => Point::Final,
                    other => panic!("no such point: {other}"),
                };
                let then = if then == "breaks" { Then::Breaks } else { Then::Silent };
                Self::Cut(point, then)
            }
        })
    }

    /// Tells whether a provider bills a call that ends so. An intermediary tells nothing of what was done behind it.
    pub(super) fn is_billed(self) -> bool {
        match self {
            Self::Cut(..) | Self::Told(_) => true,
            Self::Page(status) => matches!(status, 403 | 408 | 499 | 500..),
            Self::Redirect(status) => status == 303,
            Self::Error(status) => matches!(status, 408 | 499 | 502 | 504),
        }
    }

    /// The answer, if it is a short one.
    pub(super) fn answer(self, provider: &str, arrived: &Arrived) -> Option<Response> {
        match self {
            Self::Cut(..) | Self::Told(_) => None,
            Self::Error(status) => {
                if let Some(body) = arrived.header("x-stainless-fake-refusal") {
                    return Some(reply::json(status, &serde_json::from_str(body).expect("JSON")));
                }
                let message = "the fake refuses it";
                let body = match provider {
                    "anthropic" => {
                        json!({ "type": "error", "error": { "type": "api_error", "message": message } })
                    }
                    "gemini" => {
                        json!({ "error": { "code": status, "message": message, "status": "UNKNOWN" } })
                    }
                    _ => {
                        json!({ "error": { "message": message, "type": "server_error", "param": null, "code": null } })
                    }
                };
                Some(reply::json(status, &body))
            }
            Self::Page(status) => {
                let mut response = Response::new(Body::from("<html><body>Bad gateway</body></html>"));
                *response.status_mut() = StatusCode::from_u16(status).expect("a status");
                response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
                Some(response)
            }
            Self::Redirect(status) => {
                let mut response = Response::new(Body::empty());
                *response.status_mut() = StatusCode::from_u16(status).expect("a status");
                let there = HeaderValue::from_static("https://elsewhere.invalid/");
                response.headers_mut().insert(header::LOCATION, there);
                Some(response)
            }
        }
    }
}

impl Point {
    /// As much of an answer as comes.
    pub(super) fn cut(self, reply: Reply) -> (&'static str, Vec<String>) {
        let (kind, pieces) = match reply {
            Reply::Whole(_, body) => {
                let text = body.to_string();
                // The figures are the last of it, but for a brace.
                let end = text.len() - 1;
                let half = text.find("\"usage").unwrap_or(end) / 2;
                (
                    "application/json",
                    vec![text[..half].to_owned(), text[half..end].to_owned(), "}".to_owned()],
                )
            }
            Reply::Pieces { kind, begin, middle, end } => (kind, [begin, middle, end].concat()),
            Reply::Binary(..) => panic!("an answer without figures is not cut"),
        };
        let has_figures = |piece: &String| piece.contains("_tokens\"") || piece.contains("TokenCount\"");
        let last = pieces.iter().rposition(has_figures).unwrap_or(pieces.len() - 1);
        let length = match self {
            Self::Nothing | Self::InHead | Self::Head => 0,
            Self::Partial => last,
            Self::Final => last + 1,
        };
        (kind, pieces.into_iter().take(length).collect())
    }
}

/// Figures as they are told, `output` under this name.
pub(super) fn told(arrived: &Arrived, mut figures: Value, output: &str) -> Value {
    if arrived.header("x-stainless-fake-figures") == Some("none") {
        return Value::Null;
    }
    if let Some(text) = arrived.header("x-stainless-fake-output") {
        figures[output] = serde_json::from_str(text).expect("JSON");
    }
    figures
}
