//! The HTTP client of the gateway: streams both ways, pools connections, and reaches only what the guard allows.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body::Body;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use reqwest::dns::Resolve;
use strongroom_model::Problem;
use tower_service::Service;

use crate::endpoint_guard::{EndpointGuard, GuardedResolver, Reach, SystemResolver};

/// Connections that are kept for one address, at the most.
const IDLE_CONNECTIONS: usize = 256;
/// How long a connection is kept that nobody uses.
const IDLE: Duration = Duration::from_secs(60);
const KEEP_ALIVE: Duration = Duration::from_secs(60);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Where calls of a credential go: a base URL that the guard has let through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// Without a slash at its end.
    text: String,
    is_plain: bool,
}

impl Base {
    /// The address of a path below it. `query` is what follows the question mark.
    ///
    /// # Errors
    /// When the path or the query has characters that no URL can have.
    pub fn uri(&self, path: &str, query: Option<&str>) -> Result<Uri, http::uri::InvalidUri> {
        let mut text = String::with_capacity(self.text.len() + path.len() + query.map_or(1, str::len) + 2);
        text.push_str(&self.text);
        text.push('/');
        text.push_str(path);
        if let Some(query) = query {
            text.push('?');
            text.push_str(query);
        }
        Uri::try_from(text)
    }
}

/// Why there was no answer.
#[derive(Debug)]
pub enum UpstreamError {
    /// No connection: the request did not leave.
    Connect(BoxError),
    /// The connection broke: the request may have left.
    Broken(BoxError),
}

impl fmt::Display for UpstreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect(_) => "the provider cannot be connected to",
            Self::Broken(_) => "the connection to the provider broke before its answer",
        })
    }
}

impl std::error::Error for UpstreamError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Connect(source) | Self::Broken(source) => Some(source.as_ref()),
        }
    }
}

/// The client. `B` is the body of its requests.
pub struct Upstream<B> {
    guard: EndpointGuard,
    https: Client<Timed<HttpsConnector<HttpConnector<Guarded>>>, B>,
    /// Speaks `http://`, to private addresses only; absent when those are not allowed.
    plain: Option<Client<Timed<HttpConnector<Guarded>>, B>>,
}

impl<B> fmt::Debug for Upstream<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream").field("guard", &self.guard).finish_non_exhaustive()
    }
}

impl<B> Upstream<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    /// A client that connects within `connect_timeout`, TLS included.
    ///
    /// # Errors
    /// [`Problem`] when TLS cannot be set up, as on a system without certificates.
    pub fn new(guard: EndpointGuard, connect_timeout: Duration) -> Result<Self, Problem> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let https =
            HttpsConnectorBuilder::new().with_provider_and_platform_verifier(provider).map_err(|error| {
                Problem::internal(
                    "the HTTPS client cannot be set up: check that the system's certificates are installed \
                 (package ca-certificates)",
                )
                .caused_by(error)
            })?;
        let https = https.https_only().enable_all_versions().wrap_connector(connector(guard.reach()));
        let plain = guard
            .allows_private()
            .then(|| client(Timed { inner: connector(Reach::PrivateOnly), limit: connect_timeout }));
        Ok(Self { guard, https: client(Timed { inner: https, limit: connect_timeout }), plain })
    }

    /// Reads a credential's endpoint, or a provider's own base URL.
    ///
    /// # Errors
    /// [`Problem`] on the field `endpoint` when the guard refuses it.
    pub fn base(&self, endpoint: &str) -> Result<Base, Problem> {
        let url = self.guard.check(endpoint)?;
        let text = url.as_str().trim_end_matches('/').to_owned();
        Ok(Base { text, is_plain: url.scheme() == "http" })
    }

    /// Sends a request and waits for the head of the answer. Dropping the future, or the answer's body, ends the call:
    /// HTTP/1.1 closes the connection, HTTP/2 resets the stream.
    ///
    /// # Errors
    /// [`UpstreamError`].
    pub async fn send(&self, base: &Base, request: Request<B>) -> Result<Response<Incoming>, UpstreamError> {
        let sent = match (&self.plain, base.is_plain) {
            (Some(plain), true) => plain.request(request).await,
            _ => self.https.request(request).await,
        };
        sent.map_err(|error| {
            if error.is_connect() {
                UpstreamError::Connect(error.into())
            } else {
                UpstreamError::Broken(error.into())
            }
        })
    }
}

fn connector(reach: Reach) -> HttpConnector<Guarded> {
    let mut connector = HttpConnector::new_with_resolver(Guarded(Arc::new(GuardedResolver::new(
        Arc::new(SystemResolver),
        reach,
    ))));
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_keepalive(Some(KEEP_ALIVE));
    connector
}

fn client<C, B>(connector: C) -> Client<C, B>
where
    C: hyper_util::client::legacy::connect::Connect + Clone,
    B: Body + Send,
    B::Data: Send,
{
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(IDLE_CONNECTIONS)
        .http2_adaptive_window(true)
        .http2_keep_alive_interval(Some(KEEP_ALIVE))
        .build(connector)
}

/// The guarded resolver, as the connector wants it. Written-out addresses never get here: [`Upstream::base`] has checked
/// those.
#[derive(Clone)]
struct Guarded(Arc<GuardedResolver>);

type Boxed<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

impl Service<Name> for Guarded {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = Boxed<Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolver = Arc::clone(&self.0);
        Box::pin(async move {
            let found = resolver.resolve(name.as_str().parse()?).await?;
            Ok(found.collect::<Vec<_>>().into_iter())
        })
    }
}

/// A connector that gives up after a while.
#[derive(Clone)]
struct Timed<C> {
    inner: C,
    limit: Duration,
}

impl<C> Service<Uri> for Timed<C>
where
    C: Service<Uri>,
    C::Response: Send,
    C::Error: Into<BoxError>,
    C::Future: Send + 'static,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = Boxed<C::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (connecting, limit) = (self.inner.call(uri), self.limit);
        Box::pin(async move {
            match tokio::time::timeout(limit, connecting).await {
                Ok(connected) => connected.map_err(Into::into),
                Err(late) => Err(late.into()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Plain = http_body_util::Full<Bytes>;

    fn upstream(allow_private: bool) -> Upstream<Plain> {
        Upstream::new(EndpointGuard::new(allow_private), Duration::from_secs(2)).unwrap()
    }

    async fn get(upstream: &Upstream<Plain>, base: &str) -> Result<u16, UpstreamError> {
        let base = upstream.base(base).unwrap();
        let request = Request::get(base.uri("v1/x", Some("a=b")).unwrap()).body(Plain::default()).unwrap();
        upstream.send(&base, request).await.map(|answer| answer.status().as_u16())
    }

    #[tokio::test]
    async fn a_path_is_put_below_the_base_and_private_addresses_need_leave() {
        let open = upstream(true);
        let base = open.base("http://127.0.0.1:9/api/").unwrap();
        assert_eq!(base.uri("v1/x", None).unwrap(), "http://127.0.0.1:9/api/v1/x");
        assert_eq!(base.uri("v1/x", Some("alt=sse")).unwrap(), "http://127.0.0.1:9/api/v1/x?alt=sse");
        assert!(open.base("http://169.254.169.254/").is_err());
        assert!(upstream(false).base("https://127.0.0.1/").is_err());
    }

    #[tokio::test]
    async fn a_name_that_leads_to_a_private_address_is_not_connected_to() {
        // Resolves to loopback without leaving the machine, and is not seen in the text.
        let guarded = upstream(false);
        let base = Base { text: "https://localhost:1".to_owned(), is_plain: false };
        let request = Request::get(base.uri("x", None).unwrap()).body(Plain::default()).unwrap();
        let error = guarded.send(&base, request).await.unwrap_err();
        let mut causes = String::new();
        let mut source: Option<&dyn std::error::Error> = Some(&error);
        while let Some(error) = source {
            causes.push_str(&error.to_string());
            source = error.source();
        }
        assert!(causes.contains("leads to"), "{causes}");
    }

    #[tokio::test]
    async fn no_connection_is_told_from_a_broken_one() {
        let open = upstream(true);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut closing = tokio::task::JoinSet::new();
        closing.spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 1024];
            stream.readable().await.unwrap();
            let _ = stream.try_read(&mut buffer);
        });
        let broken = get(&open, &format!("http://{address}")).await;
        assert!(matches!(broken, Err(UpstreamError::Broken(_))), "{broken:?}");
        closing.join_next().await.unwrap().unwrap();
        let refused = get(&open, &format!("http://{address}")).await;
        assert!(matches!(refused, Err(UpstreamError::Connect(_))), "{refused:?}");
    }
}
