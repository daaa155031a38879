//! Exchanges as data: what a peer says in pieces, and what ours and hyper's client make of it.

#[path = "fuzz/differences.rs"]
mod differences;
#[path = "fuzz/exchange.rs"]
mod exchange;

#[path = "cases/bounds.rs"]
mod bounds;
#[path = "cases/framing.rs"]
mod framing;
#[path = "cases/keeping.rs"]
mod keeping;
#[path = "cases/smuggling.rs"]
mod smuggling;

use differences::{Difference, both, compare};
use exchange::{End, Fault, Outcome, Script};
use http::Method;
use strongroom_http1::ProtocolError;

/// One case: the peer's bytes are played in these pieces, in one, and byte by byte.
struct Case {
    name: &'static str,
    method: Method,
    peer: &'static [&'static str],
    /// Set when the peer closes the connection behind them.
    closes: bool,
    ours: Expected,
    /// The deliberate differences between ours and hyper's.
    differs: &'static [Difference],
}

/// The expected outcome of ours; hyper's is the same but for the differences.
#[derive(Debug, PartialEq)]
enum Expected {
    /// Status, body, and whether the connection is kept.
    Whole(u16, &'static str, bool),
    /// Status, and the fault.
    Broken(u16, Fault),
    /// Status, and the body so far.
    Unfinished(u16, &'static str),
    Refused(Fault),
}

/// A case of a response to a POST over a connection that stays open.
const fn case(name: &'static str, peer: &'static [&'static str], ours: Expected) -> Case {
    Case { name, method: Method::POST, peer, closes: false, ours, differs: &[] }
}

const fn refused(error: ProtocolError) -> Expected {
    Expected::Refused(Fault::Protocol(error))
}

const fn broken(error: ProtocolError) -> Expected {
    Expected::Broken(200, Fault::Protocol(error))
}

fn check(cases: &[Case]) {
    for case in cases {
        let Case { name, method, peer, closes, ours, differs } = case;
        let whole = peer.concat();
        let cuts: [Vec<&[u8]>; 3] = [
            peer.iter().map(|piece| piece.as_bytes()).collect(),
            vec![whole.as_bytes()],
            whole.as_bytes().chunks(1).collect(),
        ];
        for pieces in cuts {
            let count = pieces.len();
            let script = Script::new(method.clone(), pieces, *closes);
            let (own, theirs) = both(&script);
            let shown = format!("{name}, in {count} pieces: {own:?}, hyper's {theirs:?}");
            match (&own, ours) {
                (Outcome::Answered(own), Expected::Whole(status, body, is_kept)) => {
                    assert_eq!(own.end, End::Whole, "{shown}");
                    let read = (own.status.as_u16(), &own.body[..], own.is_kept);
                    assert_eq!(read, (*status, body.as_bytes(), *is_kept), "{shown}");
                }
                (Outcome::Answered(own), Expected::Broken(status, fault)) => {
                    assert_eq!(
                        (own.status.as_u16(), &own.end),
                        (*status, &End::Broken(fault.clone())),
                        "{shown}"
                    );
                    assert!(!own.is_kept, "{shown}");
                }
                (Outcome::Answered(own), Expected::Unfinished(status, body)) => {
                    assert_eq!(own.end, End::Waiting, "{shown}");
                    assert_eq!((own.status.as_u16(), &own.body[..]), (*status, body.as_bytes()), "{shown}");
                    assert!(!own.is_kept, "{shown}");
                }
                (Outcome::Refused(fault), Expected::Refused(expected)) => {
                    assert_eq!(fault, expected, "{shown}")
                }
                _ => panic!("{shown}"),
            }
            let mut found =
                compare(&own, &theirs, &script).unwrap_or_else(|| panic!("not deliberate: {shown}"));
            // These two hang on how the bytes are cut.
            found.retain(|one| {
                differs.contains(one)
                    || !matches!(one, Difference::DataBeforeBreak | Difference::HeadRefusedEarly)
            });
            assert_eq!(found, *differs, "{shown}");
        }
    }
}
