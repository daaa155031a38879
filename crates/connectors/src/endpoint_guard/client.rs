//! The HTTP client for calls that carry a key: every request passes the guard, and so does every connection.

use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::Resolve;
use reqwest::{Method, RequestBuilder, redirect};
use strongroom_model::Problem;
use url::Url;

use super::EndpointGuard;
use super::reach::Reach;
use super::resolver::{GuardedResolver, SystemResolver};
use crate::proxy::Proxy;

/// For the connection alone, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// From the start of the request to the end of the answer's body.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(15);

/// A client that reaches only what its [`EndpointGuard`] allows, follows no redirect and uses no proxy but the one that it is given.
///
/// Names are checked when they are resolved for the connection. A client asks no resolver about an IP address that is
/// written out, so that the only way to a request is through this type, which checks those before anything is sent.
#[derive(Clone)]
pub struct GuardedClient {
    guard: EndpointGuard,
    https: reqwest::Client,
    /// Speaks `http://`, to private addresses only; absent when those are not allowed.
    plain: Option<reqwest::Client>,
    timeout: Duration,
}

impl GuardedClient {
    pub(super) fn new(guard: EndpointGuard) -> Result<Self, Problem> {
        Self::over(guard, Arc::new(SystemResolver))
    }

    /// With another source of addresses than the operating system, which is checked in the same way.
    pub(crate) fn over(guard: EndpointGuard, names: Arc<dyn Resolve>) -> Result<Self, Problem> {
        let proxy = guard.proxy();
        let https = build(names.clone(), guard.reach(), proxy)?;
        let plain = match guard.allows_private() {
            true => Some(build(names, Reach::PrivateOnly, None)?),
            false => None,
        };
        Ok(Self { guard, https, plain, timeout: DEFAULT_TIMEOUT })
    }

    /// The same client with another time allowed for a whole call.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The time allowed for a whole call.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The guard that every request passes.
    #[must_use]
    pub fn guard(&self) -> &EndpointGuard {
        &self.guard
    }

    /// Tells whether what is called there is called by way of the proxy.
    pub(crate) fn is_proxied(&self, url: &Url) -> bool {
        self.guard.proxy_for(url).is_some()
    }

    /// Starts a `GET`.
    ///
    /// # Errors
    /// As [`GuardedClient::request`].
    pub fn get(&self, url: Url) -> Result<RequestBuilder, Problem> {
        self.request(Method::GET, url)
    }

    /// Starts a `POST`.
    ///
    /// # Errors
    /// As [`GuardedClient::request`].
    pub fn post(&self, url: Url) -> Result<RequestBuilder, Problem> {
        self.request(Method::POST, url)
    }

    /// Starts a request, unless the guard refuses its address. What a name leads to is seen only while connecting:
    /// then sending fails, with a [`super::Refusal`] among the error's sources.
    ///
    /// # Errors
    /// [`Problem`] on the field `endpoint`.
    pub fn request(&self, method: Method, url: Url) -> Result<RequestBuilder, Problem> {
        self.guard.admit(&url)?;
        let client = match (url.scheme(), &self.plain) {
            ("http", Some(plain)) => plain,
            _ => &self.https,
        };
        Ok(client.request(method, url).timeout(self.timeout))
    }
}

/// The one place that builds clients for calls that carry a key.
fn build(names: Arc<dyn Resolve>, reach: Reach, proxy: Option<&Proxy>) -> Result<reqwest::Client, Problem> {
    // That of the environment would do the connecting, unguarded, without anybody having said so to us.
    let builder = reqwest::Client::builder().no_proxy();
    let builder = match proxy.cloned() {
        Some(proxy) => {
            builder.proxy(reqwest::Proxy::custom(move |url| proxy.serves(url).then(|| proxy.url().clone())))
        }
        None => builder,
    };
    builder
        .dns_resolver(GuardedResolver::new(names, reach).but_for(proxy.map(Proxy::host)))
        .https_only(reach != Reach::PrivateOnly)
        // A redirect would carry the key to wherever it points.
        .redirect(redirect::Policy::none())
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .user_agent(concat!("strongroom/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| {
            Problem::internal(
                "the HTTPS client cannot be set up: check that the system's certificates are installed \
                 (package ca-certificates)",
            )
            .caused_by(error)
        })
}
