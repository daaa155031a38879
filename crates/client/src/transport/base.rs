//! The address of a server: what is accepted as one, and how paths are put behind it.

use url::{Host, Url};

use crate::client::ClientError;

/// Reads the address of a server. Plaintext HTTP carries a token only to this machine, unless it is asked for.
///
/// # Errors
/// [`crate::ErrorKind::Usage`], naming what is wrong with it; the text itself is not repeated, for it may hold a password.
pub(super) fn parse(text: &str, allow_plaintext: bool) -> Result<Url, ClientError> {
    let url = Url::parse(text.trim())
        .map_err(|error| ClientError::usage(format!("the server's URL is not a URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(ClientError::usage(
            "the server's URL must start with https:// or http:// and name a host",
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(ClientError::usage(
            "the server's URL must not hold a user or password: a token is sent instead",
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(ClientError::usage("the server's URL must not have a query or a fragment"));
    }
    if url.scheme() == "http" && !allow_plaintext && !is_loopback(&url) {
        return Err(ClientError::usage(format!(
            "http://{} would carry the token and every key in plaintext; use https://, or allow it with \
             --allow-plaintext on a network you trust",
            url.host_str().unwrap_or_default()
        )));
    }
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The `Host` header of requests through the socket file.
pub(super) fn local() -> Result<Url, ClientError> {
    Url::parse("http://localhost").map_err(|error| ClientError::usage(error.to_string()))
}

/// Puts path and query behind the base. `Url` takes `.` and `..` out of a path even where they are
/// percent-encoded (WHATWG URL, 4.4), so a name like that would lead to another route: it is refused instead.
pub(super) fn join(base: &Url, target: &str) -> Result<Url, ClientError> {
    let url = Url::parse(&format!("{}{target}", base.as_str().trim_end_matches('/')))
        .map_err(|error| ClientError::usage(format!("this name cannot stand in a path: {error}")))?;
    let path = target.split('?').next().unwrap_or_default();
    if !url.path().ends_with(path) {
        return Err(ClientError::usage(
            "this name cannot stand in a URL; give the credential another one: \
             strongroom credential update ID --name NEW-NAME",
        ));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::encode;

    #[test]
    fn plaintext_goes_to_this_machine_only() {
        for good in
            ["http://127.0.0.1:8420", "http://[::1]:8420/", "http://localhost", "https://vault.example/sr"]
        {
            assert!(parse(good, false).is_ok(), "{good}");
        }
        for bad in
            ["http://10.0.0.1", "http://vault.example", "http://localhost.example", "http://0.0.0.0:8420"]
        {
            let message = parse(bad, false).unwrap_err().message;
            assert!(message.contains("--allow-plaintext"), "{message}");
            assert!(parse(bad, true).is_ok(), "{bad}");
        }
    }

    #[test]
    fn what_is_no_plain_address_is_refused_without_repeating_it() {
        for bad in [
            "",
            "vault.example",
            "ftp://vault.example",
            "https://joe:hunter2@vault.example",
            "https://a/?t=hunter2",
        ] {
            let message = parse(bad, true).unwrap_err().message;
            assert!(!message.contains("hunter2"), "{message}");
        }
    }

    #[test]
    fn names_keep_their_place_in_the_path() {
        let base = Url::parse("https://vault.example/sr/").unwrap();
        for name in ["plain", "a/b", "ünï 🔑", "%2e", "a?b#c", "a\\b", "...", "a\0b\n"] {
            let url = join(&base, &format!("/api/credentials/{}", encode(name))).unwrap();
            assert_eq!(url.path(), format!("/sr/api/credentials/{}", encode(name)), "{name:?}");
            assert_eq!((url.query(), url.fragment()), (None, None));
        }
        let with_query = join(&base, "/api/audit?from=2026-01-01T00%3A00%3A00Z").unwrap();
        assert_eq!(with_query.query(), Some("from=2026-01-01T00%3A00%3A00Z"));
    }

    #[test]
    fn a_name_that_would_lead_elsewhere_is_refused() {
        let base = Url::parse("http://127.0.0.1:8420").unwrap();
        for name in [".", ".."] {
            assert!(join(&base, &format!("/api/credentials/{}/rate-limit", encode(name))).is_err(), "{name}");
            assert!(join(&base, &format!("/api/credentials/{}", encode(name))).is_err(), "{name}");
        }
    }
}
