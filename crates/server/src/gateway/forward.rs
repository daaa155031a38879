//! One call: admitted, sent on with a provider's key, its answer streamed back; with another credential when one fails
//! before its answer has begun.

use std::sync::Arc;

use axum::body::Body;
use bytes::{Buf, Bytes};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use strongroom::call::{Attempt, Call, CallEnd, CallTarget, Failure, FailureReason, NewCall};
use strongroom_connectors::ai::gateway::{
    AnswerForm, Dialect, Meter, Operation, RequestError, RequestFacts, Route, UsageFilter, UsageReader,
    meant, refusal_bill, refused,
};
use strongroom_connectors::ai::{KeyHeader, ProviderApi};
use strongroom_connectors::upstream::{Answer, Base, RequestBody, UpstreamError};
use strongroom_model::{Actor, Problem, ProblemKind, Provider};

use super::body::{self, Coding, Long, Reservation};
use super::body_out::BodyOut;
use super::metered_body::{MeteredBody, Settlement};
use super::target::{Located, Target, locate, nowhere, targets};
use super::{
    CREDENTIAL, DENIED_BY, Gateway, REQUEST_ID, SOURCE, header as headers, model_list, provider_error,
};
use crate::http::upload::Upload;

/// Unicode, section 23.8, in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Request of the client, the same for every credential that is tried.
struct Asked<'a> {
    method: Method,
    headers: HeaderMap,
    query: Option<String>,
    facts: RequestFacts,
    meter: Meter,
    dialect: Dialect,
    request_id: &'a str,
}

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

enum Tried {
    Answered(Response<BodyOut>),
    /// It came to nothing: what the client gets when nobody else is left, and what may be tried.
    Failed {
        outcome: Result<Response<BodyOut>, Problem>,
        then: Then,
    },
}

/// Next step after an attempt that came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Stop,
    /// The next credential.
    Next,
    /// The same one, over another connection.
    Repeat,
}

impl Then {
    fn next_if(may: bool) -> Self {
        if may { Self::Next } else { Self::Stop }
    }
}

async fn try_one(
    gateway: &Gateway,
    attempt: Attempt,
    asked: &Asked<'_>,
    body: &mut RequestBody<Upload>,
    target: &Target,
    fresh_connection: bool,
) -> Tried {
    let provider = &target.provider;
    let can_send_again = matches!(body, RequestBody::Buffered(_));
    let (base, request) = match prepare(gateway, &attempt, asked, body, target) {
        Ok(prepared) => prepared,
        Err(problem) => {
            attempt.release(&Failure::Connect);
            return Tried::Failed { outcome: Err(problem), then: Then::Next };
        }
    };
    // What other calls have to do comes first, so that what several of them send leaves together: each time that a sleeping
    // receiver has to be woken costs as much as what is sent.
    tokio::task::yield_now().await;
    let sent = tokio::time::timeout(
        gateway.options.first_byte_timeout,
        gateway.upstream.send(&base, request, fresh_connection),
    )
    .await;
    let answer = match sent {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return no_answer(attempt, error, asked, provider, can_send_again),
        Err(_) => {
            attempt.lost(&Failure::Timeout);
            let late = format!(
                "{provider} did not begin to answer within {} s",
                gateway.options.first_byte_timeout.as_secs()
            );
            let outcome = Err(Problem::new(ProblemKind::BadGateway, late));
            return Tried::Failed { outcome, then: Then::Stop };
        }
    };
    let credential =
        CredentialShown { name: headers::name_value(attempt.credential()), source: attempt.source() };
    if answer.status().as_u16() >= 400 {
        return Box::pin(refusal(attempt, answer, asked, provider, credential, can_send_again)).await;
    }
    if answer.status().is_redirection() {
        let status = answer.status();
        let failure = Failure::Refused {
            status: status.as_u16(),
            health: strongroom::call::FailureReason::ProviderDown,
            retry_after: None,
        };
        refuse(
            attempt,
            &failure,
            CallEnd::of_refusal(refusal_bill(asked.meter, provider, status, &[], false)),
        );
        // Followed, it would take the client's token to wherever it leads.
        let problem = Problem::new(
            ProblemKind::BadGateway,
            format!("{provider} redirects elsewhere: set the final address as the credential's endpoint"),
        );
        return Tried::Failed { outcome: Err(problem), then: Then::next_if(can_send_again) };
    }
    if answer.status() == StatusCode::RESET_CONTENT {
        // RFC 9110, section 15.3.6: nothing may stand behind it, and a client would take that for the next answer.
        attempt.lost(&Failure::Unblamed { status: StatusCode::RESET_CONTENT.as_u16() });
        let problem = Problem::new(
            ProblemKind::BadGateway,
            format!("{provider} answered with 205, which no answer of a model has"),
        );
        return Tried::Failed { outcome: Err(problem), then: Then::Stop };
    }
    Tried::Answered(stream(gateway, attempt, answer, asked, provider, credential))
}

/// There was no connection, or it broke before an answer.
fn no_answer(
    attempt: Attempt,
    error: UpstreamError,
    asked: &Asked<'_>,
    provider: &Provider,
    can_send_again: bool,
) -> Tried {
    let kind = match &error {
        UpstreamError::Exhausted(_) => ProblemKind::Unavailable,
        _ => ProblemKind::BadGateway,
    };
    // What costs much and cannot be told to have happened is not done twice.
    let is_cheap = asked.meter != Meter::Unmetered;
    let then = match &error {
        UpstreamError::Connect(_) => {
            attempt.release(&Failure::Connect);
            Then::next_if(can_send_again)
        }
        UpstreamError::Exhausted(_) => {
            attempt.release(&Failure::Ours);
            Then::Stop
        }
        UpstreamError::Broken(_) => {
            attempt.lost(&Failure::Connect);
            Then::next_if(can_send_again && is_cheap)
        }
        UpstreamError::Stale(_) => {
            attempt.lost(&Failure::Ours);
            if can_send_again && is_cheap { Then::Repeat } else { Then::Stop }
        }
    };
    let message = match kind {
        ProblemKind::Unavailable => error.to_string(),
        _ => format!("{provider}: {error}"),
    };
    Tried::Failed { outcome: Err(Problem::new(kind, message).caused_by(error)), then }
}

type Prepared = (Arc<Base>, Request<RequestBody>);

fn prepare(
    gateway: &Gateway,
    attempt: &Attempt,
    asked: &Asked<'_>,
    body: &mut RequestBody<Upload>,
    target: &Target,
) -> Result<Prepared, Problem> {
    let provider = &target.provider;
    let endpoint = attempt.endpoint().or_else(|| provider.base_url());
    let endpoint = endpoint.ok_or_else(|| {
        Problem::new(
            ProblemKind::BadGateway,
            format!("no address is known for {provider}: set the credential's endpoint"),
        )
    })?;
    let not_called = |problem: Problem| {
        Problem::new(ProblemKind::BadGateway, format!("{provider} was not called: {}", problem.message))
    };
    let base = gateway.base(endpoint).map_err(not_called)?;
    let odd = |_| Problem::invalid("query", "the query has characters that no URL can have");
    let uri = base.target(&target.path, asked.query.as_deref()).map_err(odd)?;
    let api = ProviderApi::of(provider);
    let key_header = match asked.dialect {
        // Also where Anthropic and Gemini speak OpenAI's language.
        Dialect::OpenAi => KeyHeader::Bearer,
        _ => api.key_header,
    };
    let (name, key) = key_header.with(attempt.api_key()).map_err(|_| {
        Problem::new(ProblemKind::BadGateway, "the key has characters that cannot be sent; store it again")
    })?;
    let mut sent = asked.headers.clone();
    if asked.dialect == Dialect::Anthropic {
        for (name, value) in api.fixed_headers {
            sent.entry(*name).or_insert(HeaderValue::from_static(value));
        }
    }
    sent.insert(name, key);
    sent.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let body = match body {
        RequestBody::Streaming(_) => match std::mem::replace(body, RequestBody::Buffered(Bytes::new())) {
            // It is gone with this attempt, behind which no other is made.
            RequestBody::Streaming(body) => RequestBody::Streaming(body.boxed()),
            RequestBody::Buffered(body) => RequestBody::Buffered(body),
        },
        RequestBody::Buffered(body) => {
            let model = target.model.as_deref().filter(|_| target.renames);
            let asks = asked.meter == Meter::Chat && !api.tells_usage_unasked;
            let changed = asked.facts.rewritten(body, model, asks);
            RequestBody::Buffered(changed.map_or_else(|| body.clone(), Bytes::from))
        }
    };
    let mut request = Request::new(body);
    *request.method_mut() = asked.method.clone();
    *request.uri_mut() = uri;
    *request.headers_mut() = sent;
    Ok((base, request))
}

/// The credential of an attempt, as the caller is told of it.
struct CredentialShown {
    name: HeaderValue,
    source: strongroom::Source,
}

fn mark(headers: &mut HeaderMap, request_id: &str, credential: CredentialShown) {
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(&REQUEST_ID, id);
    }
    headers.insert(&CREDENTIAL, credential.name);
    headers.insert(&SOURCE, HeaderValue::from_static(credential.source.as_str()));
}

/// An answer that says no: of the key, so that another may be tried, or of the request.
async fn refusal(
    attempt: Attempt,
    answer: Response<Answer>,
    asked: &Asked<'_>,
    provider: &Provider,
    credential: CredentialShown,
    can_send_again: bool,
) -> Tried {
    let (mut head, body) = answer.into_parts();
    let (body, is_cut) = provider_error::read(&mut head.headers, body).await;
    let body = headers::masked(body, attempt.api_key(), is_cut);
    headers::from_provider(&mut head, attempt.api_key());
    head.headers.remove(header::CONTENT_LENGTH);
    mark(&mut head.headers, asked.request_id, credential);
    head.headers.insert(&DENIED_BY, HeaderValue::from_static("provider"));
    let refused = refused(provider, head.status, &head.headers, &body);
    let status = head.status;
    let end = CallEnd::of_refusal(refusal_bill(asked.meter, provider, status, &body, is_cut));
    let mut response = Response::from_parts(head, BodyOut::Plain(Body::from(body)));
    *response.version_mut() = http::Version::HTTP_11;
    match refused {
        Some(refused) => {
            let status = status.as_u16();
            // Another account than the key's, that the caller has named, is refused in the words for a bad key.
            let is_callers =
                refused.reason == Some(FailureReason::BadKey) && headers::names_an_account(&asked.headers);
            let failure = if is_callers {
                Failure::Unblamed { status }
            } else {
                Failure::of_refusal(status, refused.reason, refused.retry_after)
            };
            refuse(attempt, &failure, end);
            // A server that broke down over it may have done it.
            let is_safe = asked.meter != Meter::Unmetered || status < 500;
            Tried::Failed { outcome: Ok(response), then: Then::next_if(can_send_again && is_safe) }
        }
        None => {
            // It is about the request: every credential would hear the same.
            attempt.answered(status.as_u16()).settle(end.unwrap_or(CallEnd::UNBILLED));
            Tried::Answered(response)
        }
    }
}

/// Settles an attempt that was refused, after which another may be tried, at what is billed all the same.
fn refuse(attempt: Attempt, failure: &Failure, billed: Option<CallEnd>) {
    match billed {
        Some(end) => attempt.billed(failure, end),
        None => attempt.refused(failure),
    }
}

/// Returns the form of an answer, by what its head says and by what was asked for: not all that stream name it well.
fn form_of(headers: &HeaderMap, is_stream_asked: bool) -> AnswerForm {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
    let is = |wanted: &str| kind.get(..wanted.len()).is_some_and(|kind| kind.eq_ignore_ascii_case(wanted));
    if is("text/event-stream") {
        AnswerForm::Events
    } else if !is_stream_asked {
        AnswerForm::Whole
    } else if is("application/") && !is("application/octet-stream") {
        AnswerForm::Pieces
    } else {
        AnswerForm::Events
    }
}

/// The answer, as it comes.
fn stream(
    gateway: &Gateway,
    attempt: Attempt,
    answer: Response<Answer>,
    asked: &Asked<'_>,
    provider: &Provider,
    credential: CredentialShown,
) -> Response<BodyOut> {
    let (mut head, body) = answer.into_parts();
    headers::from_provider(&mut head, attempt.api_key());
    let running = attempt.answered(head.status.as_u16());
    let form = form_of(&head.headers, asked.facts.is_stream);
    let reader = UsageReader::new(asked.meter, provider, form, asked.facts.bound.answers);
    let hides_usage = asked.meter == Meter::Chat && form == AnswerForm::Events && !asked.facts.wants_usage;
    let filter = hides_usage.then(UsageFilter::default);
    if filter.is_some() {
        head.headers.remove(header::CONTENT_LENGTH);
    }
    mark(&mut head.headers, asked.request_id, credential);
    head.version = http::Version::HTTP_11;
    let settlement = Settlement { running: Some(running), reader, meter: asked.meter };
    let body = MeteredBody::new(body, settlement, filter, gateway.options.idle_timeout);
    Response::from_parts(head, BodyOut::Metered(Box::new(body)))
}
