//! HTTP/1.1 as a client speaks it, over any stream of bytes.
//!
//! A [`Connection`] carries one request after the other. Whoever awaits the response, or reads its body, drives it: there
//! is no task, no timer and no buffer that outlasts a read. Connecting, TLS, proxies, time limits and retries are the
//! caller's. hyper's client lies beneath the same calls as a second implementation ([`Implementation`]), and the tests
//! hold one against the other.
//!
//! ```text
//! Connection::send ─► Sending ─► Sent::Answered(Response<ResponseBody>) ─► ResponseBody::reclaim ─► Connection
//! ```
//!
//! # Requests (RFC 9112, sections 3, 6 and 7)
//!
//! - The target is written in origin form, `Host` as it was given. `Content-Length`, `Transfer-Encoding` and `Connection`
//!   among the caller's headers are left out: the body's own length frames it, or chunks where it has none.
//! - A body in memory of up to 16 KiB leaves in one write with the head. Buffers of heads are overwritten once they have
//!   left, for they have keys in them. Trailers of a request are not sent.
//! - A request whose first write fails is handed back ([`Sent::Unsent`]). After that it may have left:
//!   [`Sent::Silent`] when nothing came back, [`Sent::Broken`] else. A body that breaks off ends the exchange.
//!
//! # Heads of responses (RFC 9112, sections 4, 5 and 2.2)
//!
//! - Accepted: HTTP/1.1 and 1.0, statuses 100 to 999. A line may end in a bare LF, as section 2.2 allows; a bare CR is
//!   refused, and so are NUL, whitespace before a colon, lines without one, and lines that are folded (obs-fold).
//! - Interim responses (1xx) are passed over, however many fit the bound. 101 is refused: nobody asks for it.
//! - Bounds: [`MAX_HEAD_BYTES`] (64 KiB), interim responses included, and [`MAX_HEADERS`] (128 lines).
//!
//! # The end of a body (RFC 9112, section 6.3), in this order
//!
//! 1. None to `HEAD`, or with 204 or 304, whatever the headers say.
//! 2. `Transfer-Encoding` whose last coding is `chunked`: chunks. Another last coding: up to the end of the connection.
//!    A `Content-Length` beside it is dropped, and the connection is not kept; nor is it in HTTP/1.0.
//! 3. `Content-Length`: one number of 64 bits, in digits alone. It may be repeated, in lines or in a list; one is left.
//!    Several that differ, signs, no digits and bytes that no text has are refused.
//! 4. Else the end of the connection, which TLS has to announce.
//!
//! Chunks (section 7.1): a size is hexadecimal digits, 64 bits at most, leading zeros and blanks behind it allowed; every
//! line ends in CR LF, extensions and trailers included, and so does the data. Extensions are passed over and trailers
//! dropped, both unread but for their line ends; together they are [`MAX_CHUNK_OVERHEAD_BYTES`] (16 KiB) at most. A
//! connection that ends within a length or chunks breaks the body off: [`ProtocolError::Cut`].
//!
//! # Connections that are kept (RFC 9112, sections 9.3 and 9.6)
//!
//! A connection is given back when the body is over and all of these hold; else it is closed:
//!
//! - HTTP/1.1 without `Connection: close`, or HTTP/1.0 with `keep-alive` and without `close`;
//! - both sides are sure to see the same end of the body (rule 2 above), and the end is not the connection's;
//! - all of the request has left: an early response, which refuses a long request, closes the connection;
//! - nothing stands behind the end of the response.
//!
//! [`Connection::is_quiet`] tells before the next request that nothing has come since, so that no response that nobody
//! asked for answers it.
//!
//! # Bounds of memory
//!
//! A read takes 16 KiB at most. Held are a head, up to its bound and one read more, or one read of a body that nobody has
//! taken yet, and of the request what its caller holds in memory. [`IdleConnections`] keeps
//! [`MAX_IDLE_CONNECTIONS`] (256) for [`MAX_IDLE_TIME`] (60 s).

#![cfg_attr(
    not(test),
    deny(
        clippy::cast_lossless,
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss
    )
)]

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
pub use request_head::{BodyLength, RequestLine, write_request_head};
pub use response_body::ResponseBody;
pub use response_head::{MAX_HEAD_BYTES, MAX_HEADERS, ResponseHead, read_response_head};

#[cfg(test)]
mod tests;
