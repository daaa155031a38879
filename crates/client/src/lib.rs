//! The wire types of the HTTP API, which server and CLI share, and a typed client of it.

pub mod client;
pub mod transport;
pub mod wire;

pub use client::{Client, ClientError, ErrorKind, Page};
pub use transport::Transport;
