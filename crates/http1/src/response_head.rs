//! Heads of responses, read, and how their bodies are framed (RFC 9112, sections 4 to 6 and 9.3).

use std::mem::MaybeUninit;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderName, HeaderValue, Method, Response, StatusCode, Version};
use hyper::ext::ReasonPhrase;

use crate::chunked::Chunked;
use crate::error::ProtocolError;
use crate::framing::Framing;

/// Longest head of a response, in bytes, with those of the interim responses before it.
pub const MAX_HEAD_BYTES: usize = 64 * 1024;
/// Most header lines in one head.
pub const MAX_HEADERS: usize = 128;
/// Room for headers that a caller adds before it passes a response on.
const SPARE_HEADERS: usize = 4;

/// The head of a response.
#[derive(Debug)]
pub struct ResponseHead {
    /// Version, status and headers.
    pub response: Response<()>,
    /// Framing of its body.
    pub framing: Framing,
    /// Set when the connection may be used again after it.
    pub stays_open: bool,
    /// Bytes that it took, with those of the interim responses before it.
    pub bytes: usize,
}

/// Reads the head of the response to a request with `method`; `None` when there is more to come. Interim responses (1xx)
/// are passed over.
///
/// # Errors
/// [`ProtocolError`].
pub fn read_response_head(received: &Bytes, method: &Method) -> Result<Option<ResponseHead>, ProtocolError> {
    let mut start = 0;
    loop {
        let block = &received[start..];
        let mut headers = [const { MaybeUninit::uninit() }; MAX_HEADERS];
        let mut parsed = httparse::Response::new(&mut []);
        let read = httparse::ParserConfig::default().parse_response_with_uninit_headers(
            &mut parsed,
            block,
            &mut headers,
        );
        let bytes = match read {
            Ok(httparse::Status::Complete(bytes)) if start + bytes <= MAX_HEAD_BYTES => bytes,
            Ok(httparse::Status::Partial) if received.len() < MAX_HEAD_BYTES => return Ok(None),
            Ok(_) | Err(httparse::Error::TooManyHeaders) => return Err(ProtocolError::HeadTooLong),
            Err(_) => return Err(ProtocolError::Head),
        };
        let status =
            parsed.code.and_then(|code| StatusCode::from_u16(code).ok()).ok_or(ProtocolError::Head)?;
        if status == StatusCode::SWITCHING_PROTOCOLS {
            return Err(ProtocolError::Switched);
        }
        start += bytes;
        if !status.is_informational() {
            let mut response = response(received, &parsed, status)?;
            let (framing, is_sure) = framing(&mut response, method)?;
            let stays_open = is_sure && stays_open(&response);
            return Ok(Some(ResponseHead { response, framing, stays_open, bytes: start }));
        }
    }
}

/// Tells whether reading a head is of use, of which `seen` bytes were read before and were no whole one: not before a line is
/// empty. A peer that sends it byte by byte would otherwise have all of it read again with each of them.
pub(crate) fn may_be_read(received: &[u8], seen: usize) -> bool {
    let from = seen.saturating_sub("\n\r".len());
    let has_empty_line = || {
        memchr::memchr_iter(b'\n', &received[from..]).any(|end| {
            let behind = &received[from + end + 1..];
            behind.starts_with(b"\n") || behind.starts_with(b"\r\n")
        })
    };
    seen == 0 || received.len() >= MAX_HEAD_BYTES || has_empty_line()
}

fn response(
    received: &Bytes,
    parsed: &httparse::Response<'_, '_>,
    status: StatusCode,
) -> Result<Response<()>, ProtocolError> {
    let mut response = Response::new(());
    *response.status_mut() = status;
    *response.version_mut() = if parsed.version == Some(0) { Version::HTTP_10 } else { Version::HTTP_11 };
    // What is usual is said without being told to.
    if let Some(reason) = parsed.reason.filter(|reason| status.canonical_reason() != Some(reason))
        && let Ok(reason) = ReasonPhrase::try_from(reason.as_bytes())
    {
        response.extensions_mut().insert(reason);
    }
    let headers = response.headers_mut();
    headers.reserve(parsed.headers.len() + SPARE_HEADERS);
    for header in &*parsed.headers {
        let name = HeaderName::from_bytes(header.name.as_bytes()).map_err(|_| ProtocolError::Head)?;
        let value = if header.value.is_empty() { Bytes::new() } else { received.slice_ref(header.value) };
        let value = HeaderValue::from_maybe_shared(value).map_err(|_| ProtocolError::Head)?;
        headers.try_append(name, value).map_err(|_| ProtocolError::HeadTooLong)?;
    }
    Ok(response)
}

/// Framing of the body (RFC 9112, section 6.3), and `true` when both sides are sure to see the same end of it. One
/// `Content-Length` stays, and only where it is what frames the body: whoever passes the response on goes by it.
fn framing(response: &mut Response<()>, method: &Method) -> Result<(Framing, bool), ProtocolError> {
    let (status, version) = (response.status(), response.version());
    let headers = response.headers_mut();
    if method == Method::HEAD || status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED {
        return Ok((Framing::Length(0), true));
    }
    if headers.contains_key(TRANSFER_ENCODING) {
        let last = headers.get_all(TRANSFER_ENCODING).into_iter().next_back();
        let last = last.and_then(|value| value.to_str().ok()).and_then(|text| text.rsplit(',').next());
        let is_chunked = last.is_some_and(|coding| coding.trim().eq_ignore_ascii_case("chunked"));
        // Somebody in between may have gone by the other one.
        let is_sure = headers.remove(CONTENT_LENGTH).is_none() && is_chunked && version == Version::HTTP_11;
        let chunked = || Framing::Chunked(Chunked::default());
        return Ok((if is_chunked { chunked() } else { Framing::UntilClosed }, is_sure));
    }
    let (mut length, mut times) = (None, 0);
    for value in headers.get_all(CONTENT_LENGTH) {
        for text in value.to_str().map_err(|_| ProtocolError::Length)?.split(',') {
            times += 1;
            let text = text.trim();
            let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let read = is_number.then(|| text.parse::<u64>().ok()).flatten().ok_or(ProtocolError::Length)?;
            if length.replace(read).is_some_and(|before| before != read) {
                return Err(ProtocolError::Length);
            }
        }
    }
    if let Some(bytes) = length.filter(|_| times > 1) {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes));
    }
    Ok(length.map_or((Framing::UntilClosed, false), |bytes| (Framing::Length(bytes), true)))
}

fn stays_open(response: &Response<()>) -> bool {
    let says = |word: &str| {
        let values =
            response.headers().get_all(CONNECTION).into_iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|text| text.split(',')).any(|named| named.trim().eq_ignore_ascii_case(word))
    };
    !says("close") && (response.version() == Version::HTTP_11 || says("keep-alive"))
}
