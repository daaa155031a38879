//! The ways to the API: over the network, through the server's socket file, or into a router in this process.

mod base;
mod http;

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderMap, HeaderValue, Method, Request, Response, header};
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use strongroom_model::Secret;
use url::Url;

use crate::client::ClientError;

pub use http::HttpOptions;

/// The body of an answer, piece by piece as it comes.
pub type Pieces = BoxStream<'static, io::Result<Bytes>>;

/// Answers a request without any network: the router of a server that lives in this process.
pub type Caller = Arc<dyn Fn(Request<Bytes>) -> BoxFuture<'static, Response<Pieces>> + Send + Sync>;

/// A body that is there in whole, as pieces.
pub fn in_one_piece(body: impl Into<Bytes>) -> Pieces {
    futures::stream::iter([Ok(body.into())]).boxed()
}

/// A way to the API.
#[derive(Clone)]
pub enum Transport {
    /// Over the network, with a token.
    Http {
        /// Scheme, host, port and possibly a path in front of the API's own.
        base: Url,
        /// Follows no redirect, so that the token never reaches another host.
        client: reqwest::Client,
        /// Our token or a JWT; sent as `Authorization: Bearer`.
        token: Secret,
    },
    /// Through the socket file of a server on this machine; who may open the file needs no token.
    Socket {
        /// Bound to the socket file.
        client: reqwest::Client,
    },
    /// Into a router in this process; needs no token.
    InProcess(Caller),
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http { base, .. } => write!(f, "Http({base})"),
            Self::Socket { .. } => f.write_str("Socket"),
            Self::InProcess(_) => f.write_str("InProcess"),
        }
    }
}

/// One request, before it is known which way it goes.
pub(crate) struct Call {
    /// The method.
    pub(crate) method: Method,
    /// Path and query, percent-encoded already.
    pub(crate) target: String,
    /// Headers beside those every request has.
    pub(crate) headers: HeaderMap,
    /// The body; empty for none.
    pub(crate) body: Bytes,
    /// The longest that the whole answer may take.
    pub(crate) timeout: Duration,
}

impl Transport {
    /// Through a server's socket file.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub fn socket(path: &Path) -> Result<Self, ClientError> {
        // No TLS is spoken here, so no certificates are loaded: a machine without any still has its socket.
        let client = http::builder().unix_socket(path.to_path_buf()).tls_certs_only([]).build();
        Ok(Self::Socket { client: client.map_err(ClientError::setup)? })
    }

    /// Sends one request and reads the whole answer, whatever its status.
    pub(crate) async fn send(&self, call: Call) -> Result<Response<Bytes>, ClientError> {
        whole(self.begin(call).await?).await
    }

    /// Sends one request; of the answer only the head has come then.
    pub(crate) async fn begin(&self, call: Call) -> Result<Response<Pieces>, ClientError> {
        match self {
            Self::Http { base, client, token } => {
                let url = base::join(base, &call.target)?;
                let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
                    .map_err(|_| ClientError::usage("the token holds characters that no token has"))?;
                bearer.set_sensitive(true);
                http::send(client, url, call, Some(bearer)).await
            }
            Self::Socket { client } => {
                let url = base::join(&base::local()?, &call.target)?;
                http::send(client, url, call, None).await
            }
            Self::InProcess(caller) => {
                let mut request = Request::new(call.body);
                *request.method_mut() = call.method;
                *request.uri_mut() = call
                    .target
                    .parse()
                    .map_err(|_| ClientError::usage("this name cannot stand in a path"))?;
                *request.headers_mut() = call.headers;
                request.headers_mut().insert(header::HOST, HeaderValue::from_static("localhost"));
                Ok(caller(request).await)
            }
        }
    }
}

/// Waits for all pieces of an answer.
pub(crate) async fn whole(answer: Response<Pieces>) -> Result<Response<Bytes>, ClientError> {
    let (head, mut pieces) = answer.into_parts();
    let first = pieces.try_next().await.map_err(ClientError::broken_off)?.unwrap_or_default();
    let Some(second) = pieces.try_next().await.map_err(ClientError::broken_off)? else {
        return Ok(Response::from_parts(head, first));
    };
    let mut body = [first, second].concat();
    while let Some(piece) = pieces.try_next().await.map_err(ClientError::broken_off)? {
        body.extend_from_slice(&piece);
    }
    Ok(Response::from_parts(head, body.into()))
}
