//! The gateway: calls of programs go on to the providers with a key that the programs never see.

mod body;
mod exchange;
mod explain;
mod header;
mod list;
pub mod models;
mod refuse;
mod tap;
mod target;

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use foldhash::HashMap;
use futures::FutureExt;
use http::{HeaderMap, HeaderName, Request, Response};
use strongroom::EndpointGuard;
use strongroom_connectors::ai::gateway::dialect_of;
use strongroom_connectors::upstream::{Base, Upstream};
use strongroom_crypto::random;
use strongroom_model::audit::{Outcome, Target as AuditTarget};
use strongroom_model::{Actor, Clock, Problem, ProblemKind};

use crate::config::GatewayConfig;
use crate::http::AppState;
use crate::http::front::Outgoing;
use crate::http::upload::Upload;
use crate::http::{door, peer};

pub use explain::{Explained, Place};
pub use tap::Passing;

static REQUEST_ID: HeaderName = HeaderName::from_static("x-strongroom-request-id");
static CREDENTIAL: HeaderName = HeaderName::from_static("x-strongroom-credential");
static SOURCE: HeaderName = HeaderName::from_static("x-strongroom-source");
static RETRY_AT: HeaderName = HeaderName::from_static("x-strongroom-retry-at");
static DENIED_BY: HeaderName = HeaderName::from_static("x-strongroom-denied-by");

/// What all calls share.
#[derive(Debug)]
pub struct Gateway {
    config: GatewayConfig,
    upstream: Upstream,
    /// Base URLs that the guard has let through, by their text.
    bases: RwLock<HashMap<String, Arc<Base>>>,
    room: body::Room,
}

/// Base URLs before those that are kept are forgotten.
const MOST_BASES: usize = 1024;

impl Gateway {
    /// A gateway.
    #[must_use]
    pub fn new(config: GatewayConfig, guard: EndpointGuard) -> Self {
        let connect = Duration::from_secs(u64::from(config.connect_timeout_seconds));
        Self {
            config,
            upstream: Upstream::new(guard, connect),
            bases: RwLock::default(),
            room: body::Room::default(),
        }
    }

    fn base(&self, endpoint: &str) -> Result<Arc<Base>, Problem> {
        if let Some(base) = self.bases.read().unwrap_or_else(PoisonError::into_inner).get(endpoint) {
            return Ok(Arc::clone(base));
        }
        let base = Arc::new(self.upstream.base(endpoint)?);
        let mut bases = self.bases.write().unwrap_or_else(PoisonError::into_inner);
        if bases.len() >= MOST_BASES {
            bases.clear();
        }
        bases.insert(endpoint.to_owned(), Arc::clone(&base));
        Ok(base)
    }

    fn first_byte(&self) -> Duration {
        Duration::from_secs(u64::from(self.config.first_byte_timeout_seconds))
    }

    fn idle(&self) -> Duration {
        Duration::from_secs(u64::from(self.config.idle_timeout_seconds))
    }
}

/// Whether a path is one of the gateway's. They have a door of their own: what may be called is a list per provider, and a
/// call is a usage record and no audit entry.
#[must_use]
pub fn is_gateways(path: &str) -> bool {
    strongroom_connectors::ai::gateway::is_gateways(path)
}

/// Serves a call from this address, or from the socket file.
pub async fn serve(
    state: &AppState,
    request: Box<Request<Upload>>,
    address: Option<SocketAddr>,
) -> Response<Outgoing> {
    let request_id = random::uid().to_string();
    let path = request.uri().path_and_query().cloned();
    let answered = AssertUnwindSafe(answer(state, request, address, &request_id)).catch_unwind().await;
    let problem = match answered {
        Ok(Ok(response)) => return response,
        Ok(Err(problem)) => problem,
        // What it said is in the log of the panic hook, without the request.
        Err(_) => Problem::internal("something went wrong inside strongroom; the log has more"),
    };
    let code = problem.kind.code();
    state.metrics.count_denied(code);
    if let Some(cause) = &problem.cause {
        let cause = strongroom_model::problem::Causes(cause.as_ref());
        tracing::warn!(request_id, code, %cause, "a call failed");
    }
    let dialect = dialect_of(path.as_ref().map_or("", |path| path.path()));
    refuse::refuse(&problem, dialect, &request_id, Clock::Database.local_now())
}

async fn answer(
    state: &AppState,
    request: Box<Request<Upload>>,
    address: Option<SocketAddr>,
    request_id: &str,
) -> Result<Response<Outgoing>, Problem> {
    let token = header::token(request.headers(), request.uri().query());
    let mut actor = match door::authenticate(state, token, request.extensions().get()).await {
        Ok(actor) => actor,
        Err(problem) => {
            if problem.kind == ProblemKind::Unauthenticated {
                state.metrics.count_refused();
            }
            return Err(problem);
        }
    };
    if asks_for_a_websocket(request.headers()) {
        return Err(Problem::invalid(
            refuse::UPGRADE,
            "WebSockets are not taken here: send the request over HTTP, and the answer comes as server-sent events",
        ));
    }
    actor.request_id = Some(request_id.to_owned());
    let actor = Arc::new(actor);
    let done = exchange::exchange(state, request, &actor, request_id).await;
    if let Err(problem) = &done
        && problem.kind == ProblemKind::Denied
    {
        let actor = Actor { remote_address: address.map(peer::shown), ..Actor::clone(&actor) };
        Box::pin(note_denied(state, &actor, problem)).await;
    }
    done
}

/// Tells whether the connection is to become a WebSocket (RFC 6455, section 4.1).
fn asks_for_a_websocket(headers: &HeaderMap) -> bool {
    let upgrade = headers.get(http::header::UPGRADE).and_then(|value| value.to_str().ok());
    upgrade.is_some_and(|value| value.split(',').any(|name| name.trim().eq_ignore_ascii_case("websocket")))
}

/// That somebody tried what they may not is for the audit trail.
async fn note_denied(state: &AppState, actor: &Actor, problem: &Problem) {
    let detail = serde_json::json!({ "code": problem.kind.code() });
    let target = AuditTarget::kind("gateway");
    if let Err(error) = state.room.note(actor, "gateway.call", target, Outcome::Denied, &detail).await {
        tracing::error!(code = error.kind.code(), "a denial could not be written to the audit trail");
    }
}
