//! Takes the chunk with the usage out of a stream whose client did not ask for it.
//!
//! An event is passed on when it is complete: no reader of an event stream could do anything with less.

use std::borrow::Cow;
use std::fmt;

use bytes::{Buf, Bytes, BytesMut};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use super::event_lines::{BYTE_ORDER_MARK, EventLines, Piece};

/// An event that is longer is passed on unseen, in bytes.
const MOST: usize = 64 * 1024;

/// The state of a stream that is half read.
#[derive(Debug, Default)]
pub struct UsageFilter {
    held: BytesMut,
    /// `true` when anything of the stream was seen: a byte order mark stands before it.
    has_begun: bool,
    /// Number of held bytes that were looked at.
    scanned: usize,
    /// `true` when the line has begun that was looked at last.
    is_in_line: bool,
    /// A line feed that follows belongs to the line before.
    is_after_cr: bool,
    /// In the middle of an event that is passed on as it comes.
    passes: bool,
    /// `true` when the event before was taken out.
    has_taken: bool,
}

impl UsageFilter {
    /// Takes the next bytes and returns those to pass on, which may be none.
    pub fn feed(&mut self, bytes: Bytes) -> Bytes {
        // The ordinary case, without a copy: whole events, none of them with usage figures.
        let is_between = self.held.is_empty() && !self.passes && !self.is_after_cr;
        let is_whole = bytes.ends_with(b"\n\n") || bytes.ends_with(b"\r\n\r\n");
        if is_between && is_whole && !may_tell_usage(&bytes) {
            self.has_begun = true;
            return bytes;
        }
        self.held.extend_from_slice(&bytes);
        let mut passed = BytesMut::new();
        if !self.has_begun && !self.begin(&mut passed) {
            return Bytes::new();
        }
        while let Some(end) = self.end_of_event(&mut passed) {
            let event = self.held.split_to(end);
            self.scanned = 0;
            self.has_taken = !self.passes && is_usage(&event);
            if !self.has_taken {
                passed.extend_from_slice(&event);
            }
            self.passes = false;
        }
        if self.passes || self.held.len() > MOST {
            self.passes = true;
            self.has_taken = false;
            passed.extend_from_slice(&self.held);
            self.held.clear();
            self.scanned = 0;
        }
        passed.freeze()
    }

    /// Returns the bytes that are left when the stream is over.
    pub fn finish(&mut self) -> Bytes {
        let rest = std::mem::take(&mut self.held).freeze();
        if !self.passes && is_usage(&rest) { Bytes::new() } else { rest }
    }

    /// Passes on what may stand before the first line. `false`: it is not known yet what that is.
    fn begin(&mut self, passed: &mut BytesMut) -> bool {
        if self.held.starts_with(BYTE_ORDER_MARK) {
            passed.extend_from_slice(BYTE_ORDER_MARK);
            self.held.advance(BYTE_ORDER_MARK.len());
        } else if BYTE_ORDER_MARK.starts_with(&self.held) {
            return false;
        }
        self.has_begun = true;
        true
    }

    /// The length of the first event, with the blank line that ends it. Blank lines before an event are none of it: each
    /// passes by itself.
    fn end_of_event(&mut self, passed: &mut BytesMut) -> Option<usize> {
        loop {
            if self.is_after_cr {
                let next = *self.held.get(self.scanned)?;
                self.is_after_cr = false;
                if next == b'\n' && self.scanned > 0 {
                    self.scanned += 1;
                } else if next == b'\n' {
                    // It goes where the line went that it ends.
                    let end = self.held.split_to(1);
                    if !self.has_taken {
                        passed.extend_from_slice(&end);
                    }
                }
            }
            let Some(length) = memchr::memchr2(b'\n', b'\r', &self.held[self.scanned..]) else {
                self.is_in_line |= self.scanned < self.held.len();
                self.scanned = self.held.len();
                return None;
            };
            let is_blank = length == 0 && !self.is_in_line;
            let at = self.scanned + length;
            self.is_in_line = false;
            self.is_after_cr = self.held[at] == b'\r';
            self.scanned = at + 1;
            if self.is_after_cr && self.held.get(self.scanned) == Some(&b'\n') {
                self.is_after_cr = false;
                self.scanned += 1;
            }
            if is_blank {
                return Some(self.scanned);
            }
        }
    }
}

/// Tells whether a value other than `null` may follow a key `usage`, however both are written.
fn may_tell_usage(bytes: &[u8]) -> bool {
    const KEY: &[u8] = b"\"usage\"";
    let is_told = |at: usize| {
        let behind = bytes[at + KEY.len()..].trim_ascii_start();
        let value = behind.strip_prefix(b":").map(<[u8]>::trim_ascii_start);
        !value.is_some_and(|value| value.starts_with(b"null"))
    };
    // One of its letters as an escape.
    let is_letter = |at: usize| {
        matches!(bytes.get(at + 4..at + 6), Some([b'6', b'1' | b'5' | b'7'] | [b'7', b'3' | b'5']))
    };
    memchr::memmem::find_iter(bytes, KEY).any(is_told)
        || memchr::memmem::find_iter(bytes, b"\\u00").any(is_letter)
}

/// Fields of a chunk that matter. A name may stand there twice: then all lists of answers are empty, and one usage is there.
#[derive(Default)]
struct Chunk {
    has_choices: bool,
    is_empty: bool,
    has_usage: bool,
}

impl<'de> Deserialize<'de> for Chunk {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Chunk;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a chunk of a chat")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Chunk, A::Error> {
                let mut chunk = Chunk { is_empty: true, ..Chunk::default() };
                while let Some(name) = members.next_key::<Cow<'_, str>>()? {
                    match &*name {
                        "choices" => {
                            let choices: Vec<IgnoredAny> = members.next_value()?;
                            chunk.has_choices = true;
                            chunk.is_empty &= choices.is_empty();
                        }
                        "usage" => chunk.has_usage |= members.next_value::<Option<IgnoredAny>>()?.is_some(),
                        _ => {
                            members.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(chunk)
            }
        }
        from.deserialize_map(Members)
    }
}

fn is_usage(event: &[u8]) -> bool {
    // What stands before the first line has been passed on: it is none of it, wherever it stands.
    let (mut lines, mut rest) = (EventLines::behind_the_mark(), event);
    let mut data: Cow<'_, [u8]> = Cow::Borrowed(&[]);
    while let Some(piece) = lines.next(&mut rest) {
        match piece {
            Piece::Data(more) if data.is_empty() => data = Cow::Borrowed(more),
            Piece::Data(more) => data.to_mut().extend_from_slice(more),
            Piece::DataOver if rest.is_empty() || data.is_empty() => {}
            Piece::DataOver => data.to_mut().push(b'\n'),
            Piece::EventOver => break,
        }
    }
    serde_json::from_slice::<Chunk>(&data)
        .is_ok_and(|chunk| chunk.has_choices && chunk.is_empty && chunk.has_usage)
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
    fn the_usage_goes_however_it_is_written_and_cut() {
        let escaped = r#"{"choices":[],"us\u0061ge":{}}"#;
        for usage in [
            r#"{"choices":[],"usage":{}}"#,
            r#"{"choices":[],"usage": {}}"#,
            "{\"choices\":[ ],\"usage\" :\t{}}",
            r#"{"choices":[],"usage":[1]}"#,
            r#"{"choices":[],"usage":{},"usage":null}"#,
            r#"{"choices":[],"usage":null,"usage":{}}"#,
            r#"{"choices":[],"choices":[],"usage":{}}"#,
            r#"{"\u0063hoices":[],"usage":{}}"#,
            escaped,
            "{\"choices\":[],\ndata: \"usage\":{}}",
            "{\"choices\":[],\"usage\"\ndata::{}}",
            "\nevent: x\ndata: {\"choices\":[]\n: aside\ndata:,\"usage\":{}}\nid: 1",
        ] {
            for end in ["\n", "\r", "\r\n"] {
                let mark = "\u{feff}";
                let event = format!("data: {usage}\n\n").replace('\n', end);
                for piece in [1, 2, 7, 10_000] {
                    assert_eq!(passed(&event, piece), "", "{usage} in pieces of {piece}");
                    assert_eq!(
                        passed(&format!("{mark}{event}"), piece),
                        mark,
                        "{usage} in pieces of {piece}"
                    );
                    let text = format!("data: a{end}{end}{event}data: b{end}{end}");
                    let rest = format!("data: a{end}{end}data: b{end}{end}");
                    assert_eq!(passed(&text, piece), rest, "{usage} in pieces of {piece}");
                }
            }
        }
    }

    #[test]
    fn what_has_answers_in_it_stays() {
        for chunk in [
            r#"{"choices":[{}],"usage":{}}"#,
            r#"{"choices":[{}],"choices":[],"usage":{}}"#,
            r#"{"choices":[],"usage":null}"#,
            r#"{"choices":[],"x_groq":{"usage":{}}}"#,
            r#"{"usage":{}}"#,
            r#"{"choices":null,"usage":{}}"#,
        ] {
            let text = format!("data: {chunk}\n\n");
            assert_eq!(passed(&text, 3), text);
        }
    }

    #[test]
    fn a_usage_that_is_cut_off_by_the_end_goes_too() {
        assert_eq!(passed("data: a\n\ndata: {\"choices\":[],\"usage\":{}}", 5), "data: a\n\n");
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
        for event in ["data: {\"choices\":[{}]}\n\n", "data: {}\r\n\r\n", "data: {}\r\r"] {
            let mut filter = UsageFilter::default();
            let event = Bytes::copy_from_slice(event.as_bytes());
            assert_eq!(filter.feed(event.clone()), event);
            assert_eq!(filter.feed(event.slice(..5)), Bytes::new());
            assert_eq!(filter.feed(event.slice(5..)), event);
        }
    }

    #[test]
    fn a_long_event_passes_in_bounded_memory() {
        for end in ["\n", "\r\n", "\r"] {
            let usage = format!("data: {{\"choices\":[],\"usage\":{{}}}}{end}{end}");
            let long = format!("data: {}{end}{end}{usage}", "x".repeat(5 * MOST));
            let mut filter = UsageFilter::default();
            let mut total = 0;
            for piece in long.as_bytes().chunks(1000) {
                total += filter.feed(Bytes::copy_from_slice(piece)).len();
                assert!(filter.held.len() <= MOST + 1000);
            }
            assert_eq!(total, 5 * MOST + "data: ".len() + 2 * end.len());
        }
    }
}
