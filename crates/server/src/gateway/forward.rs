//! One call: read, admitted, and tried with one credential after the other until the answer of one has begun.

use std::sync::Arc;

use bytes::{Buf, Bytes};
use http::{HeaderMap, HeaderValue, Method, Request, Response, header};
use strongroom::call::{Call, CallTarget, NewCall};
use strongroom_connectors::ai::gateway::{
    Dialect, Meter, Operation, RequestError, RequestFacts, Route, meant,
};
use strongroom_connectors::upstream::RequestBody;
use strongroom_model::{Actor, Problem, ProblemKind};

use super::attempt::{Asked, Then, Tried, try_one};
use super::body::{self, Coding, Long, Reservation};
use super::body_out::BodyOut;
use super::target::{Located, Target, locate, nowhere, targets};
use super::{Gateway, header as headers, model_list};
use crate::http::upload::Upload;

/// Unicode, section 23.8, in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Outcome of reading a request, before a credential is tried.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are calls: a box would be one more for each of them"
)]
enum Begun<'a> {
    /// Nobody else is asked.
    Answered(Response<BodyOut>),
    Call(Ready<'a>),
}

/// A call that only lacks a credential.
struct Ready<'a> {
    call: Call,
    asked: Asked<'a>,
    body: RequestBody<Upload>,
    targets: Vec<Target>,
    /// Held until the answer has begun: by then no other credential is tried.
    _reservation: Option<Reservation>,
}

/// Serves a call of somebody who is known.
pub(super) async fn forward(
    gateway: &Gateway,
    request: Box<Request<Upload>>,
    actor: &Arc<Actor>,
    request_id: &str,
) -> Result<Response<BodyOut>, Problem> {
    // In two steps: what the first one needs takes no room while the provider thinks.
    let mut ready = match begin(gateway, request, actor, request_id).await {
        Ok(Begun::Call(ready)) => ready,
        Ok(Begun::Answered(response)) => return Ok(response),
        Err(problem) => return Err(problem),
    };
    try_all(gateway, &mut ready).await
}

async fn begin<'a>(
    gateway: &Gateway,
    request: Box<Request<Upload>>,
    actor: &Arc<Actor>,
    request_id: &'a str,
) -> Result<Begun<'a>, Problem> {
    let (mut parts, body) = request.into_parts();
    let asked = parts.uri.path();
    let respelled;
    let located = match locate(&parts, asked) {
        Some(located) => located,
        None => {
            let nowhere = || nowhere(&parts.method, asked);
            respelled = meant(&parts.method, asked).ok_or_else(nowhere)?;
            locate(&parts, &respelled).ok_or_else(nowhere)?
        }
    };
    let Located { route, matched, .. } = &located;
    if *route == Route::Unified
        && matched.operation.name == "models"
        && matched.operation.dialect == Dialect::OpenAi
    {
        let list = Box::pin(model_list::list(gateway, actor)).await?;
        return Ok(Begun::Answered(list));
    }
    let (body, mut facts, reservation) =
        read(gateway, actor, &parts.method, &mut parts.headers, body, *route, &matched.operation).await?;
    facts.is_stream |= matched.streams();
    let calls = gateway.room.calls(Arc::clone(actor));
    let targets = targets(&located, &facts, &gateway.options.names, &calls).await?;
    let call = NewCall {
        operation: matched.operation.name,
        targets: targets
            .iter()
            .map(|target| CallTarget {
                provider: target.provider.clone(),
                model: target.model.clone(),
                bound: facts.bound_at(&target.provider, target.model.as_deref()),
            })
            .collect(),
    };
    let call = calls.begin(call).await?;
    headers::to_provider(&mut parts.headers);
    let asked = Asked {
        headers: parts.headers,
        query: headers::query(parts.uri.query()),
        method: parts.method,
        facts,
        meter: matched.operation.meter,
        dialect: matched.operation.dialect,
        request_id,
    };
    Ok(Begun::Call(Ready { call, asked, body, targets, _reservation: reservation }))
}

async fn read(
    gateway: &Gateway,
    caller: &Actor,
    method: &Method,
    headers: &mut HeaderMap,
    body: Upload,
    route: Route,
    operation: &Operation,
) -> Result<(RequestBody<Upload>, RequestFacts, Option<Reservation>), Problem> {
    let meter = operation.meter;
    let unread = |name| RequestFacts::unread_for(meter, name);
    if *method == Method::GET {
        return Ok((RequestBody::Buffered(Bytes::new()), unread("body"), None));
    }
    let is_json = is_json(headers, meter)?;
    if !is_json {
        // Files, whose coding and length are the provider's to judge.
        let has_length = http_body::Body::size_hint(&body).exact().is_some();
        if !has_length {
            return Ok((RequestBody::Streaming(body), unread("content-type"), None));
        }
    }
    let coding = if is_json { Coding::of(headers)? } else { None };
    let long = match route {
        Route::Unified => Long::RefusedHere,
        // Told to answer later, a provider would be paid for what nobody counts.
        _ if meter == Meter::Responses => Long::Refused,
        _ => Long::Passes,
    };
    match body::read(&gateway.body_memory, caller, body, coding, long).await? {
        (body @ RequestBody::Streaming(_), reservation) => Ok((body, unread("body"), reservation)),
        (body, reservation) if !is_json => Ok((body, unread("content-type"), reservation)),
        (RequestBody::Buffered(mut body), reservation) => {
            headers.remove(header::CONTENT_ENCODING);
            // RFC 8259, section 8.1: nobody has to take it, and no provider has to see it.
            if body.starts_with(BYTE_ORDER_MARK) {
                body.advance(BYTE_ORDER_MARK.len());
            }
            let facts = RequestFacts::read(*operation, &body).map_err(unreadable)?;
            Ok((RequestBody::Buffered(body), facts, reservation))
        }
    }
}

/// Tells whether the body is JSON, by its one `Content-Type`. Operations that are counted take nothing else: what another reader
/// may find in the same bytes is not guessed.
fn is_json(headers: &HeaderMap, meter: Meter) -> Result<bool, Problem> {
    let wrong = |message: &str| Problem::invalid("content-type", message);
    let mut kinds = headers.get_all(header::CONTENT_TYPE).into_iter();
    let kind = kinds.next().map_or(Ok(""), HeaderValue::to_str);
    let kind = kind.map_err(|_| wrong("the Content-Type has characters that no media type has"))?;
    if kinds.next().is_some() {
        return Err(wrong("there is more than one Content-Type; send one"));
    }
    let (name, parameters) = kind.split_once(';').unwrap_or((kind, ""));
    let is_json = name.trim().eq_ignore_ascii_case("application/json");
    // Libraries that forget to say so send JSON all the same where there is nothing else to send.
    let is_json = is_json || (name.trim().is_empty() && meter != Meter::Unmetered);
    if !is_json && !matches!(meter, Meter::Free | Meter::Unmetered) {
        return Err(wrong("this operation takes JSON: send it with the Content-Type application/json"));
    }
    let charset = parameters.split(';').filter_map(|parameter| parameter.split_once('='));
    let is_other = |(name, value): (&str, &str)| {
        name.trim().eq_ignore_ascii_case("charset")
            && !["utf-8", "utf8", "us-ascii"]
                .iter()
                .any(|known| value.trim().trim_matches('"').eq_ignore_ascii_case(known))
    };
    if is_json && charset.into_iter().any(is_other) {
        return Err(wrong("JSON is in UTF-8; send it without another charset"));
    }
    Ok(is_json)
}

fn unreadable(error: RequestError) -> Problem {
    match error {
        RequestError::NotJson => Problem::invalid("body", "the body must be one JSON object"),
        RequestError::NotUtf8 => Problem::invalid("body", "the body must be UTF-8"),
        RequestError::TooManyFields(place) => {
            Problem::invalid("body", format!("{place} has more fields than a request can have"))
        }
        RequestError::Twice(field) => {
            Problem::invalid(field, format!("{field} stands twice in the body; give each field once"))
        }
        RequestError::NotText(field) => Problem::invalid(field, format!("{field} must be a string")),
        RequestError::Deferred => Problem::denied(
            "calls in the background are not let through: what they use would not be counted; stream the answer",
        ),
    }
}

/// Tries one credential after the other until one answers.
async fn try_all(gateway: &Gateway, ready: &mut Ready<'_>) -> Result<Response<BodyOut>, Problem> {
    let Ready { call, asked, body, targets, .. } = ready;
    let mut last: Option<Result<Response<BodyOut>, Problem>> = None;
    let mut fresh_connection = false;
    loop {
        let attempt = match call.next().await {
            Ok(Some(attempt)) => attempt,
            Ok(None) => break,
            // What a provider said before tells more than that the next one is used up.
            Err(problem) => return last.unwrap_or(Err(problem)),
        };
        let target = &targets[attempt.target];
        match try_one(gateway, attempt, asked, body, target, fresh_connection).await {
            Tried::Answered(response) => {
                gateway.metrics.count_call(&target.provider, response.status().as_u16());
                return Ok(response);
            }
            Tried::Failed { outcome, then } => {
                let status = outcome.as_ref().map_or(0, |response| response.status().as_u16());
                gateway.metrics.count_call(&target.provider, status);
                last = Some(outcome);
                fresh_connection = match then {
                    Then::Stop => break,
                    Then::Next => false,
                    Then::Repeat => call.repeat(),
                };
            }
        }
    }
    last.unwrap_or_else(|| {
        Err(Problem::new(ProblemKind::BadGateway, "no credential is left that could serve this call"))
    })
}
