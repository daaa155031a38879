//! Picks a few values out of a JSON text as it passes, piece by piece and in bounded memory.

/// The longest value that is kept, in bytes; usage figures have a few hundred.
const MOST: usize = 8 * 1024;
/// As long as most of them are, in bytes.
const USUAL: usize = 256;
/// Keys that matter are shorter.
const KEY: usize = 24;
/// Containers whose kind is remembered; what matters lies at most this deep.
const DEPTH: usize = 24;

/// Which value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// `usage`.
    Usage,
    /// `usage` in `response`, `message` or `x_groq`.
    InnerUsage,
    /// `usageMetadata`.
    UsageMetadata,
    /// `model` or `modelVersion`, here or in `response` or `message`.
    Model,
}

const SLOTS: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Usage,
    UsageMetadata,
    Model,
    /// `response`, `message` or `x_groq`.
    Envelope,
    /// What a model writes.
    Text,
    Other,
}

impl Key {
    fn of(text: &[u8]) -> Self {
        match text {
            b"usage" => Self::Usage,
            b"usageMetadata" => Self::UsageMetadata,
            b"model" | b"modelVersion" => Self::Model,
            b"response" | b"message" | b"x_groq" => Self::Envelope,
            b"content" | b"text" | b"thinking" | b"partial_json" | b"arguments" | b"delta" | b"reasoning"
            | b"reasoning_content" | b"refusal" => Self::Text,
            _ => Self::Other,
        }
    }
}

/// The state of a text that is half read.
#[derive(Debug)]
pub(super) struct JsonPicker {
    depth: usize,
    /// Whether the containers around are objects, the outermost first.
    is_object: [bool; DEPTH],
    /// 1 when the whole text is an array of what matters.
    base: usize,
    in_string: bool,
    is_escaped: bool,
    /// Whether the next string is a key.
    expects_key: bool,
    is_key: bool,
    key: [u8; KEY],
    key_length: usize,
    last_key: Key,
    outer_key: Key,
    counts_text: bool,
    capture: Option<(Slot, usize)>,
    buffer: Vec<u8>,
    picked: [Option<Vec<u8>>; SLOTS],
    text_bytes: u64,
}

impl Default for JsonPicker {
    fn default() -> Self {
        Self {
            depth: 0,
            is_object: [false; DEPTH],
            base: 0,
            in_string: false,
            is_escaped: false,
            expects_key: false,
            is_key: false,
            key: [0; KEY],
            key_length: 0,
            last_key: Key::Other,
            outer_key: Key::Other,
            counts_text: false,
            capture: None,
            buffer: Vec::new(),
            picked: [const { None }; SLOTS],
            text_bytes: 0,
        }
    }
}

impl JsonPicker {
    /// Reads on.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.in_string && !self.is_escaped {
                let end = memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
                self.inside(&rest[..end]);
                rest = &rest[end..];
                if rest.is_empty() {
                    return;
                }
            }
            let byte = rest[0];
            rest = &rest[1..];
            self.one(byte);
        }
    }

    /// Another text begins.
    pub(super) fn start_over(&mut self) {
        self.depth = 0;
        self.base = 0;
        self.in_string = false;
        self.is_escaped = false;
        self.expects_key = false;
        self.capture = None;
        self.last_key = Key::Other;
        self.outer_key = Key::Other;
    }

    /// The last value of this kind that was not `null`, which is forgotten with this.
    pub(super) fn take(&mut self, slot: Slot) -> Option<Vec<u8>> {
        self.picked[slot as usize].take()
    }

    /// Bytes of what the model wrote so far: at least as many as tokens.
    pub(super) fn text_bytes(&self) -> u64 {
        self.text_bytes
    }

    /// Part of a string.
    fn inside(&mut self, bytes: &[u8]) {
        if self.is_key {
            let room = KEY - self.key_length.min(KEY);
            let taken = bytes.len().min(room);
            self.key[self.key_length.min(KEY)..][..taken].copy_from_slice(&bytes[..taken]);
            // Longer than any that matters: remembered as such.
            self.key_length = (self.key_length + bytes.len()).min(KEY + 1);
        } else if self.counts_text {
            self.text_bytes += bytes.len() as u64;
        }
        self.keep(bytes);
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.capture.is_some() && self.buffer.len() <= MOST {
            self.buffer.extend_from_slice(bytes);
        }
    }

    fn one(&mut self, byte: u8) {
        if self.in_string {
            self.keep(&[byte]);
            if self.is_escaped {
                self.is_escaped = false;
                self.key_length = KEY + 1;
                self.text_bytes += u64::from(self.counts_text) * 4;
            } else if byte == b'\\' {
                self.is_escaped = true;
            } else {
                self.in_string = false;
            }
            return;
        }
        match byte {
            b'"' => {
                self.in_string = true;
                self.is_key = self.expects_key;
                self.key_length = 0;
                self.counts_text = !self.is_key && self.last_key == Key::Text;
                self.keep(b"\"");
            }
            b':' => {
                self.keep(b":");
                self.last_key = Key::of(self.key.get(..self.key_length).unwrap_or_default());
                self.expects_key = false;
                self.may_begin();
            }
            b',' => {
                self.may_end();
                self.keep(b",");
                self.expects_key = self.is_in_object();
            }
            b'{' | b'[' => {
                self.keep(&[byte]);
                if self.depth == 0 && byte == b'[' {
                    self.base = 1;
                }
                if self.depth == self.base + 1 {
                    self.outer_key = self.last_key;
                }
                if let Some(kind) = self.is_object.get_mut(self.depth) {
                    *kind = byte == b'{';
                }
                self.depth += 1;
                self.expects_key = self.is_in_object();
                if byte == b'{' {
                    self.last_key = Key::Other;
                }
            }
            b'}' | b']' => {
                self.may_end();
                self.keep(&[byte]);
                self.depth = self.depth.saturating_sub(1);
                self.expects_key = false;
                if self.depth <= self.base + 1 {
                    self.outer_key = Key::Other;
                }
            }
            b' ' | b'\n' | b'\r' | b'\t' => {}
            _ => self.keep(&[byte]),
        }
    }

    /// Deeper than is remembered everything is an object: a string after a comma is then taken for a key, which only
    /// makes text of it that is not counted.
    fn is_in_object(&self) -> bool {
        self.depth > 0 && self.is_object.get(self.depth - 1).copied().unwrap_or(true)
    }

    /// A value begins behind a key.
    fn may_begin(&mut self) {
        if self.capture.is_some() {
            return;
        }
        let slot = match (self.depth - self.base.min(self.depth), self.outer_key, self.last_key) {
            (1, _, Key::Usage) => Slot::Usage,
            (2, Key::Envelope, Key::Usage) => Slot::InnerUsage,
            (1, _, Key::UsageMetadata) => Slot::UsageMetadata,
            (1, _, Key::Model) | (2, Key::Envelope, Key::Model) => Slot::Model,
            _ => return,
        };
        self.buffer.clear();
        self.buffer.reserve(USUAL);
        self.capture = Some((slot, self.depth));
    }

    /// A value may be over with this byte.
    fn may_end(&mut self) {
        let Some((slot, depth)) = self.capture else { return };
        if self.depth != depth {
            return;
        }
        self.capture = None;
        if self.buffer.len() <= MOST && self.buffer != b"null" {
            self.picked[slot as usize] = Some(std::mem::take(&mut self.buffer));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picked(text: &str, piece: usize) -> [Option<String>; SLOTS] {
        let mut picker = JsonPicker::default();
        text.as_bytes().chunks(piece).for_each(|piece| picker.feed(piece));
        [Slot::Usage, Slot::InnerUsage, Slot::UsageMetadata, Slot::Model]
            .map(|slot| picker.take(slot).map(|bytes| String::from_utf8(bytes).unwrap()))
    }

    #[test]
    fn values_are_found_wherever_the_providers_put_them_and_however_the_text_is_cut() {
        let chat = r#"{"id":"x","model":"gpt-4o","choices":[{"message":{"content":"{\"usage\":1}","usage":9}}],"usage": {"a": 1, "b":{"c":[1,2]}}}"#;
        let responses = r#"{"type":"response.completed","response":{"model":"gpt-5","usage":{"input_tokens":3},"output":[]}}"#;
        let groq = r#"{"choices":[],"usage":null,"x_groq":{"id":"r","usage":{"prompt_tokens":1}}}"#;
        let gemini =
            "[{\"usageMetadata\":{\"a\":1},\"modelVersion\":\"g\"}\n,\r\n{\"usageMetadata\":{\"a\":2}}]";
        let own = |text: &str| Some(text.to_owned());
        for piece in [1, 2, 3, 7, 1000] {
            assert_eq!(
                picked(chat, piece),
                [own(r#"{"a":1,"b":{"c":[1,2]}}"#), None, None, own("\"gpt-4o\"")]
            );
            assert_eq!(
                picked(responses, piece),
                [None, own(r#"{"input_tokens":3}"#), None, own("\"gpt-5\"")]
            );
            assert_eq!(picked(groq, piece), [None, own(r#"{"prompt_tokens":1}"#), None, None]);
            assert_eq!(picked(gemini, piece), [None, None, own("{\"a\":2}"), own("\"g\"")]);
        }
    }

    #[test]
    fn what_the_model_writes_is_counted_and_not_read() {
        let mut picker = JsonPicker::default();
        picker.feed(br#"{"choices":[{"delta":{"role":"assistant","content":"abc"}}],"model":"m"}"#);
        assert_eq!(picker.text_bytes(), 3);
        picker.start_over();
        picker.feed(br#"{"type":"content_block_delta","delta":{"type":"text_delta","text":"\u00e9"}}"#);
        assert!(picker.text_bytes() >= 3 + 2);
    }

    #[test]
    fn a_value_that_is_too_long_is_not_kept() {
        let long = format!("{{\"usage\":\"{}\",\"model\":\"m\"}}", "x".repeat(3 * MOST));
        let found = picked(&long, 100);
        assert_eq!((&found[0], found[3].as_deref()), (&None, Some("\"m\"")));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_in_any_pieces_are_read_the_same(bytes: Vec<u8>, piece in 1_usize..9) {
            let (mut whole, mut cut) = (JsonPicker::default(), JsonPicker::default());
            whole.feed(&bytes);
            bytes.chunks(piece).for_each(|piece| cut.feed(piece));
            assert_eq!((whole.depth, whole.in_string, whole.text_bytes), (cut.depth, cut.in_string, cut.text_bytes));
        }
    }
}
