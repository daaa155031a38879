//! Picks a few values out of a JSON text as it passes, piece by piece and in bounded memory.

use super::answer_terms::AnswerTerms;
use super::event_lines::BYTE_ORDER_MARK;
use super::json_scan::mark;
use super::terms_reader::TermsReader;

mod blocks;
mod marks;
mod values;

use blocks::{Blocks, Models, completed_call};
use marks::{Key, is_reason};
pub(super) use marks::{Kind, Marks};
pub(super) use values::Slot;
use values::{SLOTS, Value};

/// The longest value that is kept, in bytes; usage figures have a few hundred.
const MOST: usize = 8 * 1024;
/// As long as most of them are, in bytes.
const USUAL: usize = 256;
/// Keys that matter are shorter.
const KEY: usize = 32;
/// Containers whose kind is remembered; what matters lies at most this deep.
const DEPTH: usize = 24;
/// Answers that are told apart by their index.
const MOST_ANSWERS: u32 = u128::BITS;
/// Figures that may stand in one text beside the last of their place.
const MOST_DISPLACED: usize = 4;

/// The state of a text that is half read.
#[derive(Debug)]
pub(super) struct JsonPicker {
    depth: usize,
    /// Kinds of the containers around, the outermost first; `true` for an object.
    is_object: [bool; DEPTH],
    /// 1 when the whole text is an array of what matters.
    base: usize,
    in_string: bool,
    is_escaped: bool,
    /// Of a `\u` escape in a key: hexadecimal digits that are still to come, and what they have been so far.
    unicode: (u8, u32),
    /// `true` when the next string is a key.
    expects_key: bool,
    is_key: bool,
    key: [u8; KEY],
    key_length: usize,
    last_key: Key,
    outer_key: Key,
    /// Of the member of an answer that is being read.
    answer_key: Key,
    /// `true` when there was text that a model wrote.
    has_written: bool,
    capture: Option<(Value, usize)>,
    buffer: Vec<u8>,
    picked: [Option<Vec<u8>>; SLOTS],
    /// Figures in whose place others were told since.
    displaced: Vec<Vec<u8>>,
    /// How many texts have begun, a list of them as one.
    texts: u32,
    /// `true` when something stands outside of texts.
    has_strays: bool,
    models: Models,
    /// Depth of the outermost container around that callers or models wrote; 0 when there is none.
    foreign: usize,
    blocks: Blocks,
    marks: Marks,
    /// Of the answer that is being read.
    index: u32,
    has_ended: bool,
    has_text: bool,
    /// Reads along what decides the price beside the figures.
    terms: TermsReader,
}

impl Default for JsonPicker {
    fn default() -> Self {
        Self {
            depth: 0,
            is_object: [false; DEPTH],
            base: 0,
            in_string: false,
            is_escaped: false,
            unicode: (0, 0),
            expects_key: false,
            is_key: false,
            key: [0; KEY],
            key_length: 0,
            last_key: Key::Other,
            outer_key: Key::Other,
            answer_key: Key::Other,
            has_written: false,
            capture: None,
            buffer: Vec::new(),
            picked: [const { None }; SLOTS],
            displaced: Vec::new(),
            texts: 0,
            has_strays: false,
            models: Models::default(),
            foreign: 0,
            blocks: Blocks::default(),
            marks: Marks::default(),
            index: 0,
            has_ended: false,
            has_text: false,
            terms: TermsReader::default(),
        }
    }
}

impl JsonPicker {
    /// With something that reads along.
    pub(super) fn new(terms: TermsReader) -> Self {
        Self { terms, ..Self::default() }
    }

    /// Returns the terms that were read along.
    pub(super) fn terms(&self) -> AnswerTerms {
        self.terms.terms()
    }

    /// Reads on, up to the end of a text: returns what is behind it.
    pub(super) fn feed<'b>(&mut self, bytes: &'b [u8]) -> Option<&'b [u8]> {
        let mut rest = bytes;
        while let Some((byte, behind)) = rest.split_first() {
            rest = match byte {
                _ if self.is_escaped => self.escaped(*byte, behind),
                _ if self.in_string => self.string(rest),
                b'"' => self.begin_string(rest, behind),
                b':' => self.colon(behind),
                b',' => self.comma(behind),
                b'{' | b'[' => self.open(*byte, behind),
                b'}' | b']' if self.close(*byte) => return Some(behind),
                b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t' => behind,
                _ => self.bare(rest),
            };
        }
        None
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
        self.foreign = 0;
    }

    /// The last figures that were not `null`, which are forgotten with this.
    pub(super) fn take(&mut self, slot: Slot) -> Option<Vec<u8>> {
        self.picked[slot as usize].take()
    }

    /// Takes the figures in whose place others were told since.
    pub(super) fn take_displaced(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.displaced)
    }

    /// Tells whether all that was read is one text, or one list of them, and white space.
    pub(super) fn is_one_text(&self) -> bool {
        self.texts <= 1 && !self.has_strays
    }

    /// Takes the signs of an end that the text had.
    pub(super) fn take_marks(&mut self) -> Marks {
        self.terms.text_is_over();
        if self.has_text {
            // An answer that is cut: which one it is may not have been told.
            self.index = MOST_ANSWERS;
            self.note_text();
        }
        let marks = Marks { is_cut: self.depth > self.base, is_in_array: self.base == 1, ..self.marks };
        self.marks = Marks::default();
        marks
    }

    /// Tells whether there was text that a model wrote.
    pub(super) fn has_written(&self) -> bool {
        self.has_written
    }

    /// Models that were named.
    pub(super) fn models(&self) -> &Models {
        &self.models
    }

    /// Blocks of a message.
    pub(super) fn blocks(&self) -> Blocks {
        self.blocks
    }

    /// Tells whether the text that is over is one of a list of them.
    pub(super) fn is_in_list(&self) -> bool {
        self.base == 1
    }

    /// Part of a string.
    fn inside(&mut self, bytes: &[u8]) {
        if self.is_key {
            let mut rest = bytes;
            while self.unicode.0 > 0
                && let Some((digit, behind)) = rest.split_first()
            {
                self.unicode_digit(*digit);
                rest = behind;
            }
            self.add_to_key(rest);
        } else {
            self.string_has_text();
            if self.terms.is_reading() {
                self.terms.read(bytes);
            }
        }
        self.keep(bytes);
    }

    fn add_to_key(&mut self, bytes: &[u8]) {
        let start = self.key_length.min(KEY);
        let taken = bytes.len().min(KEY - start);
        self.key[start..][..taken].copy_from_slice(&bytes[..taken]);
        // Longer than any that matters: remembered as such.
        self.key_length = (self.key_length + bytes.len()).min(KEY + 1);
    }

    /// RFC 8259, section 7. No key that matters has anything but ASCII in it.
    fn unicode_digit(&mut self, digit: u8) {
        let (left, code) = self.unicode;
        match char::from(digit).to_digit(16) {
            Some(digit) => self.unicode = (left - 1, code << 4 | digit),
            None => self.unicode = (0, u32::MAX),
        }
        if self.unicode.0 == 0 {
            match u8::try_from(self.unicode.1) {
                Ok(byte) if byte.is_ascii() => self.add_to_key(&[byte]),
                _ => self.key_length = KEY + 1,
            }
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.capture.is_some() && self.buffer.len() <= MOST {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// Notes that something stands in the list of answers.
    fn note_answer(&mut self) {
        if self.outer_key == Key::Choices && self.depth == self.base + 2 {
            self.marks.has_choices = true;
        }
    }

    /// Notes that a string has something in it: what models write stands in strings.
    fn string_has_text(&mut self) {
        self.marks.has_delta |= match self.outer_key {
            Key::Delta => !matches!(self.last_key, Key::StopReason | Key::Kind | Key::Role),
            _ => {
                self.depth == self.base + 1
                    && matches!(self.last_key, Key::Delta | Key::Text | Key::Content | Key::Output)
            }
        };
        if matches!(self.outer_key, Key::Choices | Key::Candidates) {
            let depth = self.depth.saturating_sub(self.base);
            let is_text = match depth {
                0..=2 => false,
                3 => self.last_key == Key::Text,
                _ => !matches!(self.last_key, Key::Role | Key::Kind | Key::Ended),
            };
            self.has_text |= is_text;
            // Older completions can repeat the prompt, and write nothing.
            let is_written =
                self.outer_key == Key::Candidates || matches!(self.answer_key, Key::Envelope | Key::Delta);
            self.has_written |= is_text && depth > 3 && is_written;
        }
    }

    /// Notes that something is told of an answer.
    fn note_text(&mut self) {
        self.has_text = false;
        self.marks.has_text = true;
        if !self.has_ended {
            self.marks.goes_on |= if self.index < MOST_ANSWERS { 1 << self.index } else { u128::MAX };
        }
    }

    /// Notes that something stands outside of all texts.
    fn note_stray(&mut self) {
        self.has_strays |= self.depth == 0;
    }

    /// Part of a number, or of a word such as `null`. Returns what is behind, as all these do.
    fn bare<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let length = bytes.iter().take_while(|byte| is_bare(**byte)).count();
        let (bare, behind) = bytes.split_at(length);
        if self.depth == 0 {
            // A byte order mark may stand before a text.
            self.has_strays |= bare.iter().any(|byte| !BYTE_ORDER_MARK.contains(byte));
        }
        self.note_answer();
        if self.terms.is_reading() {
            self.terms.read(bare);
        }
        self.keep(bare);
        behind
    }

    /// A string begins, and ends if all of it is here.
    fn begin_string<'b>(&mut self, bytes: &'b [u8], behind: &'b [u8]) -> &'b [u8] {
        self.note_answer();
        self.note_stray();
        self.is_key = self.expects_key;
        if !self.is_key {
            self.terms.string_begins();
        }
        if let Some(end) = mark(behind)
            && behind[end] == b'"'
        {
            let text = &behind[..end];
            if self.is_key {
                self.has_key(text);
            } else {
                if !text.is_empty() {
                    self.string_has_text();
                }
                if self.terms.is_reading() {
                    self.terms.read(text);
                    self.terms.string_ends();
                }
            }
            self.keep(&bytes[..end + 2]);
            return &behind[end + 1..];
        }
        self.in_string = true;
        self.key_length = 0;
        self.unicode = (0, 0);
        self.keep(b"\"");
        behind
    }

    /// A key of an object is whole.
    fn has_key(&mut self, key: &[u8]) {
        self.last_key = Key::of(key);
        self.terms.key(key);
    }

    /// A string up to its end, or to an escape in it. Returns what is behind.
    fn string<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let end = mark(bytes).unwrap_or(bytes.len());
        let (inside, rest) = bytes.split_at(end);
        if !inside.is_empty() {
            self.inside(inside);
        }
        let Some((byte, behind)) = rest.split_first() else { return rest };
        self.keep(&[*byte]);
        if *byte == b'"' {
            self.in_string = false;
            if self.is_key {
                // Longer than any that matters: none of them.
                let (key, length) = (self.key, self.key_length);
                self.has_key(key.get(..length).unwrap_or_default());
            } else {
                self.terms.string_ends();
            }
        } else {
            self.is_escaped = true;
            if !self.is_key {
                self.string_has_text();
                if self.terms.is_reading() {
                    self.terms.read(b"\\");
                }
            }
        }
        behind
    }

    /// Reads the character behind a backslash.
    fn escaped<'b>(&mut self, byte: u8, behind: &'b [u8]) -> &'b [u8] {
        self.is_escaped = false;
        self.keep(&[byte]);
        match byte {
            _ if !self.is_key => {
                if self.terms.is_reading() {
                    self.terms.read(&[byte]);
                }
            }
            b'u' => self.unicode = (4, 0),
            b'"' | b'\\' | b'/' => self.add_to_key(&[byte]),
            _ => self.key_length = KEY + 1,
        }
        behind
    }

    fn colon<'b>(&mut self, behind: &'b [u8]) -> &'b [u8] {
        self.note_stray();
        self.keep(b":");
        self.expects_key = false;
        self.may_begin();
        behind
    }

    fn comma<'b>(&mut self, behind: &'b [u8]) -> &'b [u8] {
        self.note_stray();
        self.terms.comma();
        self.may_end();
        self.keep(b",");
        self.expects_key = self.is_in_object();
        behind
    }

    fn open<'b>(&mut self, byte: u8, behind: &'b [u8]) -> &'b [u8] {
        self.note_answer();
        self.terms.open(byte == b'{');
        self.keep(&[byte]);
        if self.depth == 0 {
            self.base = usize::from(byte == b'[');
            self.texts = self.texts.saturating_add(1);
        }
        if self.depth == self.base + 1 {
            self.outer_key = self.last_key;
        }
        if self.depth == self.base + 2 {
            (self.index, self.has_ended, self.has_text) = (0, false, false);
            // A block of a message, an item of a response.
            self.has_written |= matches!(self.outer_key, Key::Content | Key::Output);
        }
        if self.depth == self.base + 3 {
            self.answer_key = self.last_key;
            self.has_written |= self.outer_key == Key::Envelope && self.last_key == Key::Output;
        }
        if self.foreign == 0 && self.depth > 0 && matches!(self.last_key, Key::Foreign | Key::Text) {
            self.foreign = self.depth;
        }
        if let Some(kind) = self.is_object.get_mut(self.depth) {
            *kind = byte == b'{';
        }
        self.depth += 1;
        self.expects_key = self.is_in_object();
        if byte == b'{' {
            self.last_key = Key::Other;
        }
        behind
    }

    /// Returns whether a text ends with it.
    fn close(&mut self, byte: u8) -> bool {
        self.note_stray();
        self.terms.close();
        self.may_end();
        self.keep(&[byte]);
        self.depth = self.depth.saturating_sub(1);
        // An object is whole with its brace: what comes behind it may never come.
        self.may_end();
        self.expects_key = false;
        if matches!(self.outer_key, Key::Choices | Key::Candidates) && self.depth == self.base + 2 {
            if self.has_ended && self.index < MOST_ANSWERS {
                self.marks.ended |= 1 << self.index;
            }
            if self.has_text {
                self.note_text();
            }
        }
        match self.outer_key {
            Key::Content if self.depth == self.base + 2 => self.blocks.is_over(),
            Key::Block if self.depth == self.base + 1 => self.blocks.is_over(),
            _ => {}
        }
        if self.depth <= self.base + 1 {
            self.outer_key = Key::Other;
        }
        if self.depth <= self.foreign {
            self.foreign = 0;
        }
        self.depth == self.base && byte == b'}'
    }

    /// Deeper than is remembered everything is an object: a string after a comma is then taken for a key, and nothing so
    /// deep matters.
    fn is_in_object(&self) -> bool {
        self.depth > 0 && self.is_object.get(self.depth - 1).copied().unwrap_or(true)
    }

    /// A value begins behind a key.
    fn may_begin(&mut self) {
        if self.capture.is_some() {
            return;
        }
        let value = match (self.depth - self.base.min(self.depth), self.outer_key, self.last_key) {
            (1, _, Key::Usage) => Value::Figures(Slot::Usage),
            (2, Key::Envelope | Key::XGroq, Key::Usage) => Value::Figures(Slot::InnerUsage),
            (1, _, Key::UsageMetadata) => Value::Figures(Slot::UsageMetadata),
            (1, _, Key::Model) | (2, Key::Envelope, Key::Model) => Value::Model,
            (1, _, Key::Kind) => Value::Kind,
            (1, _, Key::Status) | (2, Key::Envelope, Key::Status) => Value::Status,
            (2, Key::Delta, Key::StopReason) | (2, Key::PromptFeedback, Key::BlockReason) => Value::Stopped,
            (3, Key::Choices | Key::Candidates, Key::Ended) => Value::Ended,
            (3, Key::Choices | Key::Candidates, Key::Index) => Value::Index,
            // That of a block, and of an object that is its content.
            (3 | 4, Key::Content, Key::Kind) | (2 | 3, Key::Block, Key::Kind) if self.foreign == 0 => {
                Value::BlockKind
            }
            (3, Key::Content, Key::Name) | (2, Key::Block, Key::Name) => Value::BlockName,
            (_, _, Key::Usage) if self.foreign == 0 => Value::Figures(Slot::Nested),
            (_, _, Key::UsageBeside | Key::UsageMetadata) if self.foreign == 0 => {
                Value::Figures(Slot::Beside)
            }
            _ => return,
        };
        self.buffer.clear();
        self.buffer.reserve(USUAL);
        self.capture = Some((value, self.depth));
    }

    /// A value may be over with this byte.
    fn may_end(&mut self) {
        let Some((value, depth)) = self.capture else { return };
        if self.depth != depth {
            return;
        }
        self.capture = None;
        if self.buffer.len() > MOST {
            self.marks.is_unread |= matches!(value, Value::Figures(_));
            return;
        }
        if self.buffer == b"null" {
            return;
        }
        match value {
            // A word within is none of the whole answer.
            Value::Figures(Slot::Nested | Slot::Beside)
                if !matches!(self.buffer.first(), Some(b'{' | b'[')) => {}
            Value::Figures(slot) if self.picked[slot as usize].as_ref() == Some(&self.buffer) => {}
            Value::Figures(slot) => {
                let before = self.picked[slot as usize].replace(std::mem::take(&mut self.buffer));
                if self.displaced.len() < MOST_DISPLACED {
                    self.displaced.extend(before);
                } else {
                    self.marks.is_unread |= before.is_some();
                }
            }
            Value::Model => self.models.note(&self.buffer),
            Value::BlockKind => self.blocks.has_kind(&self.buffer),
            Value::BlockName => self.blocks.has_name(&self.buffer),
            Value::Kind => {
                self.marks.kind = Kind::of(&self.buffer);
                if self.marks.kind == Kind::Generated {
                    self.has_written |= self.buffer.ends_with(b"delta\"");
                    if let Some(call) = completed_call(&self.buffer) {
                        self.terms.call_is_completed(call);
                    }
                }
            }
            Value::Ended => self.has_ended = is_reason(&self.buffer),
            Value::Index => {
                let index = std::str::from_utf8(&self.buffer).ok().and_then(|text| text.parse().ok());
                self.index = index.unwrap_or(MOST_ANSWERS);
            }
            Value::Stopped => self.marks.is_stopped |= is_reason(&self.buffer),
            // <https://platform.openai.com/docs/api-reference/responses/object#responses/object-status>
            Value::Status => {
                self.marks.has_status = true;
                self.marks.is_under_way |= !matches!(
                    &*self.buffer,
                    b"\"completed\"" | b"\"incomplete\"" | b"\"failed\"" | b"\"cancelled\""
                );
            }
        }
    }
}

/// Tells whether a byte outside strings is neither space nor of JSON's structure (RFC 8259, section 2).
fn is_bare(byte: u8) -> bool {
    !matches!(byte, b'"' | b':' | b',' | b'{' | b'}' | b'[' | b']' | b' ' | b'\n' | b'\r' | b'\t')
}

#[cfg(test)]
mod tests;
