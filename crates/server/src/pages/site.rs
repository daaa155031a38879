//! The address that a browser believes to be at: names that are not ours are refused, so that no foreign name that resolves to
//! this machine (DNS rebinding) gets a page; and what a cookie of that address is worth.

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, header};
use strongroom_model::Problem;

use crate::state::AppState;

/// The name of the machine itself whose cookies browsers do not show to servers at `localhost` or `127.0.0.1`.
pub(super) const OWN_NAME: &str = "strongroom.localhost";

/// An address at which pages are served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Site {
    /// Scheme, host and port, as browsers write them in `Origin`.
    pub(super) origin: String,
    /// Set where servers on other ports of the machine are shown its cookies.
    pub(super) is_shared: bool,
    /// The port, where the address names one.
    port: Option<u16>,
}

impl Site {
    /// Finds where the browser is.
    ///
    /// # Errors
    /// [`Problem`] of kind `Denied`, with the remedy, when pages are not served under that name.
    pub(super) fn of(state: &AppState, request: &Request) -> Result<Self, Problem> {
        let is_tls = state.listening.as_deref().is_some_and(|url| url.starts_with("https:"));
        let authority = authority(request).ok_or_else(|| Problem::denied("the request names no host"))?;
        Self::find(&authority, is_tls, state.public_url.as_deref()).ok_or_else(unknown_name)
    }

    fn find(authority: &Authority, is_tls: bool, public_url: Option<&str>) -> Option<Self> {
        let named = authority.as_str().to_ascii_lowercase();
        if let Some(url) = public_url.filter(|url| url.split_once("://").is_some_and(|(_, at)| at == named)) {
            return Some(Self { origin: url.to_owned(), is_shared: false, port: authority.port_u16() });
        }
        let scheme = if is_tls { "https" } else { "http" };
        // Browsers send the certificate's name only over TLS, which no other program of the machine can answer for.
        let is_shared = match authority.host().to_ascii_lowercase().as_str() {
            "127.0.0.1" | "localhost" | "[::1]" => !is_tls,
            OWN_NAME => false,
            _ => return None,
        };
        Some(Self { origin: format!("{scheme}://{named}"), is_shared, port: authority.port_u16() })
    }

    /// Tells whether the address is of the machine itself.
    pub(super) fn is_of_this_machine(&self) -> bool {
        let host = self.origin.split_once("://").map_or("", |(_, at)| at);
        let host = host
            .rsplit_once(':')
            .filter(|(_, port)| port.parse::<u16>().is_ok())
            .map_or(host, |(host, _)| host);
        matches!(host, "127.0.0.1" | "localhost" | "[::1]" | OWN_NAME)
    }

    /// The address of a session without bounds, when this one gives none.
    pub(super) fn full_session_at(&self) -> Option<String> {
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        self.is_shared.then(|| format!("http://{OWN_NAME}{port}/dashboard"))
    }

    /// Checks that a change was sent by a page of this address. Browsers say so in either header; a page of another port of
    /// this machine is `same-site` and refused. A browser that says nothing has to show the token of the form.
    ///
    /// # Errors
    /// [`Problem`] of kind `Denied`.
    pub(super) fn check_sender(&self, headers: &HeaderMap) -> Result<SaysWhence, Problem> {
        let refused = || {
            Problem::denied(
                "this change was sent by a page of another address and is refused; open the dashboard itself",
            )
        };
        let one = |name| {
            let mut values = headers.get_all(name).iter();
            (values.next(), values.next().is_some())
        };
        let (fetch_site, is_twice) = one("sec-fetch-site");
        if is_twice || fetch_site.is_some_and(|site| site != "same-origin") {
            return Err(refused());
        }
        let (origin, is_twice) = one(header::ORIGIN.as_str());
        if is_twice || origin.is_some_and(|origin| origin != self.origin.as_str()) {
            return Err(refused());
        }
        Ok(SaysWhence(fetch_site.is_some() || origin.is_some()))
    }
}

/// The browser's word that it has said where a change comes from: yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SaysWhence(pub(super) bool);

/// The host that a request is for: of HTTP/2 it is part of the target.
fn authority(request: &Request) -> Option<Authority> {
    if let Some(authority) = request.uri().authority() {
        return Some(authority.clone());
    }
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = hosts.next().filter(|_| hosts.next().is_none())?;
    let authority = host.to_str().ok()?.parse::<Authority>().ok()?;
    Some(authority).filter(|it| !it.as_str().contains('@'))
}

fn unknown_name() -> Problem {
    Problem::denied(
        "pages are not served under this name: set STRONGROOM_PUBLIC_URL (http.public_url) to the https:// address that people \
         open, or on the machine of the server open http://strongroom.localhost with its port",
    )
}

/// Tells whether a method changes something.
pub(super) fn is_change(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(host: &str, is_tls: bool, public_url: Option<&str>) -> Option<(String, bool)> {
        let site = Site::find(&host.parse().unwrap(), is_tls, public_url)?;
        Some((site.origin, site.is_shared))
    }

    #[test]
    fn pages_are_served_under_names_of_this_machine_and_the_public_one_alone() {
        let plain = |host, is_shared| {
            assert_eq!(find(host, false, None), Some((format!("http://{host}"), is_shared)))
        };
        plain("127.0.0.1:8420", true);
        plain("localhost:8420", true);
        plain("[::1]:8420", true);
        plain("strongroom.localhost:8420", false);
        plain("strongroom.localhost", false);
        assert_eq!(find("LocalHost:8420", true, None), Some(("https://localhost:8420".into(), false)));
        let public = Some("https://keys.example.com");
        assert_eq!(find("KEYS.example.com", false, public), Some(("https://keys.example.com".into(), false)));
        for host in [
            "evil.example.com",
            "keys.example.com:444",
            "127.0.0.1.evil.example.com",
            "localhost.",
            "evil.localhost",
            "strongroom.localhost.evil.example.com",
            "0.0.0.0:8420",
            "127.0.0.2:8420",
            "192.168.1.5:8420",
        ] {
            assert_eq!(find(host, false, public), None, "{host}");
        }
    }

    #[test]
    fn a_change_comes_from_the_same_address_or_says_nothing() {
        let site = Site { origin: "http://127.0.0.1:8420".into(), is_shared: true, port: Some(8420) };
        let check = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(*name, value.parse().unwrap());
            }
            site.check_sender(&headers).ok().map(|SaysWhence(says)| says)
        };
        assert_eq!(check(&[]), Some(false));
        assert_eq!(check(&[("sec-fetch-site", "same-origin")]), Some(true));
        assert_eq!(check(&[("origin", "http://127.0.0.1:8420")]), Some(true));
        for headers in [
            [("sec-fetch-site", "same-site"), ("origin", "http://127.0.0.1:8420")],
            [("sec-fetch-site", "cross-site"), ("origin", "http://127.0.0.1:8420")],
            [("sec-fetch-site", "none"), ("origin", "http://127.0.0.1:8420")],
            [("sec-fetch-site", "same-origin"), ("origin", "http://127.0.0.1:8421")],
            [("sec-fetch-site", "same-origin"), ("origin", "null")],
            [("sec-fetch-site", "same-origin"), ("origin", "https://127.0.0.1:8420")],
            [("sec-fetch-site", "same-origin"), ("sec-fetch-site", "same-origin")],
            [("origin", "http://127.0.0.1:8420"), ("origin", "http://evil.example.com")],
        ] {
            assert_eq!(check(&headers), None, "{headers:?}");
        }
    }
}
