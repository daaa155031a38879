//! HTTP by reqwest, for the network and for the socket file alike.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use http::{HeaderValue, Response, header};
use reqwest::redirect::Policy;
use strongroom_model::Secret;
use url::Url;

use super::{Call, Pieces, Transport, base};
use crate::client::ClientError;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The address of a server on the network, and how it is spoken to.
#[derive(Debug)]
pub struct HttpOptions {
    /// Its address, such as `https://strongroom.example`.
    pub url: String,
    /// Our token or a JWT.
    pub token: Secret,
    /// Certificates (PEM) to trust beside those of the system.
    pub ca_file: Option<PathBuf>,
    /// True when plaintext HTTP may leave this machine.
    pub allow_plaintext: bool,
}

impl Transport {
    /// Over the network.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Usage`] when the address, the token or the certificate file cannot be used.
    pub fn http(options: HttpOptions) -> Result<Self, ClientError> {
        let base = base::parse(&options.url, options.allow_plaintext)?;
        if options.token.is_empty() || options.token.expose().bytes().any(|byte| !byte.is_ascii_graphic()) {
            return Err(ClientError::usage("the token is empty or holds characters that no token has"));
        }
        let mut builder = builder();
        if base.scheme() == "http" {
            // Through a proxy, a token meant for this machine would leave it; and without TLS no certificate is needed.
            builder = builder.no_proxy().tls_certs_only([]);
        } else if let Some(file) = &options.ca_file {
            let pem = std::fs::read(file).map_err(|error| {
                ClientError::usage(format!("the certificate file {} cannot be read: {error}", file.display()))
            })?;
            let certificates = reqwest::Certificate::from_pem_bundle(&pem).unwrap_or_default();
            if certificates.is_empty() {
                return Err(ClientError::usage(format!("{} holds no PEM certificate", file.display())));
            }
            builder = builder.tls_certs_merge(certificates);
        }
        let client = builder.build().map_err(ClientError::setup)?;
        Ok(Self::Http { base, client, token: options.token })
    }
}

/// Settings that all clients share.
pub(super) fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .redirect(Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .connect_timeout(CONNECT_TIMEOUT)
        .user_agent(concat!("strongroom/", env!("CARGO_PKG_VERSION")))
}

/// Sends one request and waits for the head of the answer.
pub(super) async fn send(
    client: &reqwest::Client,
    url: Url,
    call: Call,
    bearer: Option<HeaderValue>,
) -> Result<Response<Pieces>, ClientError> {
    let mut request =
        client.request(call.method, url).headers(call.headers).timeout(call.timeout).body(call.body);
    if let Some(bearer) = bearer {
        request = request.header(header::AUTHORIZATION, bearer);
    }
    let answer = request.send().await.map_err(ClientError::unreachable)?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    // What went wrong is told without the URL, in which names of credentials stand.
    let pieces = answer.bytes_stream().map_err(|error| io::Error::other(error.without_url()));
    let mut response = Response::new(pieces.boxed());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}
