//! A strict walk over a JSON text: forwards only, without copies, in bounded memory.
//!
//! Texts of messages are passed over and not decoded: they are most of a request, and may hold halves of surrogate pairs,
//! which clients write and providers read. It accepts what `serde_json` accepts as `IgnoredAny`, but for nesting beyond
//! [`MAX_DEPTH`].

use std::borrow::Cow;

use super::super::json_scan::mark_behind_text;

/// Deeper containers are refused; decoders of providers stop at a hundred or so.
pub(super) const MAX_DEPTH: u32 = 127;

/// The text is not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// A string as it is written, without its quotation marks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Raw<'a> {
    text: &'a [u8],
    has_escapes: bool,
}

impl<'a> Raw<'a> {
    /// The string itself. Halves of surrogate pairs become what no valid text has.
    pub(super) fn decoded(self) -> Cow<'a, [u8]> {
        if self.has_escapes { Cow::Owned(self.unescaped()) } else { Cow::Borrowed(self.text) }
    }

    fn unescaped(self) -> Vec<u8> {
        let mut decoded = Vec::with_capacity(self.text.len());
        let mut rest = self.text;
        while let Some(place) = memchr::memchr(b'\\', rest) {
            decoded.extend_from_slice(&rest[..place]);
            let escape = &rest[place + 1..];
            let Some((letter, behind)) = escape.split_first() else { break };
            rest = behind;
            match letter {
                b'b' => decoded.push(8),
                b'f' => decoded.push(12),
                b'n' => decoded.push(b'\n'),
                b'r' => decoded.push(b'\r'),
                b't' => decoded.push(b'\t'),
                b'u' => {
                    let mut unit = hex(rest);
                    rest = rest.get(4..).unwrap_or_default();
                    if (0xd800..0xdc00).contains(&unit)
                        && let Some(second) = rest.strip_prefix(b"\\u")
                        && (0xdc00..0xe000).contains(&hex(second))
                    {
                        unit = 0x10000 + ((unit - 0xd800) << 10) + (hex(second) - 0xdc00);
                        rest = second.get(4..).unwrap_or_default();
                    }
                    match char::from_u32(unit) {
                        Some(letter) => {
                            decoded.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                        }
                        None => decoded.push(0xff),
                    }
                }
                other => decoded.push(*other),
            }
        }
        decoded.extend_from_slice(rest);
        decoded
    }
}

/// Four hexadecimal digits; the walk has seen that they are.
fn hex(digits: &[u8]) -> u32 {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).unwrap_or(0);
    digits.iter().take(4).fold(0, |unit, byte| unit * 16 + digit(byte))
}

/// A place in a JSON text.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
    key_at: usize,
    depth: u32,
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, key_at: 0, depth: 0 }
    }

    /// The first byte of what comes next.
    pub(super) fn peek(&mut self) -> Result<u8, Malformed> {
        while let Some(byte) = self.text.get(self.at) {
            match byte {
                b' ' | b'\n' | b'\t' | b'\r' => self.at += 1,
                byte => return Ok(*byte),
            }
        }
        Err(Malformed)
    }

    /// Returns the start of the next value, after [`Cursor::peek`].
    pub(super) const fn place(&self) -> usize {
        self.at
    }

    /// Where the last key begins, with its quotation mark.
    pub(super) const fn key_at(&self) -> usize {
        self.key_at
    }

    /// Checks that only white space is left.
    pub(super) fn end(&mut self) -> Result<(), Malformed> {
        if self.peek().is_err() { Ok(()) } else { Err(Malformed) }
    }

    fn expect(&mut self, byte: u8) -> Result<(), Malformed> {
        if self.peek()? != byte {
            return Err(Malformed);
        }
        self.at += 1;
        Ok(())
    }

    /// Goes into the object or array that comes next.
    pub(super) fn enter(&mut self) -> Result<(), Malformed> {
        if self.depth >= MAX_DEPTH {
            return Err(Malformed);
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    /// The next key of an object that was entered, up to its value; `None` behind its end.
    pub(super) fn key(&mut self, is_first: bool) -> Result<Option<Raw<'a>>, Malformed> {
        if !self.goes_on(b'}', is_first)? {
            return Ok(None);
        }
        self.peek()?;
        self.key_at = self.at;
        let key = self.string()?;
        self.expect(b':')?;
        Ok(Some(key))
    }

    /// Tells whether an array that was entered has another item; if not, it is behind its end.
    pub(super) fn item(&mut self, is_first: bool) -> Result<bool, Malformed> {
        self.goes_on(b']', is_first)
    }

    fn goes_on(&mut self, end: u8, is_first: bool) -> Result<bool, Malformed> {
        let next = self.peek()?;
        if next == end {
            self.at += 1;
            self.depth -= 1;
            return Ok(false);
        }
        if !is_first {
            self.expect(b',')?;
        }
        Ok(true)
    }

    /// A string.
    pub(super) fn string(&mut self) -> Result<Raw<'a>, Malformed> {
        self.expect(b'"')?;
        let start = self.at;
        let mut has_escapes = false;
        loop {
            let rest = self.text.get(self.at..).ok_or(Malformed)?;
            let place = mark_behind_text(rest).ok_or(Malformed)?;
            if rest[place] == b'"' {
                self.at += place + 1;
                return Ok(Raw { text: &self.text[start..self.at - 1], has_escapes });
            }
            has_escapes = true;
            let length = match rest.get(place + 1).ok_or(Malformed)? {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 2,
                b'u' => {
                    let digits = rest.get(place + 2..place + 6).ok_or(Malformed)?;
                    if !digits.iter().all(u8::is_ascii_hexdigit) {
                        return Err(Malformed);
                    }
                    6
                }
                _ => return Err(Malformed),
            };
            self.at += place + length;
        }
    }

    fn literal(&mut self, word: &[u8]) -> Result<(), Malformed> {
        if !self.text[self.at..].starts_with(word) {
            return Err(Malformed);
        }
        self.at += word.len();
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Malformed> {
        let start = self.at;
        while self.text.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        if self.at == start { Err(Malformed) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<(), Malformed> {
        if self.text.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        if self.text.get(self.at) == Some(&b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.text.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.text.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn scalar(&mut self, first: u8) -> Result<(), Malformed> {
        match first {
            b'"' => self.string().map(|_| ()),
            b'n' => self.literal(b"null"),
            b't' => self.literal(b"true"),
            b'f' => self.literal(b"false"),
            b'-' | b'0'..=b'9' => self.number(),
            _ => Err(Malformed),
        }
    }

    /// Passes over a value.
    ///
    /// # Errors
    /// [`Malformed`] when it is none.
    pub(super) fn skip(&mut self) -> Result<&'a [u8], Malformed> {
        self.skip_and_show(|_| ())
    }

    /// The same, and shows every key on the way.
    pub(super) fn skip_and_show(&mut self, mut show: impl FnMut(Raw<'a>)) -> Result<&'a [u8], Malformed> {
        let first = self.peek()?;
        let start = self.at;
        if !matches!(first, b'{' | b'[') {
            self.scalar(first)?;
            return Ok(&self.text[start..self.at]);
        }
        let outside = self.depth;
        // A bit for each open container, the innermost lowest: whether it is an object.
        let mut kinds: u128 = 0;
        'value: loop {
            let first = self.peek()?;
            match first {
                b'{' => {
                    self.enter()?;
                    kinds = kinds << 1 | 1;
                    if let Some(key) = self.key(true)? {
                        show(key);
                        continue 'value;
                    }
                    kinds >>= 1;
                }
                b'[' => {
                    self.enter()?;
                    kinds <<= 1;
                    if self.item(true)? {
                        continue 'value;
                    }
                    kinds >>= 1;
                }
                first => self.scalar(first)?,
            }
            while self.depth > outside {
                if kinds & 1 == 1 {
                    if let Some(key) = self.key(false)? {
                        show(key);
                        continue 'value;
                    }
                } else if self.item(false)? {
                    continue 'value;
                }
                kinds >>= 1;
            }
            return Ok(&self.text[start..self.at]);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn accepts(text: &[u8]) -> bool {
        let mut cursor = Cursor::new(text);
        cursor.skip().is_ok() && cursor.end().is_ok()
    }

    /// Pieces of JSON texts, most of which fit together now and then.
    fn nearly_json() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            "[ \n\t]{0,2}",
            "[\\[\\]{},:\"]",
            "\"[a-z]{0,3}\"",
            r#""(\\(["\\/bfnrtx]|u[0-9a-fD]{3,4})|[a\x00-\x20é]){0,3}""#,
            "-?[0-9]{0,2}(\\.[0-9]{0,2})?([eE][+-]?[0-9]{0,2})?",
            "null|true|false|nul|NaN|tru",
        ];
        let texts = proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat().into_bytes());
        let bytes = proptest::collection::vec(any::<u8>(), 0..12).prop_map(|mut bytes| {
            bytes.insert(0, b'"');
            bytes.push(b'"');
            bytes
        });
        prop_oneof![4 => texts, 1 => bytes]
    }

    /// Valid JSON of some depth.
    fn json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            "-?(0|[1-9][0-9]{0,5})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?",
            any::<String>().prop_map(|text| serde_json::Value::from(text).to_string()),
        ];
        leaf.prop_recursive(6, 40, 4, |inner| {
            let gap = "[ \n]{0,1}";
            let list = (proptest::collection::vec(inner.clone(), 0..4), gap)
                .prop_map(|(items, gap)| format!("[{gap}{}{gap}]", items.join(",")));
            let member = (any::<String>(), inner, gap)
                .prop_map(|(key, value, gap)| format!("{}{gap}:{value}", serde_json::Value::from(key)));
            let object = proptest::collection::vec(member, 0..4)
                .prop_map(|members| format!("{{{}}}", members.join(" ,")));
            prop_oneof![list, object]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

        #[test]
        fn it_accepts_what_serde_json_accepts(text in nearly_json()) {
            let theirs = serde_json::from_slice::<serde::de::IgnoredAny>(&text).is_ok();
            prop_assert_eq!(accepts(&text), theirs, "{}", String::from_utf8_lossy(&text));
        }

        #[test]
        fn valid_json_is_accepted_and_no_beginning_of_it(text in json()) {
            prop_assert!(accepts(text.as_bytes()));
            for end in 0..text.len() {
                let cut = &text.as_bytes()[..end];
                prop_assert_eq!(accepts(cut), serde_json::from_slice::<serde::de::IgnoredAny>(cut).is_ok());
            }
        }

        #[test]
        fn a_string_decodes_to_what_it_stands_for(text: String, is_ascii: bool) {
            let mut written = serde_json::Value::from(text.as_str()).to_string();
            if is_ascii {
                let units = text.encode_utf16().map(|unit| format!("\\u{unit:04X}"));
                written = format!("\"{}\"", units.collect::<String>());
            }
            let decoded = Cursor::new(written.as_bytes()).string().unwrap().decoded();
            prop_assert_eq!(decoded.as_ref(), text.as_bytes());
            prop_assert!(decoded.len() <= written.len());
        }
    }

    #[test]
    fn halves_of_surrogate_pairs_are_passed_over_and_stand_for_nothing_valid() {
        for half in [r#""\ud83d""#, r#""\udc00a""#, r#""\ud83d\u0041""#, r#""\ud83d\ud83d""#] {
            assert!(accepts(half.as_bytes()), "{half}");
            let decoded = Cursor::new(half.as_bytes()).string().unwrap().decoded().into_owned();
            assert!(String::from_utf8(decoded).is_err(), "{half}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(accepts(nested(MAX_DEPTH as usize).as_bytes()));
        assert!(!accepts(nested(MAX_DEPTH as usize + 1).as_bytes()));
        assert!(!accepts("[".repeat(100_000).as_bytes()));
    }
}
