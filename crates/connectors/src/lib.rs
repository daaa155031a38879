//! Wire formats of others: AI providers, and files that other tools write.

#![cfg_attr(
    not(test),
    deny(
        clippy::cast_lossless,
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss
    )
)]

pub mod ai;
pub mod alert_channel;
pub mod dotenv;
pub mod endpoint_form;
pub mod endpoint_guard;
pub mod escaped_text;
pub mod key_pattern;
pub mod proxy;
pub mod upstream;

pub use ai::{ProbeOutcome, ProbeReport, probe};
pub use endpoint_guard::{EndpointGuard, GuardedClient};
pub use proxy::Proxy;
