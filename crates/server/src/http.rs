//! HTTP as the API and the gateway share it: who comes in, how requests are read, and how errors look from outside.

pub mod authentication;
pub mod extract;
pub mod jwt;
pub mod metrics;
pub mod paging;
pub mod parameter;
pub mod peer;
pub mod problem;
pub mod upload;
