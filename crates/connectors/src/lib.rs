//! Everything that speaks someone else's wire format: AI providers, and files that other tools write.

pub mod ai;
pub mod dotenv;
pub mod endpoint_form;
pub mod endpoint_guard;
pub mod key_pattern;
pub mod proxy;
pub mod upstream;

pub use ai::{ProbeOutcome, ProbeReport, probe};
pub use endpoint_guard::{EndpointGuard, GuardedClient};
pub use proxy::Proxy;
