//! Keys in which characters are escaped, or that have signs within which nobody sees: `sk%2Dproj…`, `sk\u002dproj…`, `sk&#45;…`.

use std::ops::Range;

use strongroom_model::Secret;

use super::{MAX_KEY_BYTES, find};
use crate::escaped_text::{Lines, View};

/// Times that escapes are taken off.
const MAX_LAYERS: usize = 3;

/// Bytes that are looked at together, and those that a piece has of the next one: a key, each byte of it in several escapes.
const PIECE_BYTES: usize = 64 * 1024;
const OVERLAP_BYTES: usize = 12 * MAX_KEY_BYTES;

/// A key that does not stand in the text as it is.
#[derive(Debug)]
pub struct EscapedHit {
    /// Whose key it is: a provider's name, or `strongroom`.
    pub kind: &'static str,
    /// The key itself.
    pub key: Secret,
    /// Where it stands in the text, in bytes.
    pub range: Range<usize>,
}

/// Every key with escapes in it, in their order.
#[must_use]
pub fn find_escaped(text: &[u8]) -> Vec<EscapedHit> {
    let mut found: Vec<EscapedHit> = Vec::new();
    let mut start = 0;
    while start < text.len() {
        let end = text.len().min(start + PIECE_BYTES + OVERLAP_BYTES);
        look(&text[start..end], start, &mut found);
        start += PIECE_BYTES;
    }
    found.sort_by_key(|hit| hit.range.start);
    found.dedup_by(|hit, before| hit.range.start < before.range.end);
    found
}

fn look(piece: &[u8], start: usize, found: &mut Vec<EscapedHit>) {
    let mut layer = View::plain(piece);
    for _ in 0..MAX_LAYERS {
        let Some(next) = layer.without_escapes(Lines::Kept) else { break };
        layer = next;
        for hit in find(&layer.seen) {
            let range = layer.range(hit.at..hit.at + hit.text.len());
            // One that stands there as it is is found without this.
            if range.len() > hit.text.len() && !piece[range.clone()].starts_with(hit.text.as_bytes()) {
                let range = range.start + start..range.end + start;
                found.push(EscapedHit { kind: hit.kind, key: Secret::from(hit.text), range });
            }
        }
    }
}
