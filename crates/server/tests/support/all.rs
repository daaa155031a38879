//! What the cases share: a server, calls, and callers.

pub(crate) mod away;
pub(crate) mod call;
pub(crate) mod principal;
pub(crate) mod server;
pub(crate) mod visitor;
