//! Keys without a mark of their own, found behind or below a name that says whose key follows.

use strongroom_model::provider::{UNMARKED_KEYS, UnmarkedKey};

use super::{Hit, is_varied, is_word};

/// Bytes before a key in which its name is looked for: a name, signs and quotes.
const MAX_NAME_BYTES: usize = 64;

/// Bytes before a key in which the names are looked for that it stands below, as in YAML, JSON and TOML.
const MAX_ABOVE_BYTES: usize = 1024;

/// Words of a name that holds a key.
const KEY_WORDS: [&str; 4] = ["key", "token", "secret", "bearer"];

/// Names that say that a key follows and not whose, without signs between their words.
const PLAIN_NAMES: [&str; 9] =
    ["key", "apikey", "token", "apitoken", "authtoken", "accesstoken", "secret", "secretkey", "apisecret"];

/// The key that begins here, when what stands before it on its line, or above it, names its provider.
pub(super) fn hit<'t>(text: &'t [u8], at: usize, steps: &mut usize) -> Option<Hit<'t>> {
    let rest = &text[at..];
    let length = rest.iter().take(longest() + 1).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    *steps += length;
    if !UNMARKED_KEYS.iter().any(|key| key.length == length)
        || rest.get(length).is_some_and(|byte| is_word(*byte) || *byte == b'-')
    {
        return None;
    }
    let before = &text[at.saturating_sub(MAX_NAME_BYTES)..at];
    *steps += before.len();
    let name = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default().to_ascii_lowercase();
    let body = &rest[..length];
    let is_assigned =
        name.iter().any(|byte| b"=:,(".contains(byte)) || has(&name, "%3d") || has(&name, "bearer");
    let is_key = is_assigned
        && body.iter().any(u8::is_ascii_digit)
        && body.iter().any(u8::is_ascii_alphabetic)
        && is_varied(body);
    if !is_key {
        return None;
    }
    let says_key = KEY_WORDS.iter().any(|word| has(&name, word));
    let fits =
        |it: &&UnmarkedKey| it.length == length && (!it.is_hex || body.iter().all(u8::is_ascii_hexdigit));
    let is_named = |it: &&UnmarkedKey| (says_key && has(&name, it.word)) || is_called(&name, it.word);
    let mut fitting = UNMARKED_KEYS.iter().filter(fits);
    let found = fitting.clone().find(is_named).or_else(|| {
        let above = names_above(text, at, steps)?;
        fitting.find(|it| has(&above, it.word))
    })?;
    let text = std::str::from_utf8(body).ok()?;
    Some(Hit { kind: found.kind, text, at, is_shared: false })
}

fn has(name: &[u8], word: &str) -> bool {
    name.windows(word.len()).any(|window| window == word.as_bytes())
}

/// Tells whether what stands before a key makes a client of this name, as in `cohere.Client("`.
fn is_called(name: &[u8], word: &str) -> bool {
    let Some(at) = name.windows(word.len()).rposition(|window| window == word.as_bytes()) else {
        return false;
    };
    let behind = &name[at + word.len()..];
    let Some(open) = behind.iter().position(|byte| *byte == b'(') else { return false };
    behind[..open].iter().all(|byte| is_word(*byte) || *byte == b'.')
        && behind[open + 1..].iter().all(|byte| b"\"'` \t".contains(byte))
}

/// The lines that a key with a plain name such as `api_key` stands below, and those beside it, in lower case: up to the
/// outermost, or to the heading of a section.
fn names_above(text: &[u8], at: usize, steps: &mut usize) -> Option<Vec<u8>> {
    let above = &text[at.saturating_sub(MAX_ABOVE_BYTES)..at];
    let mut lines = above.rsplit(|byte| *byte == b'\n');
    let own = lines.next()?;
    if !is_plain_name(own) {
        return None;
    }
    *steps += above.len();
    let is_nested = depth(own) > 0;
    let (mut least, mut may_be_beside) =
        (if is_item(own) { blanks(own) + 1 } else { depth(own) }, !is_item(own));
    let mut names = Vec::new();
    for line in lines.map(<[u8]>::trim_ascii_end).filter(|line| !line.is_empty()) {
        let this = depth(line);
        let is_heading = line.starts_with(b"[") && line.ends_with(b"]");
        if is_heading || (is_nested && (this < least || (may_be_beside && this == least))) {
            names.extend(line.to_ascii_lowercase());
            names.push(b'\n');
            may_be_beside &= this == least && !is_item(line);
            // Nothing but what the whole list is below stands above its item.
            least = if is_item(line) { blanks(line) + 1 } else { this };
        }
        if is_heading || (is_nested && this == 0) {
            break;
        }
    }
    Some(names)
}

fn blanks(line: &[u8]) -> usize {
    line.iter().take_while(|byte| b" \t".contains(byte)).count()
}

/// Tells whether an item of a list in YAML begins here.
fn is_item(line: &[u8]) -> bool {
    line.trim_ascii_start().starts_with(b"- ")
}

fn depth(line: &[u8]) -> usize {
    blanks(line) + if is_item(line) { 2 } else { 0 }
}

fn is_plain_name(line: &[u8]) -> bool {
    let end = line.iter().position(|byte| b":=".contains(byte)).unwrap_or(line.len());
    let letters: Vec<_> =
        line[..end].iter().filter(|byte| !b" \t-_\"'".contains(byte)).map(u8::to_ascii_lowercase).collect();
    PLAIN_NAMES.iter().any(|name| name.as_bytes() == letters)
}

fn longest() -> usize {
    UNMARKED_KEYS.iter().map(|key| key.length).max().unwrap_or(0)
}
