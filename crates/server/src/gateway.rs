//! The gateway: calls of programs go on to the providers with a key that the programs never see.

mod body;
mod exchange;
mod header;
mod list;
pub mod models;
mod refuse;
mod tap;
mod target;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use strongroom::EndpointGuard;
use strongroom_connectors::ai::gateway::{Dialect, door_of};
use strongroom_connectors::upstream::{Base, Upstream};
use strongroom_crypto::random;
use strongroom_model::audit::{Outcome, Target as AuditTarget};
use strongroom_model::{Actor, Clock, Problem, ProblemKind};
use tokio::sync::OnceCell;

use crate::config::GatewayConfig;
use crate::http::AppState;
use crate::http::door;
use crate::http::peer;

const REQUEST_ID: &str = "x-strongroom-request-id";
const CREDENTIAL: &str = "x-strongroom-credential";
const SOURCE: &str = "x-strongroom-source";
const DENIED_BY: &str = "x-strongroom-denied-by";

/// What all calls share.
#[derive(Debug)]
pub struct Gateway {
    config: GatewayConfig,
    guard: EndpointGuard,
    upstream: OnceCell<Upstream<Body>>,
    /// Base URLs that the guard has let through, by their text.
    bases: RwLock<HashMap<String, Arc<Base>>>,
    room: body::Room,
}

/// Base URLs before those that are kept are forgotten.
const MOST_BASES: usize = 1024;

impl Gateway {
    /// A gateway. The system's certificates are loaded with the first call.
    #[must_use]
    pub fn new(config: GatewayConfig, guard: EndpointGuard) -> Self {
        Self {
            config,
            guard,
            upstream: OnceCell::new(),
            bases: RwLock::default(),
            room: body::Room::default(),
        }
    }

    async fn upstream(&self) -> Result<&Upstream<Body>, Problem> {
        let limit = Duration::from_secs(u64::from(self.config.connect_timeout_seconds));
        self.upstream.get_or_try_init(|| async { Upstream::new(self.guard, limit) }).await
    }

    fn base(&self, upstream: &Upstream<Body>, endpoint: &str) -> Result<Arc<Base>, Problem> {
        if let Some(base) = self.bases.read().unwrap_or_else(PoisonError::into_inner).get(endpoint) {
            return Ok(Arc::clone(base));
        }
        let base = Arc::new(upstream.base(endpoint)?);
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

/// The gateway's paths. They have a door of their own: what may be called is a list per provider, and a call is a usage
/// record and no audit entry.
pub fn router() -> Router<AppState> {
    const PATHS: [&str; 7] = [
        "/openai/v1/{*path}",
        "/anthropic/{*path}",
        "/gemini/{*path}",
        "/openrouter/api/v1/{*path}",
        "/groq/openai/v1/{*path}",
        "/v1/{*path}",
        "/v1beta/{*path}",
    ];
    PATHS.iter().fold(Router::new(), |router, path| router.route(path, any(serve)))
}

async fn serve(State(state): State<AppState>, request: Request) -> Response {
    let request_id = random::uid().to_string();
    let dialect = door_of(request.uri().path()).map_or(Dialect::OpenAi, |(door, rest)| door.dialect(rest));
    match answer(&state, request, &request_id).await {
        Ok(response) => response,
        Err(problem) => {
            let code = problem.kind.code();
            state.metrics.count_denied(code);
            if let Some(cause) = &problem.cause {
                let cause = strongroom_model::problem::Causes(cause.as_ref());
                tracing::warn!(request_id, code, %cause, "a call failed");
            }
            refuse::refuse(&problem, dialect, &request_id, Clock::Database.local_now())
        }
    }
}

async fn answer(state: &AppState, request: Request, request_id: &str) -> Result<Response, Problem> {
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
    actor.request_id = Some(request_id.to_owned());
    actor.remote_address = peer::address(request.extensions());
    let done = exchange::exchange(state, request, &actor, request_id).await;
    if let Err(problem) = &done
        && problem.kind == ProblemKind::Denied
    {
        note_denied(state, &actor, problem).await;
    }
    done
}

/// That somebody tried what they may not is for the audit trail.
async fn note_denied(state: &AppState, actor: &Actor, problem: &Problem) {
    let detail = serde_json::json!({ "code": problem.kind.code() });
    let target = AuditTarget::kind("gateway");
    if let Err(error) = state.room.note(actor, "gateway.call", target, Outcome::Denied, &detail).await {
        tracing::error!(code = error.kind.code(), "a denial could not be written to the audit trail");
    }
}
