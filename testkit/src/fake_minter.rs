//! A server on loopback that makes and revokes keys as OpenRouter and OpenAI do, and knows which of them are good.
//!
//! Sources: <https://openrouter.ai/docs/features/provisioning-api-keys>,
//! <https://platform.openai.com/docs/api-reference/project-service-accounts>.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// The key that may mint.
pub const MINTING_KEY: &str = "sk-admin-may-mint-keys";

#[derive(Debug, Default)]
struct Keys {
    made: usize,
    /// By what the provider calls them.
    good: BTreeMap<String, String>,
}

/// The server. Dropping it stops it.
#[derive(Debug)]
pub struct FakeMinter {
    address: SocketAddr,
    keys: Arc<Mutex<Keys>>,
    _server: JoinSet<()>,
}

fn locked(keys: &Mutex<Keys>) -> MutexGuard<'_, Keys> {
    keys.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FakeMinter {
    /// Starts it on a free port.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let keys = Arc::new(Mutex::new(Keys::default()));
        let router = Router::new().fallback(respond).with_state(Arc::clone(&keys));
        let mut server = JoinSet::new();
        server.spawn(async move {
            // Ends only when it is aborted.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, keys, _server: server })
    }

    /// The base URL at which it answers like this provider.
    #[must_use]
    pub fn endpoint(&self, provider: &str) -> String {
        let path = if provider == "openrouter" { "openrouter/api/v1" } else { "openai/v1" };
        format!("http://{}/{path}", self.address)
    }

    /// The keys that are good now, in the order in which they were made.
    #[must_use]
    pub fn good(&self) -> Vec<String> {
        locked(&self.keys).good.values().cloned().collect()
    }
}

async fn respond(State(keys): State<Arc<Mutex<Keys>>>, request: Request) -> Response<Body> {
    let shown = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    let shown = shown.and_then(|text| text.strip_prefix("Bearer ")).unwrap_or_default();
    let mut keys = locked(&keys);
    let path: Vec<&str> = request.uri().path().split('/').filter(|part| !part.is_empty()).collect();
    let may_mint = shown == MINTING_KEY;
    let unauthorised = || StatusCode::UNAUTHORIZED.into_response();
    match (request.method().as_str(), path.as_slice()) {
        ("GET", ["openrouter", "api", "v1", "key"] | ["openai", "v1", "models"]) => {
            if keys.good.values().any(|key| key == shown) {
                Json(json!({ "object": "list", "data": { "limit_remaining": null } })).into_response()
            } else {
                unauthorised()
            }
        }
        (_, _) if !may_mint => unauthorised(),
        ("POST", ["openrouter", "api", "v1", "keys"]) => {
            let (id, key) = make(&mut keys, "hash", "sk-or-v1-minted");
            (StatusCode::CREATED, Json(json!({ "data": { "hash": id }, "key": key }))).into_response()
        }
        ("POST", ["openai", "v1", "organization", "projects", _, "service_accounts"]) => {
            let (id, key) = make(&mut keys, "svc_acct", "sk-svcacct-minted");
            Json(json!({ "id": id, "api_key": { "value": key, "id": "key_abc" } })).into_response()
        }
        ("DELETE", [.., id]) if keys.good.remove(*id).is_some() => {
            Json(json!({ "deleted": true })).into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

fn make(keys: &mut Keys, id: &str, key: &str) -> (String, String) {
    keys.made += 1;
    let (id, key) = (format!("{id}_{:03}", keys.made), format!("{key}-{:03}", keys.made));
    keys.good.insert(id.clone(), key.clone());
    (id, key)
}
