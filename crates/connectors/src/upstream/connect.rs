//! Connections to providers: TLS or, where private addresses are allowed, plain; to addresses that the guard lets through.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_rustls::builderstates::WantsSchemes;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use reqwest::dns::Resolve;
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tower_service::Service;

use super::BoxError;
use crate::endpoint_guard::{EndpointGuard, GuardedResolver, Reach, SystemResolver};
use crate::proxy::Proxy;

const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// A socket, with TLS over it or without, as hyper reads it.
pub(super) type HyperIo = MaybeHttpsStream<TokioIo<TcpStream>>;
/// The same, as tokio reads it.
pub(super) type Io = TokioIo<HyperIo>;

/// A connection, and the version of HTTP that both sides agreed on.
pub(super) enum Connected {
    Http1(Io),
    Http2(HyperIo),
}

type Https = HttpsConnector<HttpConnector<Guarded>>;
/// The same by way of a proxy, whose own name may lead anywhere.
type Proxied = HttpsConnector<Tunnel<HttpConnector>>;

/// Makes connections.
pub(super) struct Connector {
    guard: EndpointGuard,
    /// Set up with the first connection that needs it: the system's certificates take megabytes.
    https: OnceCell<Https>,
    proxied: OnceCell<Proxied>,
    /// For `http://`, to private addresses only; absent when those are not allowed.
    plain: Option<HttpConnector<Guarded>>,
    limit: Duration,
}

impl Connector {
    pub(super) fn new(guard: EndpointGuard, limit: Duration) -> Self {
        let plain = guard.allows_private().then(|| connector(Reach::PrivateOnly));
        Self { guard, https: OnceCell::new(), proxied: OnceCell::new(), plain, limit }
    }

    #[cfg(test)]
    pub(super) fn trusting(guard: EndpointGuard, limit: Duration, config: rustls::ClientConfig) -> Self {
        let builder = || HttpsConnectorBuilder::new().with_tls_config(config.clone());
        let https = OnceCell::new_with(Some(over_tls(builder(), &guard)));
        let proxied = OnceCell::new_with(guard.proxy().map(|proxy| through(builder(), proxy)));
        Self { guard, https, proxied, plain: None, limit }
    }

    async fn https(&self) -> Result<Https, BoxError> {
        let https = async || Ok::<_, BoxError>(over_tls(trusting_the_system()?, &self.guard));
        self.https.get_or_try_init(https).await.cloned()
    }

    async fn proxied(&self, proxy: &Proxy) -> Result<Proxied, BoxError> {
        let proxied = async || Ok::<_, BoxError>(through(trusting_the_system()?, proxy));
        self.proxied.get_or_try_init(proxied).await.cloned()
    }

    /// Connects to the host of a URL, TLS included, in time.
    pub(super) async fn connect(&self, origin: &Uri, is_proxied: bool) -> Result<Connected, BoxError> {
        tokio::time::timeout(self.limit, self.connect_some_time(origin, is_proxied)).await?
    }

    async fn connect_some_time(&self, origin: &Uri, is_proxied: bool) -> Result<Connected, BoxError> {
        let io = match (&self.plain, self.guard.proxy()) {
            (_, Some(proxy)) if is_proxied => {
                let connected = self.proxied(proxy).await?.call(origin.clone()).await;
                connected.map_err(|source| ByProxy { proxy: proxy.shown(), source })?
            }
            (Some(plain), _) if origin.scheme() == Some(&http::uri::Scheme::HTTP) => {
                HyperIo::Http(plain.clone().call(origin.clone()).await?)
            }
            _ => self.https().await?.call(origin.clone()).await?,
        };
        let is_http2 = io.connected().is_negotiated_h2();
        Ok(if is_http2 { Connected::Http2(io) } else { Connected::Http1(TokioIo::new(io)) })
    }
}

/// Failure to reach a provider by way of the proxy.
#[derive(Debug, thiserror::Error)]
#[error("by way of the proxy {proxy}")]
pub(super) struct ByProxy {
    proxy: String,
    source: BoxError,
}

fn trusting_the_system() -> Result<HttpsConnectorBuilder<WantsSchemes>, BoxError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let https = HttpsConnectorBuilder::new().with_provider_and_platform_verifier(provider);
    Ok(https.map_err(|error| {
        let advice = "check that the system's certificates are installed (package ca-certificates)";
        format!("TLS cannot be set up: {error}; {advice}")
    })?)
}

fn over_tls(https: HttpsConnectorBuilder<WantsSchemes>, guard: &EndpointGuard) -> Https {
    https.https_only().enable_all_versions().wrap_connector(connector(guard.reach()))
}

fn through(https: HttpsConnectorBuilder<WantsSchemes>, proxy: &Proxy) -> Proxied {
    let tunnel = Tunnel::new(proxy.uri().clone(), set_up(HttpConnector::new()));
    let tunnel = match proxy.authorization() {
        Some(authorization) => tunnel.with_auth(authorization.clone()),
        None => tunnel,
    };
    https.https_only().enable_all_versions().wrap_connector(tunnel)
}

fn connector(reach: Reach) -> HttpConnector<Guarded> {
    let resolver = GuardedResolver::new(Arc::new(SystemResolver), reach);
    set_up(HttpConnector::new_with_resolver(Guarded(Arc::new(resolver))))
}

fn set_up<R>(mut connector: HttpConnector<R>) -> HttpConnector<R> {
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_keepalive(Some(KEEP_ALIVE));
    connector
}

/// The guarded resolver, as the connector wants it. Written-out addresses never get here: [`super::Upstream::base`] has
/// checked those.
#[derive(Clone)]
pub(super) struct Guarded(Arc<GuardedResolver>);

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
