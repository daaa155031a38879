//! A text as its readers see it, layer by layer, and where each byte of that stands in the text itself.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memmem;

/// A shorter beginning of a key, at the end of a text that was cut, tells nothing.
const MIN_BEGINNING_BYTES: usize = 4;
/// The longest name of a character in HTML that stands for one of a key's.
const MAX_ENTITY_BYTES: usize = 12;

/// Characters of keys by their names in HTML (<https://html.spec.whatwg.org/multipage/named-characters.html>).
const ENTITIES: [(&[u8], u8); 21] = [
    (b"amp", b'&'),
    (b"apos", b'\''),
    (b"ast", b'*'),
    (b"colon", b':'),
    (b"comma", b','),
    (b"commat", b'@'),
    (b"dollar", b'$'),
    (b"equals", b'='),
    (b"excl", b'!'),
    (b"gt", b'>'),
    // Not the character itself, and shown like it.
    (b"hyphen", b'-'),
    (b"dash", b'-'),
    (b"lowbar", b'_'),
    (b"UnderBar", b'_'),
    (b"lt", b'<'),
    (b"num", b'#'),
    (b"percnt", b'%'),
    (b"period", b'.'),
    (b"plus", b'+'),
    (b"quot", b'"'),
    (b"sol", b'/'),
];

/// Signs of more than one byte that nobody sees: soft hyphen, zero-width signs, marks of direction, joiners.
const UNSEEN: [&[u8]; 12] = [
    "\u{ad}".as_bytes(),
    "\u{34f}".as_bytes(),
    "\u{180e}".as_bytes(),
    "\u{200b}".as_bytes(),
    "\u{200c}".as_bytes(),
    "\u{200d}".as_bytes(),
    "\u{200e}".as_bytes(),
    "\u{200f}".as_bytes(),
    "\u{2060}".as_bytes(),
    "\u{2063}".as_bytes(),
    "\u{2064}".as_bytes(),
    "\u{feff}".as_bytes(),
];

/// What begins a sequence that steers a terminal, as colours in logs do (ECMA-48, 5.4), and the most of it that is looked at.
const ESCAPE: u8 = 0x1b;
const MAX_SEQUENCE_BYTES: usize = 32;

/// Treatment of the ends of lines where escapes are taken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// They stay, and escapes for them become some.
    Kept,
    /// They are left out: what stands before and behind one may be one word.
    Joined,
}

/// A text as one of its readers sees it.
#[derive(Debug)]
pub struct View<'t> {
    /// The text that is seen.
    pub seen: Cow<'t, [u8]>,
    /// Where each byte begins in the text itself. Empty when it is the text itself.
    begins: Vec<usize>,
    /// Where what is seen ends in the text: an escape that was cut is behind it.
    end: usize,
}

/// What the beginning of a text is: a byte, or nothing, and how long it is there; `None` for an escape that is not whole.
type Unit = Option<(Option<u8>, usize)>;

impl<'t> View<'t> {
    /// The text itself.
    #[must_use]
    pub fn plain(text: &'t [u8]) -> Self {
        Self { seen: Cow::Borrowed(text), begins: Vec::new(), end: text.len() }
    }

    /// What a reader of this one sees: `unit` takes one byte, or one escape, off the beginning of the rest.
    fn read<'s>(&self, unit: impl Fn(&[u8]) -> Unit) -> View<'s> {
        let (mut seen, mut begins, mut at) = (Vec::with_capacity(self.seen.len()), Vec::new(), 0);
        while let Some((byte, length)) = self.seen.get(at..).filter(|rest| !rest.is_empty()).and_then(&unit) {
            if let Some(byte) = byte {
                seen.push(byte);
                begins.push(self.begin(at));
            }
            at += length;
        }
        View { seen: Cow::Owned(seen), begins, end: self.begin(at) }
    }

    /// As a reader of JSON sees it (RFC 8259, section 7).
    #[must_use]
    pub fn json(text: &'t [u8]) -> Self {
        Self::plain(text).read(|rest| match rest {
            [b'\\', b'u', digits @ ..] => {
                // No key has anything but ASCII in it.
                Some((hex(digits.get(..4)?).and_then(|code| u8::try_from(code).ok()).or(Some(0)), 6))
            }
            [b'\\', byte, ..] => Some((Some(*byte), 2)),
            [b'\\'] => None,
            [byte, ..] => Some((Some(*byte), 1)),
            [] => None,
        })
    }

    /// As a reader of a URL sees it (RFC 3986, section 2.1).
    #[must_use]
    pub fn percent(text: &'t [u8]) -> Self {
        Self::plain(text).read(|rest| match rest {
            [b'%', digits @ ..] => Some(byte(digits.get(..2)?).map_or((Some(b'%'), 1), |it| (Some(it), 3))),
            [byte, ..] => Some((Some(*byte), 1)),
            [] => None,
        })
    }

    /// The same with one layer of whatever escapes taken off, and without what nobody sees: zeros, signs of no width. `None` when
    /// there are none.
    #[must_use]
    pub fn without_escapes<'s>(&self, lines: Lines) -> Option<View<'s>> {
        let text = &self.seen;
        let has_any = memchr::memchr3(b'\\', b'%', b'&', text).is_some()
            || memchr::memchr3(b'=', 0, b'+', text).is_some()
            || memchr::memchr(ESCAPE, text).is_some()
            || (lines == Lines::Joined && memchr::memchr2(b'\n', b'\r', text).is_some())
            || !text.is_ascii();
        if !has_any {
            return None;
        }
        let next = self.read(|rest| unit(rest, lines));
        (next.seen.len() < text.len()).then_some(next)
    }

    /// Its hexadecimal digits alone, in lower case; `0x` is none.
    #[must_use]
    pub fn hex_digits<'s>(&self) -> View<'s> {
        self.read(|rest| match rest {
            [b'0', b'x' | b'X', ..] => Some((None, 2)),
            [digit, ..] => Some((Some(digit.to_ascii_lowercase()).filter(u8::is_ascii_hexdigit), 1)),
            [] => None,
        })
    }

    /// A place in the text itself.
    fn begin(&self, place: usize) -> usize {
        match place {
            place if place >= self.seen.len() => self.end,
            place if self.begins.is_empty() => place,
            place => self.begins[place],
        }
    }

    /// Where something that is seen stands in the text itself.
    #[must_use]
    pub fn range(&self, seen: Range<usize>) -> Range<usize> {
        self.begin(seen.start)..self.begin(seen.end)
    }

    /// Adds the places in the text where one of these forms stands, and where the text ends within one.
    pub fn find(&self, forms: &[Vec<u8>], is_cut: bool, found: &mut Vec<Range<usize>>) {
        for form in forms {
            let mut from = 0;
            while let Some(at) = memmem::find(&self.seen[from..], form) {
                let (start, end) = (from + at, from + at + form.len());
                found.push(self.begin(start)..self.begin(end));
                from = end;
            }
            let longest = form.len().min(self.seen.len());
            let ends_within = |length: &usize| self.seen.ends_with(&form[..*length]);
            if is_cut && let Some(length) = (MIN_BEGINNING_BYTES..=longest).rev().find(ends_within) {
                found.push(self.begin(self.seen.len() - length)..usize::MAX);
            }
        }
    }
}

/// One byte, or one escape of any kind: JSON and what programs write (`\u002d`, `\x2d`, `\u{2d}`, `\055`), URLs (`%2d`), HTML
/// (`&#45;`, `&#x2d;`, `&hyphen;`), quoted-printable (`=2D`, RFC 2045, section 6.7), UTF-7 (`+AC0-`, RFC 2152).
fn unit(rest: &[u8], lines: Lines) -> Unit {
    let literal = |byte: u8| Some((Some(byte), 1));
    match rest {
        [] => None,
        [0, ..] => Some((None, 1)),
        [ESCAPE, rest @ ..] => Some((None, 1 + sequence(rest))),
        [b'+', one, two, three, b'-', ..] => {
            Some(in_utf_7([*one, *two, *three]).map_or((Some(b'+'), 1), |byte| (Some(byte), 5)))
        }
        [b'\n' | b'\r', ..] if lines == Lines::Joined => Some((None, 1)),
        [b'\\', rest @ ..] => match backslash(rest) {
            Some((None, 2)) if lines == Lines::Kept => Some((Some(b'\n'), 2)),
            unit => unit,
        },
        [b'%', digits @ ..] => Some(byte(digits.get(..2)?).map_or((Some(b'%'), 1), |it| (Some(it), 3))),
        [b'=', b'\r', b'\n', ..] => Some((None, 3)),
        [b'=', b'\n', ..] => Some((None, 2)),
        [b'=', digits @ ..] => match digits.get(..2).and_then(byte) {
            Some(byte) => Some((Some(byte), 3)),
            None => literal(b'='),
        },
        [b'&', entity @ ..] => Some(character(entity).unwrap_or((Some(b'&'), 1))),
        [byte, ..] if byte.is_ascii() => literal(*byte),
        [byte, ..] => match UNSEEN.iter().find(|sign| rest.starts_with(sign)) {
            Some(sign) => Some((None, sign.len())),
            None => literal(*byte),
        },
    }
}

/// Bytes of the sequence that an escape character begins, without that.
fn sequence(rest: &[u8]) -> usize {
    let [b'[', parameters @ ..] = rest else { return 0 };
    let is_end = |byte: &u8| (0x40..=0x7e).contains(byte);
    parameters.iter().take(MAX_SEQUENCE_BYTES).position(is_end).map_or(0, |end| end + 2)
}

/// The character of ASCII that three of base64 stand for in UTF-7: its sixteen bits, and two more.
fn in_utf_7(digits: [u8; 3]) -> Option<u8> {
    let code = digits.into_iter().try_fold(0_u32, |code, digit| {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        Some((code << 6) | u32::from(value))
    })?;
    u8::try_from(code >> 2).ok().filter(|byte| byte.is_ascii_graphic() && code & 3 == 0)
}

/// What stands behind a backslash, with it.
fn backslash(rest: &[u8]) -> Unit {
    let code = |code: Option<u32>| match code.and_then(char::from_u32) {
        Some(sign) if sign.is_ascii() && !sign.is_ascii_control() => u8::try_from(sign).ok(),
        // Of a key it is none, and between two of its characters it may be unseen.
        Some(sign) if is_unseen(sign) => None,
        _ => Some(0x7f),
    };
    match rest {
        [] => None,
        // In sixteen bits: the escape itself stands in the next layer.
        [0, ..] => Some((Some(b'\\'), 1)),
        // What ends a line.
        [b'n' | b'r' | b't' | b'b' | b'f' | b'v' | b'\n' | b'\r', ..] => Some((None, 2)),
        [b'u' | b'U', b'{', digits @ ..] => {
            let end = digits.iter().take(MAX_ENTITY_BYTES).position(|byte| *byte == b'}');
            Some(end.map_or((Some(b'u'), 2), |end| (code(hex(&digits[..end])), end + 4)))
        }
        [b'u' | b'x', 0, ..] => Some((Some(b'\\'), 1)),
        [b'u', digits @ ..] => Some((code(hex(digits.get(..4)?)), 6)),
        [b'U', digits @ ..] if digits.get(..8).and_then(hex).is_some() => {
            Some((code(digits.get(..8).and_then(hex)), 10))
        }
        [b'x', digits @ ..] => Some(byte(digits.get(..2)?).map_or((Some(b'x'), 2), |it| (Some(it), 4))),
        [first @ b'0'..=b'3', second @ b'0'..=b'7', third @ b'0'..=b'7', ..] => {
            Some((Some(((first - b'0') << 6) | ((second - b'0') << 3) | (third - b'0')), 4))
        }
        [byte, ..] => Some((Some(*byte), 2)),
    }
}

/// The character that an entity of HTML stands for, and its length with the `&`.
fn character(entity: &[u8]) -> Option<(Option<u8>, usize)> {
    let length =
        entity.iter().take(MAX_ENTITY_BYTES).take_while(|it| it.is_ascii_alphanumeric() || **it == b'#');
    let name = &entity[..length.count()];
    let whole = 1 + name.len() + usize::from(entity.get(name.len()) == Some(&b';'));
    let code = match name {
        [b'#', b'x' | b'X', digits @ ..] => hex(digits)?,
        [b'#', digits @ ..] => std::str::from_utf8(digits).ok()?.parse().ok()?,
        b"ZeroWidthSpace" | b"shy" | b"zwj" | b"zwnj" | b"NoBreak" => return Some((None, whole)),
        name => u32::from(ENTITIES.iter().find(|(known, _)| *known == name)?.1),
    };
    match u8::try_from(code) {
        Ok(byte) if byte.is_ascii() && !byte.is_ascii_control() => Some((Some(byte), whole)),
        _ => char::from_u32(code).filter(|sign| is_unseen(*sign)).map(|_| (None, whole)),
    }
}

fn is_unseen(sign: char) -> bool {
    let mut bytes = [0; 4];
    let text = sign.encode_utf8(&mut bytes).as_bytes();
    matches!(sign, '\n' | '\r' | '\0') || UNSEEN.contains(&text)
}

fn byte(digits: &[u8]) -> Option<u8> {
    hex(digits).and_then(|code| u8::try_from(code).ok())
}

fn hex(digits: &[u8]) -> Option<u32> {
    let is_hex = !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit);
    is_hex.then(|| std::str::from_utf8(digits).ok())?.and_then(|digits| u32::from_str_radix(digits, 16).ok())
}
