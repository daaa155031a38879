//! The services that the handlers of the API reach.

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;

use strongroom::Strongroom;

use crate::config::SettingReport;
use crate::gateway::Gateway;
use crate::http::authentication::Authenticator;
use crate::http::metrics::Metrics;

/// The services, shared by all handlers. Each request is handed several of it.
#[derive(Clone)]
pub struct AppState(Arc<Services>);

impl AppState {
    /// State for all handlers.
    #[must_use]
    pub fn new(services: Services) -> Self {
        Self(Arc::new(services))
    }
}

impl Deref for AppState {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.0
    }
}

/// Everything that a handler can reach.
pub struct Services {
    /// The product.
    pub room: Strongroom,
    /// Finds out who calls.
    pub authenticator: Arc<Authenticator>,
    /// Calls to providers.
    pub gateway: Arc<Gateway>,
    /// Models that the AI service asks.
    pub ai_models: strongroom::ai::Models,
    /// Days for which the record of each call is kept.
    pub usage_retention_days: u32,
    /// The URL where the server listens, as it tells the commands of its machine; `None` when it does not.
    pub listening: Option<String>,
    /// The address that people open, where it is not one of this machine: scheme, host and port.
    pub public_url: Option<String>,
    /// Counts of requests and calls.
    pub metrics: Arc<Metrics>,
    /// Every setting as it holds, without any secret.
    pub settings: Vec<SettingReport>,
    /// Names of variables with keys of providers that this process was started with.
    pub provider_variables: Vec<String>,
}

impl Services {
    /// Tells whether only programs of this machine can connect.
    #[must_use]
    pub fn is_local_only(&self) -> bool {
        let Some(listening) = &self.listening else { return true };
        let address = listening.split_once("://").and_then(|(_, at)| at.parse::<SocketAddr>().ok());
        address.is_some_and(|at| at.ip().to_canonical().is_loopback())
    }
}
