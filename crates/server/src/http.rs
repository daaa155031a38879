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

use std::sync::Arc;

use strongroom::Strongroom;

/// What every handler can reach.
#[derive(Clone)]
pub struct AppState {
    /// The product.
    pub room: Strongroom,
    /// Checks JSON web tokens; `None` refuses them all.
    pub jwt: Option<Arc<jwt::JwtVerifier>>,
    /// Calls to providers.
    pub gateway: Arc<crate::gateway::Gateway>,
    /// Which models the AI service asks.
    pub ai_models: Arc<strongroom::ai::Models>,
    /// For how many days the record of each call is kept.
    pub usage_retention_days: u32,
    /// Where the server listens, as it tells the commands of its machine; `None` when it does not.
    pub listening: Option<String>,
    /// What is counted.
    pub metrics: Arc<metrics::Metrics>,
}
