//! Takes the chunk with the usage out of a stream whose client did not ask for it.
//!
//! An event is passed on when it is complete: no reader of an event stream could do anything with less.

use bytes::{Buf, Bytes, BytesMut};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// An event that is longer is passed on unseen, in bytes.
const MOST: usize = 64 * 1024;

/// The state of a stream that is half read.
#[derive(Debug, Default)]
pub struct UsageFilter {
    held: BytesMut,
    /// In the middle of an event that is passed on as it comes.
    passes: bool,
}

#[derive(Deserialize)]
struct Chunk {
    choices: Vec<IgnoredAny>,
    usage: Option<IgnoredAny>,
}

impl UsageFilter {
    /// What is to be passed on of the next bytes; may be nothing.
    pub fn feed(&mut self, bytes: Bytes) -> Bytes {
        // The ordinary case, without a copy: whole events, none of them with usage figures.
        if self.held.is_empty() && !self.passes && bytes.ends_with(b"\n\n") && !may_tell_usage(&bytes) {
            return bytes;
        }
        self.held.extend_from_slice(&bytes);
        let mut passed = BytesMut::new();
        while let Some(end) = end_of_event(&self.held, !self.passes) {
            let event = self.held.split_to(end);
            if self.passes || !is_usage(&event) {
                passed.extend_from_slice(&event);
            }
            self.passes = false;
        }
        if self.passes || self.held.len() > MOST {
            self.passes = true;
            // The last bytes may be part of the event's end.
            let sure = self.held.len().saturating_sub(3);
            passed.extend_from_slice(&self.held[..sure]);
            self.held.advance(sure);
        }
        passed.freeze()
    }

    /// What is left when the stream is over.
    pub fn finish(&mut self) -> Bytes {
        std::mem::take(&mut self.held).freeze()
    }
}

/// Whether a value other than `null` may follow a key `usage`.
fn may_tell_usage(bytes: &[u8]) -> bool {
    const KEY: &[u8] = b"\"usage\"";
    memchr::memmem::find_iter(bytes, KEY).any(|at| {
        let behind = bytes[at + KEY.len()..].trim_ascii_start();
        behind.strip_prefix(b":").is_some_and(|value| !value.trim_ascii_start().starts_with(b"null"))
    })
}

/// The length of the first event, with the blank line that ends it. Blank lines before an event are none of it: each passes
/// by itself.
fn end_of_event(bytes: &[u8], is_at_start: bool) -> Option<usize> {
    if is_at_start {
        match bytes {
            [b'\n', ..] => return Some(1),
            [b'\r', b'\n', ..] => return Some(2),
            _ => {}
        }
    }
    memchr::memchr_iter(b'\n', bytes).find_map(|at| match bytes.get(at + 1..)? {
        [b'\n', ..] => Some(at + 2),
        [b'\r', b'\n', ..] => Some(at + 3),
        _ => None,
    })
}

fn is_usage(event: &[u8]) -> bool {
    let Some(data) = event.strip_prefix(b"data:") else { return false };
    serde_json::from_slice::<Chunk>(data.trim_ascii())
        .is_ok_and(|chunk| chunk.choices.is_empty() && chunk.usage.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(text: &str, piece: usize) -> String {
        let mut filter = UsageFilter::default();
        let mut passed = Vec::new();
        for piece in text.as_bytes().chunks(piece) {
            passed.extend_from_slice(&filter.feed(Bytes::copy_from_slice(piece)));
        }
        passed.extend_from_slice(&filter.finish());
        String::from_utf8(passed).unwrap()
    }

    #[test]
    fn the_chunk_with_the_usage_goes_and_every_other_byte_stays() {
        let before = "data: {\"choices\":[{\"delta\":{\"content\":\"\\\"usage\\\":{\"}}],\"usage\":null}\n\n: comment\n\n";
        let usage = "data: {\"id\":\"1\",\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\n";
        let odd = "data: {\"choices\":[{}],\"usage\":{\"prompt_tokens\":1}}\r\n\r\n";
        let after = "data: [DONE]\n\n";
        let text = format!("{before}{usage}{odd}{after}unfinished");
        for piece in [1, 2, 3, 10, 50, 10_000] {
            assert_eq!(passed(&text, piece), format!("{before}{odd}{after}unfinished"), "{piece}");
        }
    }

    #[test]
    fn the_usage_goes_however_it_is_spaced_and_cut() {
        for usage in ["\"usage\":{}", "\"usage\": {}", "\"usage\" :\t{}", "\"usage\":[1]"] {
            let text = format!("data: {{\"choices\":[],{usage}}}\n\n");
            for piece in [1, 7, 10_000] {
                assert_eq!(passed(&text, piece), "", "{usage} in pieces of {piece}");
            }
        }
    }

    #[test]
    fn blank_lines_before_the_usage_stay_and_it_goes() {
        let usage = "data: {\"choices\":[],\"usage\":{}}\n\n";
        for blank in ["\n", "\n\n\n", "\r\n", "\r\n\n"] {
            let text = format!("data: a\n\n{blank}{usage}data: b\n\n");
            for piece in [1, 2, 3, 10, 12, 10_000] {
                assert_eq!(passed(&text, piece), format!("data: a\n\n{blank}data: b\n\n"), "{piece}");
            }
        }
    }

    #[test]
    fn a_complete_event_is_not_held_back() {
        let mut filter = UsageFilter::default();
        let event = Bytes::from_static(b"data: {\"choices\":[{}]}\n\n");
        assert_eq!(filter.feed(event.clone()), event);
        assert_eq!(filter.feed(event.slice(..5)), Bytes::new());
        assert_eq!(filter.feed(event.slice(5..)), event);
    }

    #[test]
    fn a_long_event_passes_in_bounded_memory() {
        let long = format!("data: {}\n\ndata: {{\"choices\":[],\"usage\":{{}}}}\n\n", "x".repeat(5 * MOST));
        let mut filter = UsageFilter::default();
        let mut total = 0;
        for piece in long.as_bytes().chunks(1000) {
            total += filter.feed(Bytes::copy_from_slice(piece)).len();
            assert!(filter.held.len() <= MOST + 1000);
        }
        assert_eq!(total, 5 * MOST + "data: \n\n".len());
    }
}
