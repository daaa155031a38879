//! The HTTP proxy by way of which providers are called, where the network lets nothing else out: `CONNECT`
//! (<https://www.rfc-editor.org/rfc/rfc9110#name-connect>), so that it sees host and port, and no key.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Uri};
use percent_encoding::percent_decode_str;
use url::{Host, Url};

use crate::endpoint_guard::{AddressClass, class_of_name};

/// A proxy, and what is called past it. Shows no password.
#[derive(Clone)]
pub struct Proxy(Arc<Settings>);

struct Settings {
    /// With user and password.
    url: Url,
    /// Without.
    uri: Uri,
    authorization: Option<HeaderValue>,
    except: Vec<String>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Proxy").field(&self.shown()).finish()
    }
}

const FORM: &str =
    "write http://HOST:PORT, or http://USER:PASSWORD@HOST:PORT with special characters percent-encoded";

impl Proxy {
    /// Reads the URL of a proxy. Hosts in `except`, and those below one (`corp.example` and `.corp.example` alike), are called
    /// past it.
    ///
    /// # Errors
    /// What is wrong and the mend, without any part of the text, which may hold a password.
    pub fn parse(text: &str, except: &[String]) -> Result<Self, String> {
        let url = Url::parse(text.trim()).map_err(|error| format!("this is not a URL ({error}); {FORM}"))?;
        match url.scheme() {
            "http" => {}
            "https" => {
                return Err(format!(
                    "a proxy is spoken to in plain HTTP, what goes through it is TLS; {FORM}"
                ));
            }
            _ => return Err(format!("this is no HTTP proxy; {FORM}")),
        }
        let (Some(host), true) = (url.host_str(), matches!(url.path(), "" | "/")) else {
            return Err(FORM.to_owned());
        };
        if url.query().is_some() || url.fragment().is_some() {
            return Err(FORM.to_owned());
        }
        let uri = format!("http://{host}:{}", url.port_or_known_default().unwrap_or(80));
        let uri = uri.parse().map_err(|_| FORM.to_owned())?;
        let authorization = match (url.username(), url.password()) {
            ("", None) => None,
            (user, password) => {
                let decoded = |text| percent_decode_str(text).collect::<Vec<u8>>();
                let pair = [decoded(user), b":".to_vec(), decoded(password.unwrap_or_default())].concat();
                let value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair)));
                Some(value.map_err(|_| FORM.to_owned())?)
            }
        };
        let except = except
            .iter()
            .map(|host| host.trim().trim_start_matches("*.").trim_start_matches('.').to_ascii_lowercase());
        let except = except.filter(|host| !host.is_empty()).collect();
        Ok(Self(Arc::new(Settings { url, uri, authorization, except })))
    }

    /// Tells whether what is called there is called by way of this: by name or public address, over TLS, and not excepted.
    pub(crate) fn serves(&self, url: &Url) -> bool {
        if url.scheme() != "https" {
            return false;
        }
        let is_public = match url.host() {
            Some(Host::Ipv4(address)) => AddressClass::of(IpAddr::V4(address)) == AddressClass::Global,
            Some(Host::Ipv6(address)) => AddressClass::of(IpAddr::V6(address)) == AddressClass::Global,
            Some(Host::Domain(name)) => class_of_name(name).is_none(),
            None => false,
        };
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let is_excepted = |except: &String| {
            except == "*"
                || host == *except
                || host.strip_suffix(except.as_str()).is_some_and(|rest| rest.ends_with('.'))
        };
        is_public && !self.0.except.iter().any(is_excepted)
    }

    /// Returns the hosts that are called past it.
    #[must_use]
    pub fn exceptions(&self) -> &[String] {
        &self.0.except
    }

    /// Host and port, for a message.
    #[must_use]
    pub fn shown(&self) -> String {
        self.0.uri.authority().map_or_else(String::new, ToString::to_string)
    }

    /// The host alone.
    pub(crate) fn host(&self) -> &str {
        self.0.uri.host().unwrap_or_default()
    }

    pub(crate) fn uri(&self) -> &Uri {
        &self.0.uri
    }

    pub(crate) fn authorization(&self) -> Option<&HeaderValue> {
        self.0.authorization.as_ref()
    }

    /// Its URL, with user and password.
    #[must_use]
    pub fn with_password(&self) -> &str {
        self.0.url.as_str()
    }

    pub(crate) fn url(&self) -> &Url {
        &self.0.url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_a_plain_url_and_its_password_is_shown_nowhere() {
        let proxy = Proxy::parse("http://me:p%40ss%2Fw@proxy.corp:3128/", &[]).unwrap();
        assert_eq!(format!("{proxy:?}"), "Proxy(\"proxy.corp:3128\")");
        assert_eq!(proxy.authorization().unwrap(), &format!("Basic {}", STANDARD.encode("me:p@ss/w")));
        assert_eq!((proxy.host(), proxy.uri().port_u16()), ("proxy.corp", Some(3128)));
        assert_eq!(Proxy::parse("http://proxy", &[]).unwrap().shown(), "proxy:80");
        assert_eq!(Proxy::parse("http://[::1]:3128", &[]).unwrap().shown(), "[::1]:3128");
        for (text, says) in [
            ("https://proxy:443", "plain HTTP"),
            ("socks5://proxy:1080", "no HTTP proxy"),
            ("proxy:3128", "HTTP proxy"),
            ("proxy.corp", "not a URL"),
            ("http://proxy/path", "http://HOST:PORT"),
            ("http://proxy?x=secret", "http://HOST:PORT"),
            ("", "not a URL"),
        ] {
            let error = Proxy::parse(text, &[]).unwrap_err();
            assert!(error.contains(says) && !error.contains("secret"), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_near_or_excepted_is_called_past_it() {
        let except = [
            ".corp.example".to_owned(),
            "LLM.internal".to_owned(),
            "203.0.113.7".to_owned(),
            "*.star.example".to_owned(),
        ];
        let proxy = Proxy::parse("http://proxy:3128", &except).unwrap();
        for (url, is_served) in [
            ("https://api.openai.com/v1", true),
            ("https://api.openai.com:8443/v1", true),
            ("https://8.8.8.8/v1", true),
            ("https://mycorp.example/v1", true),
            ("https://a.corp.example/v1", false),
            ("https://corp.example/v1", false),
            ("https://corp.example./v1", false),
            ("https://b.star.example/v1", false),
            ("https://llm.internal/v1", false),
            ("https://203.0.113.7/v1", false),
            ("https://10.0.0.1/v1", false),
            ("https://[::1]/v1", false),
            ("https://localhost/v1", false),
            ("http://api.openai.com/v1", false),
        ] {
            assert_eq!(proxy.serves(&Url::parse(url).unwrap()), is_served, "{url}");
        }
        let never = Proxy::parse("http://proxy", &["*".to_owned()]).unwrap();
        assert!(!never.serves(&Url::parse("https://api.openai.com").unwrap()));
    }
}
