//! Responses from anywhere, read by our client and by hyper's: both come to the same but for the listed differences.

use http::Method;

use super::differences::{both, compare};
use super::exchange::Script;
use super::pieces::pieces;

const METHODS: [Method; 4] = [Method::POST, Method::GET, Method::HEAD, Method::DELETE];
/// The bit of the first byte that has the peer close the connection.
const CLOSES: u8 = 4;

/// A response from outside: the first byte says to which request and whether the connection is closed behind it, the second
/// how it is cut.
pub(crate) fn foreign(data: &[u8]) {
    let [kind, cut, response @ ..] = data else { return };
    let method = METHODS[usize::from(*kind) % METHODS.len()].clone();
    let script = Script::new(method, pieces(response, *cut), kind & CLOSES != 0);
    let (own, theirs) = both(&script);
    assert!(compare(&own, &theirs, &script).is_some(), "{script:?}\nours   {own:?}\nhyper's {theirs:?}");
}
