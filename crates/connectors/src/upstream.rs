//! The HTTP client of the gateway: streams both ways, pools connections, and reaches only what the guard allows.
//!
//! An HTTP/1.1 connection belongs to the call that uses it: whoever waits for the answer, or reads its body, drives it.
//! No task stands between a call and its socket, so that an answer costs no hand-over, and a call that is dropped closes
//! its connection at once.

mod answer;
mod connect;
mod http2;
mod pool;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::combinators::BoxBody;
use strongroom_http1::{Implementation, Sent};
use strongroom_model::Problem;
use tokio_util::task::TaskTracker;

use crate::endpoint_guard::EndpointGuard;
use connect::{ByProxy, Connected, Connector, Io};
use pool::{Kept, Pool};

pub use answer::{Answer, Broken};

type BoxError = strongroom_http1::BoxError;

/// A request's body that is passed on as it comes.
pub type Passing = BoxBody<Bytes, hyper::Error>;
/// The body of a request: held in memory, or passed on from this as it comes.
pub type RequestBody<S = Passing> = strongroom_http1::RequestBody<S>;

type Connection = strongroom_http1::Connection<Io, Passing>;
type ResponseBody = strongroom_http1::ResponseBody<Io, Passing>;

/// Most times that a request is sent again because the connection that was kept for it had been closed before it left.
const MAX_STALE_CONNECTIONS: usize = 8;

/// Destination of a credential's calls: a base URL that the guard has let through, and the connections to it.
pub struct Base {
    /// The scheme and the host.
    origin: Uri,
    host: HeaderValue,
    /// The path, without a slash at its end.
    prefix: String,
    /// Set when it is called by way of the proxy.
    is_proxied: bool,
    pool: Arc<Pool>,
}

impl fmt::Debug for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Base")
            .field("origin", &self.origin)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

impl Base {
    /// The target of a request below it, in origin form (RFC 9112, section 3.2.1). `query` is what follows the question
    /// mark.
    ///
    /// # Errors
    /// When the path or the query has characters that no URL can have.
    pub fn target(&self, path: &str, query: Option<&str>) -> Result<Uri, http::uri::InvalidUri> {
        let mut text = String::with_capacity(self.prefix.len() + path.len() + query.map_or(1, str::len) + 2);
        text.push_str(&self.prefix);
        text.push('/');
        text.push_str(path);
        if let Some(query) = query {
            text.push('?');
            text.push_str(query);
        }
        PathAndQuery::try_from(text).map(Uri::from)
    }
}

/// The reason why there was no answer.
#[derive(Debug)]
pub enum UpstreamError {
    /// No connection: the request did not leave.
    Connect(BoxError),
    /// This process can open no more files, and so make no connection: the request did not leave, and no provider is to
    /// blame.
    Exhausted(BoxError),
    /// The connection broke: the request may have left.
    Broken(BoxError),
    /// The same, of a connection that was kept open from a call before, and on which nothing came: it was most likely closed
    /// as the request was sent, and another connection may serve.
    Stale(BoxError),
}

/// EMFILE and ENFILE of Linux and macOS.
const NO_FILES: [i32; 2] = [24, 23];

fn is_of_files(error: &std::io::Error) -> bool {
    error.raw_os_error().is_some_and(|code| NO_FILES.contains(&code))
}

impl UpstreamError {
    /// Tells a lack of files from other reasons why no connection could be made. Not every error says it: a name that cannot
    /// be looked up for want of a file is told like one that does not exist. So it is tried.
    fn of_connecting(error: BoxError) -> Self {
        match std::fs::File::open("/dev/null") {
            Err(none) if is_of_files(&none) => Self::Exhausted(error),
            _ if has_cause(error.as_ref(), is_of_files) => Self::Exhausted(error),
            _ => Self::Connect(error),
        }
    }
}

/// Tells that an error, or one of its causes, is an error of the operating system of this kind.
fn has_cause(error: &(dyn std::error::Error + 'static), is_it: fn(&std::io::Error) -> bool) -> bool {
    let mut cause = Some(error);
    while let Some(one) = cause {
        if one.downcast_ref::<std::io::Error>().is_some_and(is_it) {
            return true;
        }
        cause = one.source();
    }
    false
}

impl fmt::Display for UpstreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect(error) if error.is::<ByProxy>() => {
                "the provider cannot be connected to by way of the proxy (STRONGROOM_PROXY)"
            }
            Self::Connect(_) => "the provider cannot be connected to",
            Self::Exhausted(_) => {
                "this server can open no more files, and so make no connection; raise its limit of open files, or make fewer \
                 calls at once"
            }
            Self::Broken(_) | Self::Stale(_) => "the connection to the provider broke before its answer",
        })
    }
}

impl std::error::Error for UpstreamError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Connect(source) | Self::Exhausted(source) | Self::Broken(source) | Self::Stale(source) => {
                Some(source.as_ref())
            }
        }
    }
}

/// The client.
pub struct Upstream {
    guard: EndpointGuard,
    connector: Connector,
    /// Speaks HTTP/1.1.
    http1: Implementation,
    tasks: TaskTracker,
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream").field("guard", &self.guard).finish_non_exhaustive()
    }
}

impl Upstream {
    /// A client that connects within `connect_timeout`, TLS included.
    #[must_use]
    pub fn new(guard: EndpointGuard, connect_timeout: Duration) -> Self {
        let connector = Connector::new(guard.clone(), connect_timeout);
        Self { guard, connector, http1: Implementation::Own, tasks: TaskTracker::new() }
    }

    /// The same with another implementation of HTTP/1.1, for tests.
    #[cfg(test)]
    fn speaking_http1_by(self, http1: Implementation) -> Self {
        Self { http1, ..self }
    }

    /// Reads a credential's endpoint, or a provider's own base URL.
    ///
    /// # Errors
    /// [`Problem`] on the field `endpoint` when the guard refuses it.
    pub fn base(&self, endpoint: &str) -> Result<Base, Problem> {
        let url = self.guard.check(endpoint)?;
        let odd = || Problem::invalid("endpoint", "endpoint must be a URL with a host");
        let host = match (url.host_str(), url.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (Some(host), None) => host.to_owned(),
            (None, _) => return Err(odd()),
        };
        let origin = format!("{}://{host}/", url.scheme()).parse().map_err(|_| odd())?;
        let host = HeaderValue::from_str(&host).map_err(|_| odd())?;
        let prefix = url.path().trim_end_matches('/').to_owned();
        let pool = Arc::new(Pool::new(self.tasks.clone()));
        let is_proxied = self.guard.proxy_for(&url).is_some();
        Ok(Base { origin, host, prefix, is_proxied, pool })
    }

    /// Sends a request, whose target is of [`Base::target`], and waits for the head of the answer; `is_fresh` over a connection
    /// that is made for it. Dropping the future, or the answer's body, ends the call: HTTP/1.1 closes the connection, HTTP/2
    /// resets the stream.
    ///
    /// # Errors
    /// [`UpstreamError`].
    pub fn send<'a>(
        &'a self,
        base: &'a Base,
        request: Request<RequestBody>,
        is_fresh: bool,
    ) -> impl Future<Output = Result<Response<Answer>, UpstreamError>> + 'a {
        // Most calls find a connection. What the others need is in a box, for all of them would carry the room for it.
        let kept = if is_fresh { None } else { base.pool.take() };
        let sending = match kept {
            Some(Kept::Http1(connection)) => Ok(connection.send(request, &base.host)),
            other => Err((other, Box::new(request))),
        };
        async move {
            let (kept, request) = match sending {
                Ok(sending) => match sending.await {
                    Sent::Answered(answer) => return Ok(base.answer(answer)),
                    Sent::Broken(error) => return Err(UpstreamError::Broken(error)),
                    Sent::Silent(error) => return Err(UpstreamError::Stale(error)),
                    // It had been closed while nobody used it, and nothing has left.
                    Sent::Unsent(request, _) => (None, request),
                },
                Err(unsent) => unsent,
            };
            Box::pin(self.send_some_way(base, kept, *request, is_fresh)).await
        }
    }

    async fn send_some_way(
        &self,
        base: &Base,
        mut kept: Option<Kept>,
        mut request: Request<RequestBody>,
        is_fresh: bool,
    ) -> Result<Response<Answer>, UpstreamError> {
        for _ in 0..MAX_STALE_CONNECTIONS {
            let another = || if is_fresh { None } else { base.pool.take() };
            let Some(connection) = kept.take().or_else(another) else { break };
            match self.send_over(connection, base, request).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err((unsent, _))) => request = unsent,
                Err((error, true)) => return Err(UpstreamError::Stale(error)),
                Err((error, false)) => return Err(UpstreamError::Broken(error)),
            }
        }
        let fresh = self.connect(base).await.map_err(UpstreamError::of_connecting)?;
        match self.send_over(fresh, base, request).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err((_, error))) => Err(UpstreamError::Connect(error)),
            Err((error, _)) => Err(UpstreamError::Broken(error)),
        }
    }

    async fn connect(&self, base: &Base) -> Result<Kept, BoxError> {
        Ok(match self.connector.connect(&base.origin, base.is_proxied).await? {
            Connected::Http1(io) => Kept::Http1(Connection::open(io, self.http1).await?),
            Connected::Http2(io) => {
                let sender = http2::open(io, &self.tasks).await?;
                Kept::Http2(base.pool.keep_http2(sender))
            }
        })
    }

    /// The inner error has a request that did not leave; the outer one tells whether nothing came back of one that may have.
    async fn send_over(
        &self,
        kept: Kept,
        base: &Base,
        request: Request<RequestBody>,
    ) -> Result<Result<Response<Answer>, (Request<RequestBody>, BoxError)>, (BoxError, bool)> {
        match kept {
            Kept::Http1(connection) => match connection.send(request, &base.host).await {
                Sent::Answered(answer) => Ok(Ok(base.answer(answer))),
                Sent::Unsent(request, error) => Ok(Err((*request, error))),
                Sent::Broken(error) => Err((error, false)),
                Sent::Silent(error) => Err((error, true)),
            },
            Kept::Http2(mut sender) => {
                let mut request = request;
                *request.uri_mut() = base.absolute(request.uri());
                if let Err(error) = sender.ready().await {
                    return Ok(Err((relative(request), error.into())));
                }
                match sender.try_send_request(request).await {
                    Ok(answer) => Ok(Ok(answer.map(Answer::over_http2))),
                    Err(mut failed) => match failed.take_message() {
                        Some(request) => Ok(Err((relative(request), failed.into_error().into()))),
                        // One stream of several: what became of it is not told by the connection.
                        None => Err((failed.into_error().into(), false)),
                    },
                }
            }
        }
    }
}

impl Base {
    fn answer(&self, answer: Response<ResponseBody>) -> Response<Answer> {
        answer.map(|body| Answer::over_http1(body, Arc::clone(&self.pool)))
    }

    /// A target with the scheme and the host before it.
    fn absolute(&self, target: &Uri) -> Uri {
        let mut parts = self.origin.clone().into_parts();
        parts.path_and_query = target.path_and_query().cloned();
        // Of parts that have been parsed before.
        Uri::from_parts(parts).unwrap_or_else(|_| self.origin.clone())
    }
}

/// A request that was meant for HTTP/2, as HTTP/1.1 wants it.
fn relative(mut request: Request<RequestBody>) -> Request<RequestBody> {
    if let Some(target) = request.uri().path_and_query().cloned() {
        *request.uri_mut() = Uri::from(target);
    }
    request
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tls_tests;
