//! Signs of use in an answer that says no.

use serde::de::DeserializeSeed;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::largest::{Parsed, Seen};

mod names;
mod plain;

use names::{is_generated, is_quoted, tells_use};

/// Texts within a text that are looked into; what lies deeper is not read, and may say anything.
const MOST_NESTED: usize = 8;
/// Bytes that are read as JSON, from wherever it may begin: what is beyond is not read either.
const MOST_READ: usize = 4 * 1024 * 1024;

/// Tells whether an answer that says no tells of some use, in whatever words: what it was is then not known.
pub(super) fn tells_of_use(body: &[u8]) -> bool {
    let lines = body.split(|byte| matches!(byte, b'\n' | b'\r'));
    // The data of an event may stand on several lines.
    let data: Vec<u8> = lines.filter_map(data_of).collect::<Vec<_>>().join(&b'\n');
    let mut search = Search { left: MOST_READ };
    [body, &data[..]].into_iter().any(|text| search.finds_use(text, Words::Own, 0))
        || plain::tells_of_use(body)
}

/// The data of a line of an event.
fn data_of(line: &[u8]) -> Option<&[u8]> {
    line.trim_ascii_start().strip_prefix(b"data:")
}

/// Whose words a text is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Words {
    /// The answer's own: what was generated may stand there.
    Own,
    /// A sentence's, which may repeat what the caller wrote: only figures count.
    Sentence,
}

/// A search for use in JSON, wherever that begins in a text.
struct Search {
    /// Bytes that may still be read.
    left: usize,
}

/// A value in which of a name that stands in an object twice both count.
struct Anything(Value);

impl<'de> Deserialize<'de> for Anything {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Parsed(&mut Seen::default()).deserialize(from).map(Self)
    }
}

impl Search {
    fn finds_use(&mut self, text: &[u8], words: Words, nested: usize) -> bool {
        if nested > MOST_NESTED {
            return true;
        }
        // A body may be JSON within a text of JSON.
        let mut is_start = true;
        let mut rest = text.trim_ascii_start();
        loop {
            let begins = |byte: &u8| matches!(byte, b'{' | b'[') || (is_start && *byte == b'"');
            let place = if is_start && rest.first().is_some_and(begins) {
                0
            } else {
                let Some(place) = memchr::memchr2(b'{', b'[', rest) else { return false };
                place
            };
            is_start = false;
            rest = &rest[place..];
            let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<Anything>();
            let (length, cost) = match values.next() {
                Some(Ok(Anything(value))) => {
                    if self.says_use(&value, words, nested) {
                        return true;
                    }
                    (values.byte_offset(), values.byte_offset())
                }
                Some(Err(error)) => (1, place_of(rest, &error)),
                None => return false,
            };
            let Some(left) = self.left.checked_sub(cost.max(1)) else { return true };
            self.left = left;
            rest = rest.get(length.max(1)..).unwrap_or_default();
        }
    }

    fn says_use(&mut self, value: &Value, words: Words, nested: usize) -> bool {
        match value {
            Value::Object(entries) => entries.iter().any(|(name, value)| {
                if is_quoted(name) {
                    false
                } else if tells_use(name) {
                    is_something(value) || (name == "usage" && *value == Value::Bool(true))
                } else if words == Words::Own && is_generated(name) {
                    !value.is_boolean() && is_something(value)
                } else {
                    self.says_use(value, words, nested)
                }
            }),
            Value::Array(values) => values.iter().any(|it| self.says_use(it, words, nested)),
            Value::String(text) if memchr::memchr2(b'{', b'[', text.as_bytes()).is_some() => {
                // JSON of another provider, or a sentence with JSON in it.
                let is_json = text.trim_start().starts_with(['{', '[', '"']);
                let words = if is_json { words } else { Words::Sentence };
                self.finds_use(text.as_bytes(), words, nested + 1)
            }
            _ => false,
        }
    }
}

/// The place up to which a text was read that is no JSON.
fn place_of(text: &[u8], error: &serde_json::Error) -> usize {
    let start = error.line().checked_sub(2).and_then(|line| memchr::memchr_iter(b'\n', text).nth(line));
    start.map_or(0, |end| end + 1) + error.column()
}

/// Tells whether a value is anything but zeros.
fn is_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) => false,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty() && text.parse::<f64>().ok() != Some(0.0),
        Value::Array(values) => values.iter().any(is_something),
        Value::Object(entries) => entries.values().any(is_something),
    }
}

#[cfg(test)]
mod tests;
