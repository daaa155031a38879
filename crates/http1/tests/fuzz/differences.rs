//! The deliberate differences between our client and hyper's, and how they show.

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{Method, Version};
use strongroom_http1::{Implementation, ProtocolError, read_response_head};

use super::exchange::{Answered, End, Fault, Outcome, Script, exchange};

/// The deliberate differences. In all of them ours reads less into what is ambiguous, or reads less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Difference {
    /// Chunks beside a `Content-Length`: both read the chunks (RFC 9112, section 6.3). Ours drops the length, and closes the
    /// connection, for somebody in between may have gone by it; hyper passes the length on and keeps the connection.
    LengthBesideChunks,
    /// One length in several places: both read it. Ours leaves it once, hyper as it came.
    LengthRepeated,
    /// A `Transfer-Encoding` in HTTP/1.0 is faulty framing (RFC 9112, section 6.1). Ours reads the body and closes the
    /// connection, as that section has it; hyper refuses the response.
    CodingInHttp10,
    /// A length within 2 of 2^64: hyper has other uses for these numbers and refuses the response.
    LengthTooLong,
    /// Trailers: ours drops them unread but for their line ends, and bounds their bytes alone. hyper refuses names and values
    /// that are none, and more lines than a head may have.
    TrailersUnread,
    /// A line of trailers that ends in a bare LF: ours breaks the body off, hyper takes it for a line.
    TrailersWithBareLf,
    /// A head that is none, and not at its end: ours refuses it with the piece that shows it, hyper, once a part of a head
    /// has come, looks again at its end.
    HeadRefusedEarly,
    /// Data before a broken chunk, in one piece with it: ours drops it, hyper hands it out before the error.
    DataBeforeBreak,
}

/// The outcomes of ours and of hyper's.
pub(crate) fn both(script: &Script<'_>) -> (Outcome, Outcome) {
    (exchange(Implementation::Own, script), exchange(Implementation::Hyper, script))
}

/// The differences between two outcomes; `None` when there is one that is not deliberate.
pub(crate) fn compare(own: &Outcome, theirs: &Outcome, script: &Script<'_>) -> Option<Vec<Difference>> {
    let mut found = Vec::new();
    let (own, theirs) = match (own, theirs) {
        (Outcome::Waiting, Outcome::Waiting) => return Some(found),
        (Outcome::Refused(own), Outcome::Refused(theirs)) => {
            return ((*own == Fault::Silent) == (*theirs == Fault::Silent)).then_some(found);
        }
        (Outcome::Answered(own), Outcome::Refused(_)) => return refused_by_hyper(own).map(|one| vec![one]),
        (Outcome::Answered(own), Outcome::Answered(theirs)) => (own, theirs),
        (Outcome::Refused(own), Outcome::Waiting) => {
            let is_it = *own == Fault::Protocol(ProtocolError::Head) && script.pieces.len() > 1;
            return is_it.then(|| vec![Difference::HeadRefusedEarly]);
        }
        _ => return None,
    };
    let mut theirs = theirs.clone();
    let has_body = script.method != Method::HEAD && !matches!(own.status.as_u16(), 204 | 304);
    if has_body && theirs.headers.contains_key(TRANSFER_ENCODING) {
        if theirs.headers.remove(CONTENT_LENGTH).is_some() {
            found.push(Difference::LengthBesideChunks);
            theirs.is_kept = false;
        }
    } else if has_body && own.headers.get_all(CONTENT_LENGTH) != theirs.headers.get_all(CONTENT_LENGTH) {
        found.push(Difference::LengthRepeated);
        if let Some(length) = own.headers.get(CONTENT_LENGTH) {
            let read =
                |value: &http::HeaderValue| value.to_str().ok().and_then(|text| text.parse::<u64>().ok());
            let all = theirs.headers.get_all(CONTENT_LENGTH).iter().filter_map(|value| value.to_str().ok());
            let all: Vec<_> =
                all.flat_map(|text| text.split(',')).map(|one| one.trim().parse().ok()).collect();
            if all.len() < 2 || all.iter().any(|one| *one != read(length)) {
                return None;
            }
            theirs.headers.insert(CONTENT_LENGTH, length.clone());
        }
    }
    match (&own.end, &theirs.end) {
        (End::Broken(_), End::Broken(_)) if own.body != theirs.body && theirs.body.starts_with(&own.body) => {
            found.push(Difference::DataBeforeBreak);
            theirs.body.clone_from(&own.body);
        }
        (End::Whole | End::Waiting, End::Broken(_))
            if trailers(script).is_some_and(|lines| !lines.starts_with(b"\r\n")) =>
        {
            found.push(Difference::TrailersUnread);
            theirs.is_kept = own.is_kept;
        }
        (End::Broken(Fault::Protocol(ProtocolError::Chunk)), End::Whole | End::Waiting)
            if trailers(script).is_some_and(|lines| has_bare_lf(&lines)) =>
        {
            found.push(Difference::TrailersWithBareLf);
            // Ours drops the data with the break.
            theirs.body.starts_with(&own.body).then(|| theirs.body.clone_from(&own.body))?;
            theirs.is_kept = false;
        }
        _ => {}
    }
    let is_same_end = std::mem::discriminant(&own.end) == std::mem::discriminant(&theirs.end)
        || found.contains(&Difference::TrailersUnread)
        || found.contains(&Difference::TrailersWithBareLf);
    theirs.end = own.end.clone();
    (is_same_end && *own == theirs).then_some(found)
}

fn refused_by_hyper(own: &Answered) -> Option<Difference> {
    let length = own.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if own.version == Version::HTTP_10 && own.headers.contains_key(TRANSFER_ENCODING) && !own.is_kept {
        return Some(Difference::CodingInHttp10);
    }
    let is_too_long =
        length.and_then(|text| text.parse::<u64>().ok()).is_some_and(|bytes| bytes >= u64::MAX - 1);
    is_too_long.then_some(Difference::LengthTooLong)
}

/// Bytes behind the last chunk, in a plain reading of well-formed chunks.
fn trailers(script: &Script<'_>) -> Option<Vec<u8>> {
    let response = bytes::Bytes::from(script.pieces.concat());
    let head = read_response_head(&response, &script.method).ok().flatten()?;
    let mut rest = &response[head.bytes..];
    loop {
        let end = rest.windows(2).position(|pair| pair == b"\r\n")?;
        let digits = rest[..end].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..digits]).ok()?, 16).ok()?;
        rest = &rest[end + 2..];
        if size == 0 {
            return Some(rest.to_vec());
        }
        rest = rest.get(size.checked_add(2)?..)?;
    }
}

fn has_bare_lf(lines: &[u8]) -> bool {
    (0..lines.len()).any(|at| lines[at] == b'\n' && (at == 0 || lines[at - 1] != b'\r'))
}
