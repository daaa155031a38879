//! One attempt of a call: the request with a credential's key, and what its answer means for it.

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use strongroom::call::{Attempt, CallEnd, Failure, FailureReason};
use strongroom_connectors::ai::gateway::{
    AnswerForm, Dialect, Meter, RequestFacts, UsageFilter, UsageReader, is_of_one_prompt, may_be_callers,
    refusal_bill, refused,
};
use strongroom_connectors::ai::{KeyHeader, ProviderApi};
use strongroom_connectors::upstream::{Answer, Base, RequestBody, UpstreamError};
use strongroom_model::{Problem, ProblemKind, Provider};

use super::body_out::BodyOut;
use super::metered_body::{MeteredBody, Settlement};
use super::target::Target;
use super::{CREDENTIAL, DENIED_BY, Gateway, REQUEST_ID, SOURCE, header as headers, provider_error};
use crate::http::upload::Upload;

/// Request of the client, the same for every credential that is tried.
pub(super) struct Asked<'a> {
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    pub(super) query: Option<String>,
    pub(super) facts: RequestFacts,
    pub(super) meter: Meter,
    pub(super) dialect: Dialect,
    pub(super) request_id: &'a str,
}

/// Outcome of an attempt.
pub(super) enum Tried {
    Answered(Response<BodyOut>),
    /// It came to nothing: what the client gets when nobody else is left, and what may be tried.
    Failed {
        outcome: Result<Response<BodyOut>, Problem>,
        then: Then,
    },
}

/// Next step after an attempt that came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
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

/// Sends the request with one credential.
pub(super) async fn try_one(
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
        let sent = match body {
            RequestBody::Buffered(body) if can_send_again => Some(body.clone()),
            _ => None,
        };
        return Box::pin(refusal(attempt, answer, asked, target, credential, sent)).await;
    }
    if answer.status().is_redirection() {
        return Box::pin(redirection(attempt, answer, asked.meter, provider, can_send_again)).await;
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
    target: &Target,
    credential: CredentialShown,
    sent: Option<Bytes>,
) -> Tried {
    let provider = &target.provider;
    let can_send_again = sent.is_some();
    let (mut head, body) = answer.into_parts();
    let (body, is_cut) = provider_error::read(&mut head.headers, body).await;
    let body = headers::masked(body, attempt.api_key(), is_cut);
    headers::from_provider(&mut head, attempt.api_key());
    head.headers.remove(header::CONTENT_LENGTH);
    mark(&mut head.headers, asked.request_id, credential);
    head.headers.insert(&DENIED_BY, HeaderValue::from_static("provider"));
    let refused = refused(provider, head.status, &head.headers, &body)
        .filter(|_| !is_callers(asked, target, sent.as_ref(), head.status, &body));
    let status = head.status;
    let end = CallEnd::of_refusal(refusal_bill(asked.meter, provider, status, &body, is_cut));
    let error = body.clone();
    let mut response = Response::from_parts(head, BodyOut::Plain(Body::from(body)));
    *response.version_mut() = http::Version::HTTP_11;
    match refused {
        Some(refused) => {
            let status = status.as_u16();
            // Another account than the key's, that the caller has named, is refused in the words for a bad key.
            let is_callers =
                refused.reason == Some(FailureReason::BadKey) && headers::names_an_account(&asked.headers);
            let is_of_prompt = || {
                let bytes = sent.as_ref().map_or(0, Bytes::len);
                is_of_one_prompt(response.status(), response.headers(), &error, bytes)
            };
            let failure = if is_callers || is_of_prompt() {
                Failure::Unblamed { status }
            } else {
                Failure::of_refusal(status, refused)
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

/// Tells whether the words of a refusal may be the caller's own, which no other credential has to hear.
fn is_callers(
    asked: &Asked<'_>,
    target: &Target,
    sent: Option<&Bytes>,
    status: StatusCode,
    error: &[u8],
) -> bool {
    let texts = sent.map(|body| {
        let query = asked.query.as_deref().map(str::as_bytes);
        let named = |name: &'static str| asked.headers.get_all(name).into_iter().map(HeaderValue::as_bytes);
        let headers = ["anthropic-beta", "openai-beta"].into_iter().flat_map(named);
        let texts = [&body[..], target.path.as_bytes()];
        texts.into_iter().chain(query).chain(headers).collect::<Vec<_>>()
    });
    may_be_callers(&target.provider, status, error, texts.as_deref())
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

/// A redirection is not followed: it would take the key to wherever it leads.
async fn redirection(
    attempt: Attempt,
    answer: Response<Answer>,
    meter: Meter,
    provider: &Provider,
    can_send_again: bool,
) -> Tried {
    let (mut head, body) = answer.into_parts();
    let (body, is_cut) = provider_error::read(&mut head.headers, body).await;
    let failure = Failure::Refused {
        status: head.status.as_u16(),
        health: FailureReason::ProviderDown,
        retry_after: None,
    };
    refuse(attempt, &failure, CallEnd::of_refusal(refusal_bill(meter, provider, head.status, &body, is_cut)));
    let problem = Problem::new(
        ProblemKind::BadGateway,
        format!("{provider} redirects elsewhere: set the final address as the credential's endpoint"),
    );
    Tried::Failed { outcome: Err(problem), then: Then::next_if(can_send_again) }
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
    let reader = reader.with_headers(&head.headers);
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
