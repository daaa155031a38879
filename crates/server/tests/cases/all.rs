//! Every case, by subject.

mod listing;
mod revision;
mod route_table;
mod statuses;
