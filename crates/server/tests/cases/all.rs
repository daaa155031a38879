//! Every case, by subject.

#![expect(clippy::unwrap_used, reason = "a case that cannot go on has failed, and the line says where")]

mod ai;
pub(crate) mod alert;
pub(crate) mod billed;
mod bounds;
mod canary;
mod command_line;
mod documents;
mod ending;
pub(crate) mod exactness;
mod faults;
mod fields;
mod gateway;
mod hardening;
mod hostile;
mod jwt;
mod key;
mod limit;
mod listing;
mod live_test;
mod names;
mod nul;
mod page_alert;
mod page_change;
mod page_fault;
mod pages;
mod prices;
mod proxy;
mod revision;
mod route_table;
mod run_lease;
mod scope;
mod soak;
pub(crate) mod stage;
mod statuses;
mod surroundings;
mod telling;
mod tls;
mod token_terms;
mod usage;
mod usage_figures;
mod usage_record;
mod version;
mod weak_secrets;
