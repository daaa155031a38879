//! The database: the only crate with SQL. It sees sealed bytes only and holds no key.
//!
//! Every statement is one text for SQLite and PostgreSQL with `$n` placeholders. Functions that read take a
//! [`Session`], functions that change something take a [`Write`], which is a transaction.

#![cfg_attr(not(test), deny(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_lossless))]

mod dispatch;
mod dynamic;
mod postgres;
mod sqlite_retry;
mod sum;
mod write_priority;

pub mod alert;
pub mod audit;
pub mod backup;
pub mod change;
pub mod commit_times;
pub mod counter;
pub mod credential;
pub mod credential_health;
pub mod drain;
pub mod error;
pub mod idempotency;
pub mod job_lease;
pub mod key;
pub mod key_holder;
pub mod leak;
pub mod legacy_source;
pub mod limit;
pub mod limit_history;
pub mod meta;
pub mod node;
pub mod offboard;
pub mod pulse;
pub mod region_class;
pub mod reminder;
pub mod reveal_place;
pub mod rotation;
pub mod schema;
pub mod sealed;
pub mod session;
pub mod sign_in;
pub mod token;
pub mod usage;
pub mod usage_figures;
pub mod usage_hours;
pub mod usage_partition;
pub mod usage_proof;
pub mod usage_record;
pub mod usage_report;
pub mod usage_rollup;
pub mod usage_sums;
pub mod usage_top;
pub mod user;
pub mod value;
pub mod version;

pub use error::StoreError;
pub use session::{Backend, Session, Store, StoreOptions, Write};
pub use sum::CEILING;
pub use write_priority::PrioritisedCall;

/// The region that this installation writes as. It stands in the keys of counters and names the audit chain.
pub const REGION: &str = "main";
