//! The bounds that the crate states, from either side.

use super::exchange::exchange;
use super::*;
use strongroom_http1::{Implementation, MAX_CHUNK_OVERHEAD_BYTES, MAX_HEAD_BYTES, MAX_HEADERS};

const LENGTH: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

/// The outcome of ours, which is hyper's as well unless it has another bound.
fn outcome(peer: &str, is_hypers: bool) -> Outcome {
    let script = Script::new(Method::POST, peer.as_bytes().chunks(1000).collect(), false);
    let own = exchange(Implementation::Own, &script);
    if is_hypers {
        let theirs = exchange(Implementation::Hyper, &script);
        assert!(compare(&own, &theirs, &script).is_some(), "{own:?}, hyper's {theirs:?}");
    }
    own
}

fn is_whole(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Answered(own) if own.end == End::Whole && own.is_kept)
}

#[test]
fn a_head_has_so_many_lines_and_bytes() {
    let lines = |count: usize| format!("{LENGTH}{}\r\n", "a: b\r\n".repeat(count - 1));
    let too_long = Outcome::Refused(Fault::Protocol(ProtocolError::HeadTooLong));
    assert!(is_whole(&outcome(&lines(MAX_HEADERS), true)));
    assert_eq!(outcome(&lines(MAX_HEADERS + 1), true), too_long);

    let rest = LENGTH.len() + "x: \r\n\r\n".len();
    let bytes = |count: usize| format!("{LENGTH}x: {}\r\n\r\n", "y".repeat(count - rest));
    // hyper bounds its buffer, which may hold bytes behind the head as well.
    assert!(is_whole(&outcome(&bytes(MAX_HEAD_BYTES), false)));
    assert_eq!(outcome(&bytes(MAX_HEAD_BYTES + 1), false), too_long);

    // Interim responses count, of which hyper lets any number pass.
    let interim = "HTTP/1.1 100 Continue\r\n\r\n";
    let fits = (MAX_HEAD_BYTES - LENGTH.len() - 2) / interim.len();
    assert!(is_whole(&outcome(&format!("{}{LENGTH}\r\n", interim.repeat(fits)), false)));
    assert_eq!(outcome(&format!("{}{LENGTH}\r\n", interim.repeat(fits + 1)), false), too_long);
}

#[test]
fn extensions_and_trailers_have_so_many_bytes_together() {
    let body = |extension: usize, trailer: usize| {
        let (extension, trailer) = ("e".repeat(extension), "t".repeat(trailer));
        format!("{CHUNKED}2;{extension}\r\nhi\r\n0\r\nt: {trailer}\r\n\r\n")
    };
    let half = MAX_CHUNK_OVERHEAD_BYTES / 2;
    assert!(is_whole(&outcome(&body(half, half - "t: ".len()), true)));
    // hyper has a bound of 16 KiB for each.
    let Outcome::Answered(own) = outcome(&body(half, half), false) else { panic!("no head") };
    assert_eq!((&own.body[..], own.end), (&b"hi"[..], End::Broken(Fault::Protocol(ProtocolError::Chunk))));
}
