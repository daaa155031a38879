//! A server on loopback that answers like the AI providers, by the key that it is shown.
//!
//! It demands each provider's own header: a key in another header, or in the URL, is no key. Its bodies are the golden
//! files under `testkit/golden/<provider>/`.

mod api;
mod behaviour;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub use api::Api;
pub use behaviour::{Behaviour, TAIL};

/// The server. Dropping it stops it.
///
/// ```no_run
/// # async fn example() -> std::io::Result<()> {
/// use strongroom_testkit::fake_provider::{Api, Behaviour, FakeProvider};
/// let fake = FakeProvider::start().await?;
/// let (endpoint, key) = (fake.endpoint(Api::Gemini), Behaviour::RateLimited.key());
/// // … call the endpoint with the key, then look at what arrived:
/// assert_eq!(fake.seen()[0].header("x-goog-api-key"), Some(key.as_str()));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct FakeProvider {
    address: SocketAddr,
    seen: Seen,
    _server: JoinSet<()>,
}

type Seen = Arc<Mutex<Vec<SeenRequest>>>;

/// A request that arrived, whatever it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenRequest {
    /// `GET`, `POST` …
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// What stands behind the `?`, if there is one.
    pub query: Option<String>,
    /// Name (lower case) and value, in their order.
    pub headers: Vec<(String, String)>,
}

impl SeenRequest {
    /// The value of the first header of this name (lower case).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(seen, _)| seen == name).map(|(_, value)| value.as_str())
    }
}

impl FakeProvider {
    /// Starts it on a free port.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let seen = Seen::default();
        let router = Router::new().fallback(respond).with_state(seen.clone());
        let mut server = JoinSet::new();
        server.spawn(async move {
            // Ends only when it is aborted.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, seen, _server: server })
    }

    /// Its root: `http://127.0.0.1:<port>`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The base URL at which it answers like this provider: what a credential's `endpoint` is set to.
    #[must_use]
    pub fn endpoint(&self, api: Api) -> String {
        format!("http://{}{}", self.address, api.base_path())
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The requests that have arrived, in their order.
    #[must_use]
    pub fn seen(&self) -> Vec<SeenRequest> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn respond(State(seen): State<Seen>, request: Request) -> Response<Body> {
    let request = SeenRequest {
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        query: request.uri().query().map(str::to_owned),
        headers: request
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect(),
    };
    seen.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
    let Some((api, call)) = Api::of_path(&request.path) else {
        return api::json(404, r#"{"error":{"message":"Not found"}}"#.to_owned());
    };
    api.answer(call, &request).await
}

#[cfg(test)]
mod tests;
