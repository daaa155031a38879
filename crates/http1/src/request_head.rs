//! Heads of requests, written (RFC 9112, sections 3 and 6).

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

/// Headers that this crate writes itself, or not at all, whatever the caller has set.
pub(crate) const OWN_HEADERS: [HeaderName; 4] = [HOST, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION];

/// The length of a request's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyLength {
    /// In bytes.
    Known(u64),
    /// Told by its end: the body is sent in chunks.
    Chunked,
}

/// The parts of a request's first line, and its host.
#[derive(Debug, Clone, Copy)]
pub struct RequestLine<'r> {
    /// The method.
    pub method: &'r Method,
    /// The target, of which path and query are written.
    pub target: &'r Uri,
    /// The value of `Host`.
    pub host: &'r HeaderValue,
}

/// Appends the head of a request to `out`. The body is framed by `length`; `Host`, `Content-Length`, `Transfer-Encoding`
/// and `Connection` among `headers` are left out.
pub fn write_request_head(out: &mut Vec<u8>, line: RequestLine<'_>, headers: &HeaderMap, length: BodyLength) {
    let RequestLine { method, target, host } = line;
    let target = target.path_and_query().map_or("/", |target| target.as_str());
    for piece in [method.as_str(), " ", target, " HTTP/1.1\r\nhost: "] {
        out.extend_from_slice(piece.as_bytes());
    }
    out.extend_from_slice(host.as_bytes());
    out.extend_from_slice(b"\r\n");
    for (name, value) in headers {
        if OWN_HEADERS.contains(name) {
            continue;
        }
        out.extend_from_slice(name.as_str().as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    match length {
        // No body is expected with these, so that none needs to be denied (RFC 9110, section 8.6).
        BodyLength::Known(0) if [Method::GET, Method::HEAD].contains(method) => {}
        BodyLength::Known(bytes) => {
            out.extend_from_slice(b"content-length: ");
            out.extend_from_slice(bytes.to_string().as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        BodyLength::Chunked => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
    }
    out.extend_from_slice(b"\r\n");
}
