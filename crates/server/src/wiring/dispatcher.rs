//! The dispatcher: every request comes in here, and goes to the gateway when its path is one of the gateway's, else to
//! the router.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use http::{Request, Response, header};
use hyper::body::Incoming;
use hyper::service::Service;
use tower::ServiceExt;

use super::router::router;
use crate::gateway::{self, BodyOut};
use crate::http::peer::LocalPeer;
use crate::http::upload::Upload;
use crate::state::AppState;

/// Dispatcher that all connections share.
#[derive(Clone)]
pub(super) struct Dispatcher(Arc<Destinations>);

struct Destinations {
    state: AppState,
    /// Made for the first request that needs it: a server that is a gateway alone does without.
    router: OnceLock<Router>,
}

impl Destinations {
    fn router(&self) -> Router {
        self.router.get_or_init(|| router(self.state.clone())).clone()
    }
}

/// Service of the requests of one connection.
pub(super) struct ConnectionService {
    destinations: Arc<Destinations>,
    peer: Peer,
    first_request: FirstRequestSeen,
}

/// The other side of a connection.
#[derive(Debug, Clone)]
pub(super) enum Peer {
    /// Over the network.
    Remote(SocketAddr),
    /// On this machine, through the socket file.
    Local(LocalPeer),
}

/// Tells whether a connection has brought a request yet.
#[derive(Debug, Clone, Default)]
pub(super) struct FirstRequestSeen(Arc<AtomicBool>);

impl FirstRequestSeen {
    /// True from the head of the first request on.
    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Dispatcher {
    /// A dispatcher between the gateway and the router over this state.
    pub(super) fn new(state: AppState) -> Self {
        Self(Arc::new(Destinations { state, router: OnceLock::new() }))
    }

    /// Makes the service of a connection that just came in.
    pub(super) fn of(&self, peer: Peer) -> ConnectionService {
        ConnectionService {
            destinations: Arc::clone(&self.0),
            peer,
            first_request: FirstRequestSeen::default(),
        }
    }
}

impl ConnectionService {
    /// Tells whether the connection has brought a request yet.
    pub(super) fn first_request(&self) -> FirstRequestSeen {
        self.first_request.clone()
    }
}

impl Service<Request<Incoming>> for ConnectionService {
    type Response = Response<BodyOut>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        self.first_request.0.store(true, Ordering::Relaxed);
        let destinations = Arc::clone(&self.destinations);
        let address = match &self.peer {
            Peer::Remote(address) => Some(*address),
            Peer::Local(peer) => {
                request.extensions_mut().insert(peer.clone());
                None
            }
        };
        let waits = request.headers().contains_key(header::EXPECT);
        if gateway::is_gateways(request.uri().path()) {
            // Boxed: it is handed on from hand to hand.
            let request = Box::new(request.map(|body| Upload::new(body, waits)));
            return Box::pin(async move { Ok(destinations.state.gateway.serve(request, address).await) });
        }
        Box::pin(async move {
            if let Some(address) = address {
                request.extensions_mut().insert(ConnectInfo(address));
            }
            let request = request.map(|body| Body::new(Upload::new(body, waits)));
            let answer = destinations.router().oneshot(request).await?;
            Ok(answer.map(BodyOut::Plain))
        })
    }
}
