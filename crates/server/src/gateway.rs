//! The gateway: calls of programs go on to the providers with a key that the programs never see.

mod attempt;
mod body;
mod body_out;
mod error_response;
mod explain;
mod forward;
mod header;
mod metered_body;
mod model_list;
mod provider_error;
mod target;

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use foldhash::HashMap;
use futures::FutureExt;
use http::{HeaderMap, HeaderName, Request, Response};
use strongroom::{EndpointGuard, Strongroom};
use strongroom_connectors::ai::gateway::dialect_of;
use strongroom_connectors::upstream::{Base, Upstream};
use strongroom_crypto::random;
use strongroom_model::audit::{Outcome, Target as AuditTarget};
use strongroom_model::model_route::ModelNames;
use strongroom_model::tag::{TagKeys, TagSet};
use strongroom_model::{Actor, Clock, Problem, ProblemKind};

use crate::http::authentication::Authenticator;
use crate::http::metrics::Metrics;
use crate::http::peer;
use crate::http::upload::Upload;
use error_response::error_response;
use forward::forward;

pub use body_out::BodyOut;
pub use explain::{Explained, Place};
pub use metered_body::MeteredBody;

static REQUEST_ID: HeaderName = HeaderName::from_static("x-strongroom-request-id");
static CREDENTIAL: HeaderName = HeaderName::from_static("x-strongroom-credential");
static SOURCE: HeaderName = HeaderName::from_static("x-strongroom-source");
static RETRY_AT: HeaderName = HeaderName::from_static("x-strongroom-retry-at");
/// Tags that a call is booked to, as `project=search,env=prod`.
static TAGS: HeaderName = HeaderName::from_static("x-strongroom-tags");
static DENIED_BY: HeaderName = HeaderName::from_static("x-strongroom-denied-by");

/// Settings of the gateway.
#[derive(Debug, Clone)]
pub struct Options {
    /// The longest that connecting to a provider may take, TLS included.
    pub connect_timeout: Duration,
    /// The longest that the head of a provider's answer may take.
    pub first_byte_timeout: Duration,
    /// The longest that an answer may pause.
    pub idle_timeout: Duration,
    /// Names of models, and where they lead.
    pub names: ModelNames,
    /// Keys of tags that calls are booked to.
    pub tag_keys: TagKeys,
}

/// The gateway, which all calls share.
#[derive(Debug)]
pub struct Gateway {
    room: Strongroom,
    authenticator: Arc<Authenticator>,
    metrics: Arc<Metrics>,
    options: Options,
    upstream: Upstream,
    /// Base URLs that the guard has let through, by their text.
    bases: RwLock<HashMap<String, Arc<Base>>>,
    body_memory: body::BodyMemory,
}

/// Base URLs that are kept at the most; then all are forgotten.
const MAX_BASES: usize = 1024;

impl Gateway {
    /// A gateway that sends only where the guard allows.
    #[must_use]
    pub fn new(
        room: Strongroom,
        authenticator: Arc<Authenticator>,
        metrics: Arc<Metrics>,
        guard: EndpointGuard,
        options: Options,
    ) -> Self {
        let upstream = Upstream::new(guard, options.connect_timeout);
        let (bases, body_memory) = (RwLock::default(), body::BodyMemory::default());
        Self { room, authenticator, metrics, options, upstream, bases, body_memory }
    }

    /// Keys of tags that calls are booked to.
    pub(crate) const fn tag_keys(&self) -> &TagKeys {
        &self.options.tag_keys
    }

    /// Serves a call from this address, or from the socket file.
    pub async fn serve(
        &self,
        request: Box<Request<Upload>>,
        address: Option<SocketAddr>,
    ) -> Response<BodyOut> {
        // It begins with its instant, by which the records of the call are found again.
        let request_id = random::uid_at(Clock::Database.local_now()).to_string();
        let path = request.uri().path_and_query().cloned();
        let answered = AssertUnwindSafe(self.answer(request, address, &request_id)).catch_unwind().await;
        let problem = match answered {
            Ok(Ok(response)) => {
                tracing::debug!(request_id, status = response.status().as_u16(), "gateway call");
                return response;
            }
            Ok(Err(problem)) => problem,
            // What it said is in the log of the panic hook, without the request.
            Err(_) => Problem::internal("something went wrong inside strongroom; the log has more"),
        };
        let code = problem.kind.code();
        self.metrics.count_denied(code);
        if let Some(cause) = &problem.cause {
            let cause = strongroom_model::problem::Causes(cause.as_ref());
            tracing::warn!(request_id, code, %cause, "gateway call failed");
        }
        let dialect = dialect_of(path.as_ref().map_or("", |path| path.path()));
        error_response(&problem, dialect, &request_id, Clock::Database.local_now())
    }

    async fn answer(
        &self,
        request: Box<Request<Upload>>,
        address: Option<SocketAddr>,
        request_id: &str,
    ) -> Result<Response<BodyOut>, Problem> {
        let token = header::token(request.headers(), request.uri().query());
        let mut actor = match self.authenticator.authenticate(token, request.extensions().get()).await {
            Ok(actor) => actor,
            Err(problem) => {
                if problem.kind == ProblemKind::Unauthenticated {
                    self.metrics.count_refused();
                }
                return Err(problem);
            }
        };
        if asks_for_a_websocket(request.headers()) {
            return Err(Problem::new(
                ProblemKind::OtherProtocol,
                "WebSockets are not taken here: send the request over HTTP, and the answer comes as server-sent events",
            ));
        }
        actor.request_id = Some(request_id.to_owned());
        actor.tags = self.tags_of(request.headers(), &actor);
        let actor = Arc::new(actor);
        let done = forward(self, request, &actor, request_id).await;
        if let Err(problem) = &done
            && problem.kind == ProblemKind::Denied
        {
            let actor = Actor { remote_address: address.map(peer::shown), ..Actor::clone(&actor) };
            Box::pin(self.note_denied(&actor, problem)).await;
        }
        done
    }

    /// What a call is booked to: its own tags, then those of its token. Those of the credential that serves it come behind.
    fn tags_of(&self, headers: &HeaderMap, actor: &Actor) -> TagSet {
        let header = headers.get(&TAGS).and_then(|value| value.to_str().ok());
        if header.is_none() && actor.tags.is_empty() {
            return TagSet::default();
        }
        let keys = &self.options.tag_keys;
        TagSet::of_header(header.unwrap_or(""), keys).or(&actor.tags, keys)
    }

    /// Writes to the audit trail that somebody tried what they may not.
    async fn note_denied(&self, actor: &Actor, problem: &Problem) {
        let detail = serde_json::json!({ "code": problem.kind.code() });
        let target = AuditTarget::kind("gateway");
        if let Err(error) = self.room.note(actor, "gateway.call", target, Outcome::Denied, &detail).await {
            tracing::error!(code = error.kind.code(), "failed to write a denial to the audit trail");
        }
    }

    fn base(&self, endpoint: &str) -> Result<Arc<Base>, Problem> {
        if let Some(base) = self.bases.read().unwrap_or_else(PoisonError::into_inner).get(endpoint) {
            return Ok(Arc::clone(base));
        }
        let base = Arc::new(self.upstream.base(endpoint)?);
        let mut bases = self.bases.write().unwrap_or_else(PoisonError::into_inner);
        if bases.len() >= MAX_BASES {
            bases.clear();
        }
        bases.insert(endpoint.to_owned(), Arc::clone(&base));
        Ok(base)
    }
}

/// Tells whether a path is one of the gateway's. What may be called there is a list per provider, and a call is a usage
/// record and no audit entry.
#[must_use]
pub fn is_gateways(path: &str) -> bool {
    strongroom_connectors::ai::gateway::is_gateways(path)
}

/// Tells whether the connection is to become a WebSocket (RFC 6455, section 4.1).
fn asks_for_a_websocket(headers: &HeaderMap) -> bool {
    let upgrade = headers.get(http::header::UPGRADE).and_then(|value| value.to_str().ok());
    upgrade.is_some_and(|value| value.split(',').any(|name| name.trim().eq_ignore_ascii_case("websocket")))
}
