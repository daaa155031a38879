//! Forms of keys: those of providers whose keys have a form of their own, and the tokens of strongroom.
//!
//! Some providers give out keys without a mark; those are found only behind a name that says whose key follows. The forms of
//! providers' keys stand in their files.

mod unmarked;

use std::borrow::Cow;

use strongroom_crypto::token;
use strongroom_model::provider::{self, Alphabet, MARKED_KEYS, MarkedKey};

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

/// Every key in a text, in their order. A key stands alone: no letter, digit or `_` is beside it, except as the end of
/// an escape such as `\n` or `%3D`.
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
        match is_start.then(|| hit(text, at, steps)).flatten() {
            Some(hit) => {
                at += hit.text.len();
                hits.push(hit);
            }
            None => at += 1,
        }
    }
    hits
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

/// The text as UTF-8 when it is in UTF-16: with a byte order mark, or told by the zeros of its first thousand bytes.
#[must_use]
pub fn in_eight_bits(bytes: &[u8]) -> Cow<'_, [u8]> {
    let start = &bytes[..bytes.len().min(1024)];
    let zeros = |offset: usize| {
        let of_offset = start.iter().skip(offset).step_by(2);
        (of_offset.clone().filter(|byte| **byte == 0).count(), of_offset.count())
    };
    let most = |(zeros, all): (usize, usize)| all >= 8 && zeros * 10 >= all * 8;
    let (unit, skipped): (fn([u8; 2]) -> u16, usize) = match bytes {
        [0xff, 0xfe, 0, 0, ..] => return Cow::Borrowed(bytes),
        [0xff, 0xfe, ..] => (u16::from_le_bytes, 2),
        [0xfe, 0xff, ..] => (u16::from_be_bytes, 2),
        _ if most(zeros(1)) && !most(zeros(0)) => (u16::from_le_bytes, 0),
        _ if most(zeros(0)) && !most(zeros(1)) => (u16::from_be_bytes, 0),
        _ => return Cow::Borrowed(bytes),
    };
    let units = bytes[skipped..].chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    let text: String =
        char::decode_utf16(units).map(|it| it.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    Cow::Owned(text.into_bytes())
}

#[cfg(test)]
mod tests;
