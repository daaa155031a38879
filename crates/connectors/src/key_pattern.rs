//! Forms of keys: those of providers whose keys have a form of their own, and the tokens of strongroom.
//!
//! Some providers give out keys without a mark; those are found only behind a name that says whose key follows. The forms of
//! providers' keys stand in their files.

mod encoded;
mod escaped;
mod foreign;
mod named;
mod unmarked;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use strongroom_crypto::token;
use strongroom_model::provider::{
    self, Alphabet, KnownProvider, MARKED_KEYS, MarkedKey, UNMARKED_KEYS, UnmarkedKey,
};

pub use encoded::{EncodedHit, find_encoded};
pub use escaped::{EscapedHit, find_escaped};
pub use foreign::{foreign_service, is_web_token};

use crate::escaped_text::{Lines, View};

/// A key in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit<'t> {
    /// Owner of the key: a provider's name, or `strongroom`.
    pub kind: &'static str,
    /// The key.
    pub text: &'t str,
    /// Its start, in bytes.
    pub at: usize,
    /// `true` when others' servers give out keys that begin so.
    is_shared: bool,
}

const fn other(
    prefix: &'static str,
    kind: &'static str,
    lengths: (usize, usize),
    alphabet: Alphabet,
) -> MarkedKey {
    MarkedKey { prefix, kind, least: lengths.0, most: lengths.1, alphabet, is_shared: false }
}

/// Keys that are found and whose services are no providers here. Sources: the services' own references, the examples in
/// their consoles, and the lengths and alphabets that gitleaks and trufflehog look for.
static OTHERS: [MarkedKey; 6] = [
    other("hf_", "huggingface", (37, 64), Alphabet::Plain),
    other("api_org_", "huggingface", (42, 64), Alphabet::Plain),
    other("r8_", "replicate", (40, 40), Alphabet::Dashed),
    other("nvapi-", "nvidia", (64, 128), Alphabet::Dashed),
    other("csk-", "cerebras", (40, 128), Alphabet::Plain),
    // Its checksum says the rest.
    other("sr_", STRONGROOM, (65, 65), Alphabet::Dashed),
];

/// Others whose keys all have a beginning of their own.
const OTHERS_ALL_MARKED: [&str; 2] = ["huggingface", "replicate"];

/// The kind of strongroom's own tokens.
const STRONGROOM: &str = "strongroom";

/// The longest key of all.
const MAX_KEY_BYTES: usize = 256;

/// Letters and digits in a row that tell a key with dashes from hyphenated words.
const MIN_RUN_BYTES: usize = 20;

/// The mark that stands in the middle of OpenAI's keys: `OpenAI` in base64.
const OPENAI_MARK: &[u8] = b"T3BlbkFJ";

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Bytes from which a beginning is a mark that no other word ends in by chance.
const MIN_TELLING_BYTES: usize = 5;
/// Shorter ones tell it with a longer run behind them; `sk-` ends many words.
const MIN_SHORT_BYTES: usize = 3;
const MIN_SHORT_RUN_BYTES: usize = 30;

/// Such marks, by their first byte.
static TELLING: LazyLock<Vec<Vec<&'static [u8]>>> = LazyLock::new(|| {
    let mut by_first = vec![Vec::new(); 256];
    let is_telling = |key: &&MarkedKey| key.prefix.len() >= MIN_SHORT_BYTES && key.prefix != "sk-";
    for key in MARKED_KEYS.iter().chain(&OTHERS).filter(is_telling) {
        by_first[usize::from(key.prefix.as_bytes()[0])].push(key.prefix.as_bytes());
    }
    by_first
});

/// Every key in a text, in their order. A key stands alone: no letter, digit or `_` is beside it, except as the end of
/// an escape such as `\n` or `%3D`, and before one with a long mark and a long run.
#[must_use]
pub fn find(text: &[u8]) -> Vec<Hit<'_>> {
    find_counting(text, &mut 0)
}

/// As [`find`]; adds the bytes that were looked at to `steps`.
fn find_counting<'t>(text: &'t [u8], steps: &mut usize) -> Vec<Hit<'t>> {
    let mut hits = Vec::new();
    let mut at = 0;
    while at < text.len() {
        *steps += 1;
        let is_start = at == 0 || !is_word(text[at - 1]) || follows_escape(&text[..at]);
        let found = if is_start { hit(text, at, steps) } else { glued(text, at, steps) };
        match found {
            Some(hit) => {
                at += hit.text.len();
                hits.push(hit);
            }
            None => at += 1,
        }
    }
    hits
}

/// A key directly behind a letter, a digit or `_`.
fn glued<'t>(text: &'t [u8], at: usize, steps: &mut usize) -> Option<Hit<'t>> {
    let prefix = TELLING[usize::from(text[at])].iter().find(|prefix| text[at..].starts_with(prefix))?;
    let is_telling = |body: &[u8]| {
        if prefix.len() >= MIN_TELLING_BYTES {
            return has_run(body);
        }
        let is_long = |run: &[u8]| {
            run.len() >= MIN_SHORT_RUN_BYTES
                && run.iter().any(u8::is_ascii_digit)
                && run.iter().any(u8::is_ascii_lowercase)
        };
        // Words end in these letters too, with a full stop: what Google gives out goes on so.
        let is_no_word =
            prefix.last() != Some(&b'.') || body.starts_with(b"Ab") || !is_letter_before(text, at);
        is_no_word && body.split(|byte| b"-_".contains(byte)).any(is_long)
    };
    hit(text, at, steps).filter(|hit| is_telling(&hit.text.as_bytes()[prefix.len()..]))
}

fn is_letter_before(text: &[u8], at: usize) -> bool {
    at.checked_sub(1).is_some_and(|before| text[before].is_ascii_alphabetic())
}

/// The text with words in place of every key in it, also of those within base64 and of those with escapes.
#[must_use]
pub fn masked(text: &str) -> Cow<'_, str> {
    replaced(text, keys_in(text.as_bytes()))
}

/// The same without whatever else is secret by its name, its place or its form: passwords, tokens of other services, what is
/// shown in headers, private keys. It masks too much rather than too little.
#[must_use]
pub fn without_secrets(text: &str) -> Cow<'_, str> {
    let mut spots = keys_in(text.as_bytes());
    let mut layer = View::plain(text.as_bytes());
    for _ in 0..MAX_LAYERS {
        let found = named::find_named(&layer.seen);
        spots.extend(found.into_iter().map(|range| (layer.range(range), None)));
        let Some(next) = layer.without_escapes(Lines::Kept) else { break };
        layer = next;
    }
    replaced(text, spots)
}

/// Times that escapes are taken off a text.
const MAX_LAYERS: usize = 3;

/// Where a secret stands, and whose key it is where that is known.
type Spot = (Range<usize>, Option<&'static str>);

/// Every key in a text.
fn keys_in(text: &[u8]) -> Vec<Spot> {
    let plain = find(text).into_iter().map(|hit| (hit.at..hit.at + hit.text.len(), Some(hit.kind)));
    let encoded = find_encoded(text).into_iter().map(|hit| (hit.at..hit.at + hit.length, Some(hit.kind)));
    let escaped = find_escaped(text).into_iter().map(|hit| (hit.range, Some(hit.kind)));
    plain.chain(encoded).chain(escaped).collect()
}

/// The text with words in these places.
fn replaced<'t>(text: &'t str, mut spots: Vec<Spot>) -> Cow<'t, str> {
    if spots.is_empty() {
        return Cow::Borrowed(text);
    }
    // Of those that begin together, the one that says whose key it is.
    spots.sort_by_key(|(range, kind)| (range.start, kind.is_none(), range.end));
    let (mut masked, mut told) = (String::with_capacity(text.len()), 0);
    for (range, kind) in spots {
        // Found in a text whose escapes are off, one may begin or end within a character.
        let (start, end) = (text.floor_char_boundary(range.start), text.ceil_char_boundary(range.end));
        if start >= told {
            masked.push_str(&text[told..start]);
            match kind {
                Some(kind) => masked.push_str(&format!("[key of {kind}]")),
                None => masked.push_str("[secret]"),
            }
        }
        told = told.max(end);
    }
    masked.push_str(&text[told..]);
    Cow::Owned(masked)
}

/// Returns the owner of the key that a whole text is, by its form.
#[must_use]
pub fn kind_of(text: &str) -> Option<&'static str> {
    whole(text).map(|hit| hit.kind)
}

fn whole(text: &str) -> Option<Hit<'_>> {
    find(text.as_bytes()).into_iter().next().filter(|hit| hit.text.len() == text.len())
}

/// The provider whose form a key has, when its keys are never those of `provider`.
#[must_use]
pub fn other_provider(key: &str, provider: &str) -> Option<&'static str> {
    let hit = whole(key)?;
    let known = provider::find(provider);
    let all_are_marked =
        known.map_or(OTHERS_ALL_MARKED.contains(&provider), |known| known.all_keys_are_marked);
    let is_ours = hit.kind == provider || (hit.is_shared && !all_are_marked);
    (!is_ours && known.is_some()).then_some(hit.kind)
}

/// The provider whose mark a key bears, whole or not and in any case of letters, when it is none of `provider`.
#[must_use]
pub fn marked_as_anothers(key: &str, provider: &str) -> Option<&'static str> {
    let bears = |mark: &&MarkedKey| {
        key.get(..mark.prefix.len()).is_some_and(|begins| begins.eq_ignore_ascii_case(mark.prefix))
    };
    let mark = MARKED_KEYS.iter().chain(&OTHERS).find(bears)?;
    if mark.kind == provider || mark.is_shared {
        return other_provider(key, provider);
    }
    Some(mark.kind)
}

/// Letters and digits behind a mark from which a key is as long as one: theirs all have more.
const MIN_MARKED_BYTES: usize = 16;

/// Words of which a key consists, or that it has between its signs, where it stands for one.
const STAND_IN_WORDS: [&str; 14] = [
    "changeme",
    "dev",
    "demo",
    "dummy",
    "example",
    "fake",
    "local",
    "mock",
    "password",
    "placeholder",
    "sample",
    "secret",
    "test",
    "tests",
];

/// Equal letters or digits in a row that no key has by chance.
const MAX_EQUAL_BYTES: usize = 8;

/// Tells whether a key has the form of this provider's: one of its marks with what stands behind those, or of a key without a mark
/// the length and the letters.
#[must_use]
pub fn may_be_of(key: &str, provider: &KnownProvider) -> bool {
    if is_stand_in(key) {
        return false;
    }
    if kind_of(key) == Some(provider.name) {
        return true;
    }
    let of_provider = |mark: &&MarkedKey| mark.kind == provider.name;
    let is_marked = |mark: &MarkedKey| {
        let is_of_key = |byte: u8| is_word(byte) || byte == b'-';
        key.strip_prefix(mark.prefix)
            .is_some_and(|body| body.len() >= MIN_MARKED_BYTES && body.bytes().all(is_of_key))
    };
    let is_unmarked = |form: &UnmarkedKey| {
        let has_all = |of: fn(&u8) -> bool| key.as_bytes().iter().all(of);
        // All hexadecimal, where any letter may stand, it is a digest or a key of something else.
        let has_letters = if form.is_hex {
            has_all(u8::is_ascii_hexdigit)
        } else {
            has_all(u8::is_ascii_alphanumeric) && !has_all(u8::is_ascii_hexdigit)
        };
        key.len() == form.length && has_letters && is_varied(key.as_bytes())
    };
    // Where all are marked, the forms are known to the length.
    (!provider.all_keys_are_marked && MARKED_KEYS.iter().filter(of_provider).any(is_marked))
        || UNMARKED_KEYS.iter().filter(|form| form.kind == provider.name).any(is_unmarked)
}

/// Tells whether a text stands where a key is to go: words alone, one of those that people write there, or one letter again and
/// again.
fn is_stand_in(key: &str) -> bool {
    let is_sign = |letter: char| !letter.is_ascii_alphanumeric();
    let is_of_words = key.len() >= MIN_MARKED_BYTES
        && key.split(is_sign).count() > 2
        && key.bytes().all(|byte| byte.is_ascii_lowercase() || !byte.is_ascii_alphanumeric());
    let is_word = |word: &str| STAND_IN_WORDS.iter().any(|known| word.eq_ignore_ascii_case(known));
    let repeats = |letters: &[u8]| letters.iter().all(|letter| *letter == letters[0]);
    is_of_words || key.split(is_sign).any(is_word) || key.as_bytes().windows(MAX_EQUAL_BYTES).any(repeats)
}

/// Tells whether these bytes end in an escape, of which the last letter is no part of what follows: `\n`, `\u003d`, `\x3d`
/// (JSON, RFC 8259, 7), `%3D` (RFC 3986, 2.1), `=3D` (RFC 2045, 6.7).
fn follows_escape(before: &[u8]) -> bool {
    let is_hex = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_hexdigit);
    match before {
        [.., b'\\', b'n' | b'r' | b't' | b'b' | b'f' | b'v' | b'0'] => true,
        [.., b'=', b'3', b'D' | b'A']
        | [.., b'=', b'2', b'2' | b'7' | b'0']
        | [.., b'=', b'0', b'A' | b'D'] => true,
        [.., b'%', one, two] | [.., b'\\', b'x', one, two] => is_hex(&[*one, *two]),
        [.., b'\\', b'u', one, two, three, four] => is_hex(&[*one, *two, *three, *four]),
        _ => false,
    }
}

fn hit<'t>(text: &'t [u8], at: usize, steps: &mut usize) -> Option<Hit<'t>> {
    let rest = &text[at..];
    let begins = |key: &&MarkedKey| rest.starts_with(key.prefix.as_bytes());
    let keys = MARKED_KEYS.iter().chain(&OTHERS);
    let Some(first) = keys.clone().find(begins) else { return unmarked::hit(text, at, steps) };
    let prefix = first.prefix;
    // Several may begin alike, the narrowest first: the widest says where the key ends.
    let alike = || {
        keys.clone().skip_while(move |key| key.prefix != prefix).take_while(move |key| key.prefix == prefix)
    };
    let has_dashes = alike().any(|key| matches!(key.alphabet, Alphabet::Dashed | Alphabet::DashedRun));
    let belongs = |byte: &u8| byte.is_ascii_alphanumeric() || (has_dashes && b"-_".contains(byte));
    // Bounded, so that a text of nothing but beginnings takes no longer than another one.
    let body = rest[prefix.len()..].iter().take(MAX_KEY_BYTES).take_while(|byte| belongs(byte)).count();
    *steps += body;
    let length = prefix.len() + body;
    let inside = &rest[prefix.len()..length];
    if rest.get(length).copied().is_some_and(is_word) {
        return None;
    }
    let key =
        alike().find(|key| (key.least..=key.most).contains(&length) && has_alphabet(inside, key.alphabet))?;
    let found = std::str::from_utf8(&rest[..length]).ok()?;
    if key.kind == STRONGROOM && token::id_of(found).is_none() {
        return None;
    }
    is_varied(inside).then_some(Hit { kind: key.kind, text: found, at, is_shared: key.is_shared })
}

/// Tells whether a key's body is of an alphabet.
fn has_alphabet(body: &[u8], alphabet: Alphabet) -> bool {
    match alphabet {
        Alphabet::Plain => body.iter().all(u8::is_ascii_alphanumeric),
        Alphabet::LowerPlain => body.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase()),
        Alphabet::Dashed => true,
        Alphabet::DashedRun => has_run(body),
    }
}

/// Tells whether a key with dashes has the mark of OpenAI or a long run within, and both letters and digits.
fn has_run(body: &[u8]) -> bool {
    let is_run = |run: &[u8]| run.len() >= MIN_RUN_BYTES;
    body.windows(OPENAI_MARK.len()).any(|window| window == OPENAI_MARK)
        || body.split(|byte| b"-_".contains(byte)).any(is_run)
}

/// Tells whether there are more than four different bytes: what repeats one or two stands for a key in an example.
fn is_varied(body: &[u8]) -> bool {
    let mut seen = [false; 256];
    body.iter().for_each(|byte| seen[usize::from(*byte)] = true);
    seen.iter().filter(|seen| **seen).count() > 4
}

/// The text as UTF-8 when it is in UTF-16 or UTF-32: with a byte order mark, or told by the zeros of its first thousand bytes.
#[must_use]
pub fn in_eight_bits(bytes: &[u8]) -> Cow<'_, [u8]> {
    match bytes {
        [0xff, 0xfe, 0, 0, rest @ ..] => Cow::Owned(from_quads(rest, u32::from_le_bytes)),
        [0, 0, 0xfe, 0xff, rest @ ..] => Cow::Owned(from_quads(rest, u32::from_be_bytes)),
        [0xff, 0xfe, rest @ ..] => Cow::Owned(from_pairs(rest, u16::from_le_bytes)),
        [0xfe, 0xff, rest @ ..] => Cow::Owned(from_pairs(rest, u16::from_be_bytes)),
        _ => unmarked_in_eight_bits(bytes),
    }
}

fn unmarked_in_eight_bits(bytes: &[u8]) -> Cow<'_, [u8]> {
    let start = &bytes[..bytes.len().min(1024)];
    // Tells whether most bytes at these places of every group are zeros.
    let is_zero = |group: usize, place: usize| {
        let there = start.iter().skip(place).step_by(group);
        let (zeros, all) = (there.clone().filter(|byte| **byte == 0).count(), there.count());
        all >= 8 && zeros * 10 >= all * 8
    };
    let quads = [0, 1, 2, 3].map(|place| is_zero(4, place));
    match (quads, is_zero(2, 0), is_zero(2, 1)) {
        ([false, true, true, true], ..) => Cow::Owned(from_quads(bytes, u32::from_le_bytes)),
        ([true, true, true, false], ..) => Cow::Owned(from_quads(bytes, u32::from_be_bytes)),
        (_, false, true) => Cow::Owned(from_pairs(bytes, u16::from_le_bytes)),
        (_, true, false) => Cow::Owned(from_pairs(bytes, u16::from_be_bytes)),
        _ => Cow::Borrowed(bytes),
    }
}

fn from_pairs(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Vec<u8> {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    let text: String =
        char::decode_utf16(units).map(|it| it.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    text.into_bytes()
}

fn from_quads(bytes: &[u8], unit: fn([u8; 4]) -> u32) -> Vec<u8> {
    let units = bytes.chunks_exact(4).map(|quad| unit([quad[0], quad[1], quad[2], quad[3]]));
    let text: String = units.map(|it| char::from_u32(it).unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    text.into_bytes()
}

#[cfg(test)]
mod tests;
