//! Every case, by subject.

mod bounds;
mod canary;
mod ending;
mod fields;
mod jwt;
mod limit;
mod listing;
mod live_test;
mod names;
mod revision;
mod route_table;
mod scope;
mod statuses;
mod tls;
