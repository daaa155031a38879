//! Pure types and rules of the product, without I/O and without async.

#![cfg_attr(
    not(test),
    deny(
        clippy::cast_lossless,
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss
    )
)]

pub mod actor;
pub mod alert;
pub mod amount;
pub mod audit;
pub mod authority_mac;
pub mod clock;
pub mod credential;
pub mod figure;
pub mod fingerprint;
pub mod forecast;
pub mod id;
pub mod latency;
pub mod ledger_text;
pub mod limit;
pub mod model_route;
pub mod month;
pub mod page;
pub mod price;
pub mod problem;
pub mod provider;
pub mod reason;
pub mod secret;
pub mod secret_form;
pub mod sign_in;
pub mod tag;
pub mod token;
pub mod usage;
pub mod user;
pub mod version;

pub use actor::{Actor, ActorKind, Role, Scope};
pub use amount::Amount;
pub use clock::{Clock, Millis};
pub use id::{CredentialId, Uid, UserId};
pub use ledger_text::{LedgerText, RawUsage};
pub use problem::{Field, Problem, ProblemKind};
pub use provider::Provider;
pub use secret::Secret;
