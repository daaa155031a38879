//! Reasons why bytes from the peer are no response.

use std::fmt;

/// An error of any kind, as bodies and transports report them.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A response that breaks the protocol, or one of the bounds of this crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProtocolError {
    /// No head of HTTP/1.1 or 1.0.
    Head,
    /// A head of more than [`MAX_HEAD_BYTES`](crate::MAX_HEAD_BYTES) or
    /// [`MAX_HEADERS`](crate::MAX_HEADERS).
    HeadTooLong,
    /// A `Content-Length` that is no number, or several that differ.
    Length,
    /// A change to another protocol (101), which was not asked for.
    Switched,
    /// Bytes that are no chunk where one was to come, or more beside the chunks than
    /// [`MAX_CHUNK_OVERHEAD_BYTES`](crate::MAX_CHUNK_OVERHEAD_BYTES).
    Chunk,
    /// The end of the connection within the response.
    Cut,
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Head => "the answer is not HTTP/1.1",
            Self::HeadTooLong => "the headers of the answer are too many or too long",
            Self::Length => "the answer's Content-Length is not one number",
            Self::Switched => "the answer changes to another protocol, which was not asked for",
            Self::Chunk => "the answer's chunked coding is broken",
            Self::Cut => "the connection was closed before the end of the answer",
        })
    }
}

impl std::error::Error for ProtocolError {}
