//! The wire types of the HTTP API, which server and CLI share, and a typed client of it.

pub mod wire;
