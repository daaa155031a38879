//! The HTTP door: who comes in, what they may, and how errors look from outside.

pub mod door;
pub mod extract;
pub mod front;
pub mod jwt;
pub mod metrics;
pub mod paging;
pub mod peer;
pub mod problem;
pub mod route;
pub mod router;
pub mod upload;

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;

use strongroom::Strongroom;

/// What every handler can reach. Each request is handed several of it.
#[derive(Clone)]
pub struct AppState(Arc<Reach>);

impl AppState {
    /// For all handlers.
    #[must_use]
    pub fn new(reach: Reach) -> Self {
        Self(Arc::new(reach))
    }
}

impl Reach {
    /// Tells whether only programs of this machine can connect.
    #[must_use]
    pub fn is_local_only(&self) -> bool {
        let Some(listening) = &self.listening else { return true };
        let address = listening.split_once("://").and_then(|(_, at)| at.parse::<SocketAddr>().ok());
        address.is_some_and(|at| at.ip().to_canonical().is_loopback())
    }
}

impl Deref for AppState {
    type Target = Reach;

    fn deref(&self) -> &Reach {
        &self.0
    }
}

/// What is within reach of a handler.
pub struct Reach {
    /// The product.
    pub room: Strongroom,
    /// Checks JSON web tokens; `None` refuses them all.
    pub jwt: Option<jwt::JwtVerifier>,
    /// Calls to providers.
    pub gateway: crate::gateway::Gateway,
    /// Which models the AI service asks.
    pub ai_models: strongroom::ai::Models,
    /// For how many days the record of each call is kept.
    pub usage_retention_days: u32,
    /// Where the server listens, as it tells the commands of its machine; `None` when it does not.
    pub listening: Option<String>,
    /// What is counted.
    pub metrics: metrics::Metrics,
}
