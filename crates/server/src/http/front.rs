//! The front: every request comes in here, and goes to the gateway when its path is one of the gateway's, else to the
//! router.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use bytes::Bytes;
use http::{Request, Response, header};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use hyper::service::Service;
use tower::ServiceExt;

use super::AppState;
use super::peer::LocalPeer;
use super::upload::Upload;
use crate::gateway;

/// What all connections share.
#[derive(Clone)]
pub struct Front(Arc<Doors>);

struct Doors {
    state: AppState,
    /// Made for the first request that needs it: a server that is a gateway alone does without.
    router: OnceLock<Router>,
}

impl Doors {
    fn router(&self) -> Router {
        self.router.get_or_init(|| super::router::router(self.state.clone())).clone()
    }
}

/// What serves the requests of one connection.
pub struct Visit {
    doors: Arc<Doors>,
    caller: Caller,
    begun: Begun,
}

/// The other side of a connection.
#[derive(Debug, Clone)]
pub enum Caller {
    /// Over the network.
    Remote(SocketAddr),
    /// On this machine, through the socket file.
    Local(LocalPeer),
}

/// Whether a connection has brought a request yet.
#[derive(Debug, Clone, Default)]
pub struct Begun(Arc<AtomicBool>);

impl Begun {
    /// Whether it has.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Front {
    /// Makes the doors.
    #[must_use]
    pub fn new(state: AppState) -> Self {
        Self(Arc::new(Doors { state, router: OnceLock::new() }))
    }

    /// For a connection that just came in.
    #[must_use]
    pub fn of(&self, caller: Caller) -> Visit {
        Visit { doors: Arc::clone(&self.0), caller, begun: Begun::default() }
    }
}

impl Visit {
    /// Tells whether the connection has brought a request yet.
    #[must_use]
    pub fn begun(&self) -> Begun {
        self.begun.clone()
    }
}

impl Service<Request<Incoming>> for Visit {
    type Response = Response<Outgoing>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        self.begun.0.store(true, Ordering::Relaxed);
        let doors = Arc::clone(&self.doors);
        let address = match &self.caller {
            Caller::Remote(address) => Some(*address),
            Caller::Local(peer) => {
                request.extensions_mut().insert(peer.clone());
                None
            }
        };
        let waits = request.headers().contains_key(header::EXPECT);
        if gateway::is_gateways(request.uri().path()) {
            // Boxed: it is handed on from hand to hand.
            let request = Box::new(request.map(|body| Upload::new(body, waits)));
            return Box::pin(async move { Ok(gateway::serve(&doors.state, request, address).await) });
        }
        Box::pin(async move {
            if let Some(address) = address {
                request.extensions_mut().insert(ConnectInfo(address));
            }
            let answer =
                doors.router().oneshot(request.map(|body| Body::new(Upload::new(body, waits)))).await?;
            Ok(answer.map(Outgoing::Router))
        })
    }
}

/// The body of an answer.
#[derive(Debug)]
pub enum Outgoing {
    /// The router's.
    Router(Body),
    /// A provider's answer, on its way through the gateway.
    Gateway(Box<gateway::Passing>),
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.get_mut() {
            Self::Router(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
            Self::Gateway(body) => Pin::new(body.as_mut()).poll_frame(cx).map_err(Into::into),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Router(body) => body.is_end_stream(),
            Self::Gateway(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Router(body) => body.size_hint(),
            Self::Gateway(body) => body.size_hint(),
        }
    }
}
