//! HTTP/1.1 as a client speaks it.

mod by_hyper;
mod chunked;
mod connection;
mod error;
mod framing;
mod idle;
mod own;
mod request_body;
mod request_head;
mod response_body;
mod response_head;

pub use chunked::{Chunked, MAX_CHUNK_OVERHEAD_BYTES};
pub use connection::{Connection, Implementation, Sending, Sent, Transport};
pub use error::{BoxError, ProtocolError};
pub use framing::Framing;
pub use idle::{IdleConnections, MAX_IDLE_CONNECTIONS, MAX_IDLE_TIME, SWEEP_INTERVAL};
pub use request_body::{RequestBody, StreamingBody};
pub use request_head::{BodyLength, write_request_head};
pub use response_body::ResponseBody;
pub use response_head::{MAX_HEAD_BYTES, MAX_HEADERS, ResponseHead, read_response_head};

#[cfg(test)]
mod tests;
