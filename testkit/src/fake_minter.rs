//! A server on loopback that makes and revokes keys as OpenRouter and OpenAI do, and knows which of them are good and when
//! each was last used.
//!
//! Sources: <https://openrouter.ai/docs/features/provisioning-api-keys>, <https://openrouter.ai/docs/api-reference/limits>,
//! <https://platform.openai.com/docs/api-reference/project-service-accounts>,
//! <https://platform.openai.com/docs/api-reference/project-api-keys>.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// The key that may mint.
pub const MINTING_KEY: &str = "sk-admin-may-mint-keys";

#[derive(Debug, Default)]
struct Keys {
    made: usize,
    /// By what the provider calls them.
    good: BTreeMap<String, String>,
    /// By the key.
    uses: BTreeMap<String, KeyUse>,
}

/// How much a key was used.
#[derive(Debug, Clone, Copy, Default)]
pub struct KeyUse {
    /// Seconds since the Unix epoch, as OpenAI tells it.
    pub last_used_at: Option<i64>,
    /// Dollars in all, in this month, this week and today, as OpenRouter tells it.
    pub spent: [f64; 4],
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

    /// A key that somebody made by hand is good, and was used so much.
    pub fn accept(&self, key: &str, used: KeyUse) {
        let mut keys = locked(&self.keys);
        keys.good.insert(format!("by hand {key}"), key.to_owned());
        keys.uses.insert(key.to_owned(), used);
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
                let [all, month, week, day] = keys.uses.get(shown).copied().unwrap_or_default().spent;
                let data = json!({ "limit_remaining": null, "usage": all, "usage_monthly": month, "usage_weekly": week,
                    "usage_daily": day });
                Json(json!({ "object": "list", "data": data })).into_response()
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
        ("GET", ["openai", "v1", "organization", "projects", _, "api_keys"]) => {
            let after = request.uri().query().and_then(|query| query.split("after=").nth(1));
            Json(one_key(&keys, after)).into_response()
        }
        ("DELETE", [.., id]) if keys.good.remove(*id).is_some() => {
            Json(json!({ "deleted": true })).into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Pages of one key: whoever reads only the first does not find the others.
fn one_key(keys: &Keys, after: Option<&str>) -> Value {
    let place =
        after.and_then(|after| after.strip_prefix("key_")?.parse().ok()).map_or(0, |at: usize| at + 1);
    let Some((id, key)) = keys.good.iter().nth(place) else {
        return json!({ "data": [], "has_more": false });
    };
    let (first, last) = (&key[..key.len().min(3)], &key[key.len().saturating_sub(4)..]);
    let used = keys.uses.get(key).copied().unwrap_or_default();
    let shown = json!({ "object": "organization.project.api_key", "id": format!("key_{place}"),
        "redacted_value": format!("{first}...{last}"), "last_used_at": used.last_used_at,
        "owner": { "type": "service_account", "service_account": { "id": id } } });
    json!({ "data": [shown], "has_more": place + 1 < keys.good.len() })
}

fn make(keys: &mut Keys, id: &str, key: &str) -> (String, String) {
    keys.made += 1;
    let (id, key) = (format!("{id}_{:03}", keys.made), format!("{key}-{:03}", keys.made));
    keys.good.insert(id.clone(), key.clone());
    (id, key)
}
