//! HTTP/1.1 as a client speaks it (RFC 9112): heads of requests are written, heads of answers read, and bodies taken out of
//! their framing. Bytes in, bytes out.

use std::fmt;
use std::mem::MaybeUninit;

use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Uri, Version};
use hyper::ext::ReasonPhrase;

/// The longest head of an answer, in bytes, interim answers before it included.
pub const MOST_HEAD: usize = 64 * 1024;
/// The most headers in one.
const MOST_HEADERS: usize = 128;
/// Room for headers that whoever passes an answer on adds to it.
const MORE_HEADERS: usize = 4;
/// The most bytes of chunk extensions, and of trailers, in a body.
const MOST_ASIDE: usize = 16 * 1024;

/// Why bytes are not an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// No head of HTTP/1.1 or 1.0.
    Head,
    /// A head of more than [`MOST_HEAD`] bytes or 128 headers.
    HeadTooLong,
    /// A `Content-Length` that is no number, or several that differ.
    Length,
    /// Another protocol than the one that was asked for (101).
    Switched,
    /// No chunk where one was to come.
    Chunk,
    /// The connection was closed within the answer.
    Cut,
}

impl fmt::Display for Malformed {
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

impl std::error::Error for Malformed {}

/// How long the body of a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// So many bytes.
    Known(u64),
    /// Told by its end: it is sent in chunks.
    Chunked,
}

/// Writes the head of a request. What frames its body is of `length`, whatever `headers` say of it.
pub fn write_head(
    out: &mut Vec<u8>,
    (method, target, host): (&Method, &Uri, &HeaderValue),
    headers: &HeaderMap,
    length: Length,
) {
    let target = target.path_and_query().map_or("/", |target| target.as_str());
    for piece in [method.as_str(), " ", target, " HTTP/1.1\r\nhost: "] {
        out.extend_from_slice(piece.as_bytes());
    }
    out.extend_from_slice(host.as_bytes());
    out.extend_from_slice(b"\r\n");
    for (name, value) in headers {
        if [HOST, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION].contains(name) {
            continue;
        }
        out.extend_from_slice(name.as_str().as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    match length {
        // No body is expected with these, so that none needs to be denied (RFC 9110, section 8.6).
        Length::Known(0) if [Method::GET, Method::HEAD].contains(method) => {}
        Length::Known(bytes) => {
            out.extend_from_slice(b"content-length: ");
            out.extend_from_slice(bytes.to_string().as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        Length::Chunked => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
    }
    out.extend_from_slice(b"\r\n");
}

/// The head of an answer.
#[derive(Debug)]
pub struct Head {
    /// Version, status and headers.
    pub response: Response<()>,
    /// How its body comes.
    pub framing: Framing,
    /// Whether the connection may be used again after it.
    pub stays_open: bool,
    /// How many bytes it took, those of interim answers before it included.
    pub bytes: usize,
}

/// Reads the head of the answer to a request with `method`; `None` when there is more to come. Interim answers (1xx) are
/// passed over.
///
/// # Errors
/// [`Malformed`].
pub fn read_head(received: &Bytes, method: &Method) -> Result<Option<Head>, Malformed> {
    let mut start = 0;
    loop {
        let block = &received[start..];
        let mut headers = [const { MaybeUninit::uninit() }; MOST_HEADERS];
        let mut parsed = httparse::Response::new(&mut []);
        let read = httparse::ParserConfig::default().parse_response_with_uninit_headers(
            &mut parsed,
            block,
            &mut headers,
        );
        let bytes = match read {
            Ok(httparse::Status::Complete(bytes)) if start + bytes <= MOST_HEAD => bytes,
            Ok(httparse::Status::Partial) if received.len() < MOST_HEAD => return Ok(None),
            Ok(_) | Err(httparse::Error::TooManyHeaders) => return Err(Malformed::HeadTooLong),
            Err(_) => return Err(Malformed::Head),
        };
        let status = parsed.code.and_then(|code| StatusCode::from_u16(code).ok()).ok_or(Malformed::Head)?;
        if status == StatusCode::SWITCHING_PROTOCOLS {
            return Err(Malformed::Switched);
        }
        start += bytes;
        if !status.is_informational() {
            let mut response = response(received, &parsed, status)?;
            let (framing, is_sure) = framing(&mut response, method)?;
            let stays_open = is_sure && stays_open(&response);
            return Ok(Some(Head { response, framing, stays_open, bytes: start }));
        }
    }
}

fn response(
    received: &Bytes,
    parsed: &httparse::Response<'_, '_>,
    status: StatusCode,
) -> Result<Response<()>, Malformed> {
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
    headers.reserve(parsed.headers.len() + MORE_HEADERS);
    for header in &*parsed.headers {
        let name = HeaderName::from_bytes(header.name.as_bytes()).map_err(|_| Malformed::Head)?;
        let value = if header.value.is_empty() { Bytes::new() } else { received.slice_ref(header.value) };
        let value = HeaderValue::from_maybe_shared(value).map_err(|_| Malformed::Head)?;
        headers.try_append(name, value).map_err(|_| Malformed::HeadTooLong)?;
    }
    Ok(response)
}

/// How the body comes (RFC 9112, section 6.3), and whether both sides are sure to see the same end of it. Of a length that
/// is said there stays one that is so, for whoever passes the answer on goes by it.
fn framing(response: &mut Response<()>, method: &Method) -> Result<(Framing, bool), Malformed> {
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
        for text in value.to_str().map_err(|_| Malformed::Length)?.split(',') {
            times += 1;
            let text = text.trim();
            let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let read = is_number.then(|| text.parse::<u64>().ok()).flatten().ok_or(Malformed::Length)?;
            if length.replace(read).is_some_and(|before| before != read) {
                return Err(Malformed::Length);
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

/// How a body comes, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Framing {
    /// So many bytes are to come.
    Length(u64),
    /// In chunks (RFC 9112, section 7.1).
    Chunked(Chunked),
    /// Up to the end of the connection.
    UntilClosed,
}

impl Framing {
    /// Whether the body has come to its end, as far as can be told without the connection's.
    #[must_use]
    pub fn is_over(&self) -> bool {
        match self {
            Self::Length(left) => *left == 0,
            Self::Chunked(chunked) => chunked.step == Step::Over,
            Self::UntilClosed => false,
        }
    }

    /// Takes what is the body's out of what was received. What is behind its end stays.
    ///
    /// # Errors
    /// [`Malformed::Chunk`].
    pub fn take(&mut self, received: &mut Bytes) -> Result<Bytes, Malformed> {
        match self {
            Self::Length(left) => {
                let here = usize::try_from(*left).map_or(received.len(), |left| left.min(received.len()));
                *left -= here as u64;
                Ok(received.split_to(here))
            }
            Self::UntilClosed => Ok(std::mem::take(received)),
            Self::Chunked(chunked) => chunked.take(received),
        }
    }

    /// Notes that the connection has been closed.
    ///
    /// # Errors
    /// [`Malformed::Cut`] when there was more to come.
    pub fn close(&mut self) -> Result<(), Malformed> {
        match self {
            Self::UntilClosed => {
                *self = Self::Length(0);
                Ok(())
            }
            _ if self.is_over() => Ok(()),
            _ => Err(Malformed::Cut),
        }
    }
}

/// A body in chunks. Trailers are dropped, as a recipient may (RFC 9112, section 7.1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunked {
    step: Step,
    /// Of the chunk that has begun: what is still to come of it.
    left: u64,
    /// Bytes of extensions and trailers so far.
    aside: usize,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The first digit of a size.
    Size,
    /// More digits, or what ends them.
    MoreSize,
    /// What ends the digits, behind blanks.
    SizeEnd,
    /// The rest of a size's line, which is not for us.
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    /// The first byte of a trailer, or of the last line.
    Trailer,
    /// The rest of a trailer's line.
    InTrailer,
    TrailerLf,
    LastLf,
    Over,
}

impl Default for Chunked {
    fn default() -> Self {
        Self { step: Step::Size, left: 0, aside: 0 }
    }
}

impl Chunked {
    fn take(&mut self, received: &mut Bytes) -> Result<Bytes, Malformed> {
        let mut data = Bytes::new();
        // Chunks that came together leave together.
        let mut joined = BytesMut::new();
        while !received.is_empty() && self.step != Step::Over {
            if self.step == Step::Data {
                let here = usize::try_from(self.left).map_or(received.len(), |left| left.min(received.len()));
                self.left -= here as u64;
                if self.left == 0 {
                    self.step = Step::DataCr;
                }
                let piece = received.split_to(here);
                if data.is_empty() {
                    data = piece;
                } else {
                    if joined.is_empty() {
                        joined.reserve(data.len() + piece.len() + received.len());
                        joined.extend_from_slice(&data);
                    }
                    joined.extend_from_slice(&piece);
                }
                continue;
            }
            let mut used = 0;
            for byte in received.iter() {
                used += 1;
                self.step = self.step_over(*byte)?;
                if matches!(self.step, Step::Data | Step::Over) {
                    break;
                }
            }
            bytes::Buf::advance(received, used);
        }
        Ok(if joined.is_empty() { data } else { joined.freeze() })
    }

    /// What comes after a byte that is not data.
    fn step_over(&mut self, byte: u8) -> Result<Step, Malformed> {
        let broken = Err(Malformed::Chunk);
        if byte != b'\r' && matches!(self.step, Step::Extension | Step::Trailer | Step::InTrailer) {
            self.aside += 1;
            if self.aside > MOST_ASIDE {
                return broken;
            }
        }
        match (self.step, byte) {
            (Step::Size | Step::MoreSize, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                let digit = char::from(byte).to_digit(16).map_or(0, u64::from);
                let left = self.left.checked_mul(16).and_then(|left| left.checked_add(digit));
                self.left = left.ok_or(Malformed::Chunk)?;
                Ok(Step::MoreSize)
            }
            (Step::MoreSize | Step::SizeEnd, b' ' | b'\t') => Ok(Step::SizeEnd),
            (Step::MoreSize | Step::SizeEnd, b';') => Ok(Step::Extension),
            (Step::MoreSize | Step::SizeEnd | Step::Extension, b'\r') => Ok(Step::SizeLf),
            // One without the other ends a line for some and not for others.
            (Step::Extension | Step::Trailer | Step::InTrailer, b'\n') => broken,
            (Step::Extension, _) => Ok(Step::Extension),
            (Step::SizeLf, b'\n') => Ok(if self.left == 0 { Step::Trailer } else { Step::Data }),
            (Step::DataCr, b'\r') => Ok(Step::DataLf),
            (Step::DataLf, b'\n') => Ok(Step::Size),
            (Step::Trailer, b'\r') => Ok(Step::LastLf),
            (Step::InTrailer, b'\r') => Ok(Step::TrailerLf),
            (Step::TrailerLf, b'\n') => Ok(Step::Trailer),
            (Step::Trailer | Step::InTrailer, _) => Ok(Step::InTrailer),
            (Step::LastLf, b'\n') => Ok(Step::Over),
            _ => broken,
        }
    }
}

#[cfg(test)]
mod tests;
