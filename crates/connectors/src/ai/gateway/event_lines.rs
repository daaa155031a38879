//! The lines of an event stream (<https://html.spec.whatwg.org/multipage/server-sent-events.html>, section 9.2.6), as they
//! pass: each may end with CR, LF or both, a byte order mark may stand before the first, and an event ends with a blank one.

/// May stand before the first line.
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
const DATA: &[u8] = b"data";

/// Next piece of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'b> {
    /// Part of the value of a `data` field. The space that may stand before it is in it: JSON does not mind.
    Data(&'b [u8]),
    /// A line with data is over: what other such lines of the event say is behind a line feed.
    DataOver,
    /// The event is over.
    EventOver,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// The first of the stream, with so many bytes of a byte order mark before it.
    First(usize),
    /// Within the field's name, with so many of its bytes read.
    Name(usize),
    Data,
    Other,
}

/// The state of a stream that is half read.
#[derive(Debug)]
pub(super) struct EventLines {
    line: Line,
    /// A line feed that follows belongs to the end of the line before.
    is_after_cr: bool,
}

impl Default for EventLines {
    fn default() -> Self {
        Self { line: Line::First(0), is_after_cr: false }
    }
}

impl EventLines {
    /// Returns a reader of a text that is not the beginning of a stream.
    pub(super) fn behind_the_mark() -> Self {
        Self { line: Line::Name(0), is_after_cr: false }
    }

    /// Takes the next piece off the front of some bytes; `None` when there is none in them.
    pub(super) fn next<'b>(&mut self, bytes: &mut &'b [u8]) -> Option<Piece<'b>> {
        while let Some(first) = bytes.first() {
            if std::mem::take(&mut self.is_after_cr) && *first == b'\n' {
                *bytes = &bytes[1..];
                continue;
            }
            if matches!(first, b'\n' | b'\r') {
                self.is_after_cr = *first == b'\r';
                *bytes = &bytes[1..];
                match std::mem::replace(&mut self.line, Line::Name(0)) {
                    Line::First(0) | Line::Name(0) => return Some(Piece::EventOver),
                    Line::Data => return Some(Piece::DataOver),
                    Line::First(_) | Line::Name(_) | Line::Other => continue,
                }
            }
            match self.line {
                Line::First(read) if *first == BYTE_ORDER_MARK[read] => {
                    let is_whole = read + 1 == BYTE_ORDER_MARK.len();
                    self.line = if is_whole { Line::Name(0) } else { Line::First(read + 1) };
                }
                Line::First(0) => {
                    self.line = Line::Name(0);
                    continue;
                }
                Line::Name(read) if DATA.get(read) == Some(first) => self.line = Line::Name(read + 1),
                Line::Name(read) if read == DATA.len() && *first == b':' => self.line = Line::Data,
                Line::First(_) | Line::Name(_) => self.line = Line::Other,
                Line::Data | Line::Other => {
                    let end = memchr::memchr2(b'\n', b'\r', bytes).unwrap_or(bytes.len());
                    let (inside, behind) = bytes.split_at(end);
                    *bytes = behind;
                    if self.line == Line::Data {
                        return Some(Piece::Data(inside));
                    }
                    continue;
                }
            }
            *bytes = &bytes[1..];
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The data of all events, as a reader sees them.
    fn events(text: &[u8], piece: usize) -> Vec<String> {
        let (mut lines, mut events, mut data) = (EventLines::default(), Vec::new(), Vec::new());
        for mut piece in text.chunks(piece) {
            while let Some(piece) = lines.next(&mut piece) {
                match piece {
                    Piece::Data(inside) => data.extend_from_slice(inside),
                    Piece::DataOver => data.push(b'\n'),
                    Piece::EventOver => events.push(String::from_utf8(std::mem::take(&mut data)).unwrap()),
                }
            }
        }
        events
    }

    #[test]
    fn lines_end_in_any_way_and_an_event_is_all_its_data() {
        for end in ["\n", "\r", "\r\n"] {
            for mark in ["", "\u{feff}"] {
                let lines = [
                    "data:a",
                    ": comment",
                    "data: b",
                    "event: x",
                    "database: c",
                    "dat: d",
                    "data",
                    "",
                    "data:e",
                    "",
                    "",
                ];
                let text = format!("{mark}{}", lines.map(|line| format!("{line}{end}")).concat());
                for piece in [1, 2, 3, 1000] {
                    assert_eq!(events(text.as_bytes(), piece), ["a\n b\n", "e\n", ""], "{text:?} by {piece}");
                }
            }
        }
    }

    #[test]
    fn a_byte_order_mark_elsewhere_is_part_of_a_name() {
        assert_eq!(events("\n\u{feff}data: a\n\n".as_bytes(), 1), ["", ""]);
        assert_eq!(events("\u{feff}\u{feff}data: a\n\n".as_bytes(), 1), [""]);
        assert_eq!(events(b"\xef\xbbdata: a\n\n", 1), [""]);
    }
}
