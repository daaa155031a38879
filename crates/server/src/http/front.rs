//! The front: every request comes in here, and goes to the gateway when its path is one of the gateway's, else to the
//! router.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use tower::{Service, ServiceExt};

use super::AppState;
use crate::gateway;

/// What serves the requests of one connection.
#[derive(Clone)]
pub struct Front {
    doors: Arc<Doors>,
    /// The other side; absent on the socket file.
    address: Option<SocketAddr>,
}

struct Doors {
    state: AppState,
    router: Router,
}

impl Front {
    /// For any connection.
    #[must_use]
    pub fn new(state: AppState) -> Self {
        let router = super::router::router(state.clone());
        Self { doors: Arc::new(Doors { state, router }), address: None }
    }

    /// For the connection from this address.
    #[must_use]
    pub fn of(&self, address: SocketAddr) -> Self {
        Self { doors: Arc::clone(&self.doors), address: Some(address) }
    }
}

impl Service<Request<Incoming>> for Front {
    type Response = Response<Outgoing>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Incoming>) -> Self::Future {
        let (doors, address) = (Arc::clone(&self.doors), self.address);
        if gateway::is_gateways(request.uri().path()) {
            return Box::pin(async move { Ok(gateway::serve(&doors.state, request, address).await) });
        }
        Box::pin(async move {
            if let Some(address) = address {
                request.extensions_mut().insert(ConnectInfo(address));
            }
            let answer = doors.router.clone().oneshot(request.map(Body::new)).await?;
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
