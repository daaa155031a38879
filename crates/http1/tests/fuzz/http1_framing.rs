//! Heads and bodies of responses from anywhere: read the same however they arrive, and chunks are what they are in the plainest
//! reading.

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, Method, StatusCode};
use strongroom_http1::{Framing, ProtocolError, read_response_head};

use super::pieces::pieces;

const METHODS: [Method; 4] = [Method::POST, Method::GET, Method::HEAD, Method::DELETE];

/// Result of reading an answer.
#[derive(Debug, PartialEq, Eq)]
struct Read {
    status: StatusCode,
    headers: HeaderMap,
    stays_open: bool,
    body: Vec<u8>,
    is_over: bool,
    /// Bytes behind its end.
    rest: Vec<u8>,
}

/// An answer from outside: the first byte says what it answers, the second how it is cut.
pub(crate) fn foreign(data: &[u8]) {
    let [method, cut, answer @ ..] = data else { return };
    let method = &METHODS[usize::from(*method) % METHODS.len()];
    let whole = read(&[answer], method);
    assert_eq!(read(&pieces(answer, *cut), method), whole, "it depends on how it arrives");
    if let Ok(Some(read)) = &whole {
        assert!(!read.status.is_informational());
        assert!(read.is_over || read.rest.is_empty());
        let is_framed = method != Method::HEAD && !matches!(read.status.as_u16(), 204 | 304);
        let lengths: Vec<_> = read.headers.get_all(CONTENT_LENGTH).into_iter().collect();
        match lengths[..] {
            _ if !is_framed => assert!(read.is_over && read.body.is_empty()),
            [] => {}
            [length] => {
                assert!(!read.headers.contains_key(TRANSFER_ENCODING), "two ways to find the end");
                let length: usize = length.to_str().expect("digits").parse().unwrap_or(usize::MAX);
                assert_eq!(read.is_over, read.body.len() == length);
            }
            _ => panic!("several lengths are left: {lengths:?}"),
        }
    }
    let plain = plain_chunks(answer);
    let mut framing = Framing::Chunked(Default::default());
    let mut rest = Bytes::copy_from_slice(answer);
    let taken = framing.take(&mut rest).ok().filter(|_| framing.is_over());
    assert_eq!(taken.map(|body| (body.to_vec(), rest.to_vec())), plain, "chunks");
}

fn read(pieces: &[&[u8]], method: &Method) -> Result<Option<Read>, ProtocolError> {
    let mut received = BytesMut::new();
    let mut pieces = pieces.iter();
    let (head, mut received) = loop {
        let block = Bytes::copy_from_slice(&received);
        if let Some(head) = read_response_head(&block, method)? {
            break (head.response, (head.framing, head.stays_open, block.slice(head.bytes..)));
        }
        let Some(piece) = pieces.next() else { return Ok(None) };
        received.extend_from_slice(piece);
    };
    let (framing, stays_open, block) = &mut received;
    let mut body = framing.take(block)?.to_vec();
    for piece in pieces {
        let mut both = BytesMut::from(&block[..]);
        both.extend_from_slice(piece);
        *block = both.freeze();
        body.extend_from_slice(&framing.take(block)?);
    }
    let (status, headers) = (head.status(), head.headers().clone());
    Ok(Some(Read {
        status,
        headers,
        stays_open: *stays_open,
        body,
        is_over: framing.is_over(),
        rest: block.to_vec(),
    }))
}

/// A whole body in chunks and what is behind it, read line by line.
fn plain_chunks(mut rest: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut body = Vec::new();
    // Longer ones are refused, wherever they stand.
    let mut aside = 16 * 1024_usize;
    loop {
        let line = line(&mut rest)?;
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let (size, extension) = line.split_at(digits);
        let blanks = extension.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let extension = &extension[blanks..];
        if let Some((semicolon, extension)) = extension.split_first() {
            aside = aside.checked_sub(extension.len())?;
            (*semicolon == b';').then_some(())?;
        }
        let significant = size.iter().skip_while(|digit| **digit == b'0').count();
        (!size.is_empty() && significant <= 16).then_some(())?;
        let size = size
            .iter()
            .fold(0_u64, |size, digit| size * 16 + u64::from(char::from(*digit).to_digit(16).unwrap_or(0)));
        if size == 0 {
            break;
        }
        let (data, behind) = rest.split_at_checked(usize::try_from(size).ok()?)?;
        body.extend_from_slice(data);
        rest = behind.strip_prefix(b"\r\n")?;
    }
    loop {
        let line = line(&mut rest)?;
        aside = aside.checked_sub(line.len())?;
        if line.is_empty() {
            return Some((body, rest.to_vec()));
        }
    }
}

/// The next line, which ends in both CR and LF and has neither.
fn line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n'))?;
    let (line, behind) = rest.split_at(end);
    *rest = behind.strip_prefix(b"\r\n")?;
    Some(line)
}
