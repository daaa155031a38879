//! Keeps calls that carry a key away from places they must not reach.
//!
//! An endpoint is set by an administrator and called by the server, with a secret: without a guard it would be a way
//! to make the server call itself, its neighbours, or the cloud's metadata service. [`EndpointGuard::check`] refuses what
//! can be seen in the text; [`GuardedClient`] refuses what is seen only when a name is resolved for a connection.

mod address;
mod client;
mod reach;
mod resolver;

use std::net::IpAddr;

use strongroom_model::Problem;
use strongroom_model::credential::MAX_ENDPOINT;
use url::{Host, Url};

pub use address::AddressClass;
pub use client::GuardedClient;
pub use reach::Refusal;

pub(crate) use reach::Reach;
pub(crate) use resolver::{GuardedResolver, SystemResolver};

pub(crate) use reach::class_of_name;

use crate::proxy::Proxy;

/// Rules for endpoints, and the way by which they are called.
#[derive(Debug, Clone)]
pub struct EndpointGuard {
    allow_private: bool,
    proxy: Option<Proxy>,
}

impl EndpointGuard {
    /// With `allow_private` the networks around this machine may be reached, also with `http://`; cloud metadata
    /// services may not be reached in either case.
    #[must_use]
    pub const fn new(allow_private: bool) -> Self {
        Self { allow_private, proxy: None }
    }

    /// With a proxy, which looks names up itself: where they lead to is for it to guard.
    #[must_use]
    pub fn by_way_of(self, proxy: Option<Proxy>) -> Self {
        Self { proxy, ..self }
    }

    /// The proxy by way of which this is called.
    pub(crate) fn proxy_for(&self, url: &Url) -> Option<&Proxy> {
        self.proxy.as_ref().filter(|proxy| proxy.serves(url))
    }

    pub(crate) const fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref()
    }

    /// Tells whether the networks around this machine may be reached.
    #[must_use]
    pub const fn allows_private(&self) -> bool {
        self.allow_private
    }

    /// Reads an endpoint: a base URL with `https`, or `http` for a private address when those are allowed; a host and
    /// perhaps a port and a path, nothing else. Asks no DNS: what a name leads to is checked on connecting.
    ///
    /// # Errors
    /// [`Problem`] on the field `endpoint` that names the mend. It never repeats the text, which may hold a secret by
    /// mistake.
    pub fn check(&self, endpoint: &str) -> Result<Url, Problem> {
        if endpoint.chars().count() > MAX_ENDPOINT {
            return Err(refused(format!("must have at most {MAX_ENDPOINT} characters")));
        }
        // Parsers of URLs drop or rewrite these, each in its own way.
        if endpoint
            .chars()
            .any(|character| character.is_whitespace() || character.is_control() || character == '\\')
        {
            return Err(refused("must not contain white space, control characters or backslashes"));
        }
        let Some(after_scheme) = without_scheme(endpoint) else {
            return Err(refused("must start with https://"));
        };
        let authority = after_scheme.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.is_empty() {
            return Err(refused("must have a host, such as https://api.example.com/v1"));
        }
        if authority.contains('@') {
            return Err(refused("must not contain a user name or password: the key is sent in a header"));
        }
        let url = Url::parse(endpoint)
            .map_err(|error| refused("must be a URL such as https://api.example.com/v1").caused_by(error))?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refused("must not contain '?' or '#': give the base URL of the API only"));
        }
        self.admit(&url)?;
        Ok(url)
    }

    /// The client for calls that carry a key. Make one and keep it: it pools its connections.
    ///
    /// # Errors
    /// [`Problem`] when TLS cannot be set up, as on a system without certificates.
    pub fn client(&self) -> Result<GuardedClient, Problem> {
        GuardedClient::new(self.clone())
    }

    pub(crate) const fn reach(&self) -> Reach {
        if self.allow_private { Reach::PublicAndPrivate } else { Reach::Public }
    }

    /// Checks a URL before it is called, be it an endpoint or a path below one.
    fn admit(&self, url: &Url) -> Result<(), Problem> {
        let reach = match (url.scheme(), self.allow_private) {
            ("https", _) => self.reach(),
            ("http", true) => Reach::PrivateOnly,
            ("http", false) => {
                return Err(refused(
                    "must start with https://; http is for private addresses only, when \
                     STRONGROOM_ALLOW_PRIVATE_ENDPOINTS=true allows them",
                ));
            }
            _ => return Err(refused("must start with https://")),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("must not contain a user name or password: the key is sent in a header"));
        }
        let class = match url.host() {
            Some(Host::Ipv4(address)) => Some(AddressClass::of(IpAddr::V4(address))),
            Some(Host::Ipv6(address)) => Some(AddressClass::of(IpAddr::V6(address))),
            Some(Host::Domain(name)) => class_of_name(name),
            None => return Err(refused("must have a host, such as https://api.example.com/v1")),
        };
        match class {
            Some(class) if !reach.admits(class) => Err(refused(Refusal { class }.to_string())),
            _ => Ok(()),
        }
    }
}

fn refused(what: impl AsRef<str>) -> Problem {
    Problem::invalid("endpoint", format!("endpoint {}", what.as_ref()))
}

/// Parsers accept `https:host` and `https:///host` too; people who write those mean something else.
fn without_scheme(endpoint: &str) -> Option<&str> {
    ["https://", "http://"].iter().find_map(|scheme| {
        let start = endpoint.get(..scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then(|| &endpoint[scheme.len()..])
    })
}

#[cfg(test)]
mod tests;
