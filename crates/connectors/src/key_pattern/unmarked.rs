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
    let own = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    // On a line of its own it belongs to the call that is open above it.
    let is_alone = own.iter().all(|byte| b" \t\r\"'`".contains(byte));
    let above = before[..before.len() - own.len()].trim_ascii_end();
    let opens = || is_alone && above.ends_with(b"(");
    let name = if opens() {
        above.rsplit(|byte| *byte == b'\n').next().unwrap_or_default().to_ascii_lowercase()
    } else {
        own.to_ascii_lowercase()
    };
    let body = &rest[..length];
    let is_assigned = name.iter().any(|byte| b"=:,(>".contains(byte))
        || has(&name, "%3d")
        || has(&name, "bearer")
        || is_set_behind_blank(&name);
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
    let fitting = || UNMARKED_KEYS.iter().filter(fits);
    let found = fitting()
        .find(is_named)
        .or_else(|| {
            let above = names_above(text, at, steps)?;
            fitting().find(|it| has(&above, it.word))
        })
        .or_else(|| {
            let beside = names_beside(text, at, length, steps)?;
            fitting().find(|it| has(&beside, it.word) && KEY_WORDS.iter().any(|word| has(&beside, word)))
        })
        .or_else(|| {
            let hosts = has(&name, "bearer").then(|| hosts_beside(text, at, length, steps))?;
            fitting().find(|it| has(&hosts, it.word))
        })?;
    let text = std::str::from_utf8(body).ok()?;
    Some(Hit { kind: found.kind, text, at, is_shared: false })
}

/// Tells whether a name of a variable stands before, with a blank behind it in place of a sign: `ENV NAME key`, `setx NAME key`,
/// `--mistral-api-key key`.
fn is_set_behind_blank(name: &[u8]) -> bool {
    let name = name.strip_suffix(b"\"").or_else(|| name.strip_suffix(b"'")).unwrap_or(name);
    let words = name.trim_ascii_end();
    let is_of_name = |byte: &&u8| is_word(**byte) || **byte == b'-';
    let length = words.iter().rev().take_while(is_of_name).count();
    let last = &words[words.len() - length..];
    words.len() < name.len() && last.iter().any(|byte| b"_-".contains(byte))
}

/// Names of what holds the value where another line has its name: in lists of variables of Kubernetes and of clouds, in Terraform,
/// in property lists.
const VALUE_NAMES: [&str; 8] =
    ["value", "default", "string", "stringvalue", "secretvalue", "plaintext", "val", "data"];

/// Lines above and below in which the name of a value is looked for, and bytes of them.
const MAX_LINES_ABOVE: usize = 4;
const MAX_BESIDE_BYTES: usize = 256;

/// What stands around a key that is only called a value, in lower case: the lines of the same thing that say whose it is.
fn names_beside(text: &[u8], at: usize, length: usize, steps: &mut usize) -> Option<Vec<u8>> {
    let above = &text[at.saturating_sub(MAX_BESIDE_BYTES)..at];
    let mut lines = above.rsplit(|byte| *byte == b'\n');
    let own = lines.next()?;
    let end = own.trim_ascii_end().len();
    let letters = own[..end].iter().rev().skip_while(|byte| !byte.is_ascii_alphanumeric());
    let mut last: Vec<u8> =
        letters.take_while(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase).collect();
    last.reverse();
    if !VALUE_NAMES.iter().any(|name| name.as_bytes() == last) {
        return None;
    }
    let below = &text[at + length..text.len().min(at + length + MAX_BESIDE_BYTES)];
    *steps += above.len() + below.len();
    let mut names = own.to_ascii_lowercase();
    // Another thing begins or ends with a bracket, with an item of a list, and with a value of its own.
    let is_other_value = |line: &[u8]| {
        let line = line.to_ascii_lowercase();
        VALUE_NAMES[..2].iter().any(|name| has(&line, name))
    };
    let is_item = is_item(own);
    if !is_item && !own.contains(&b'{') {
        for line in lines.take(MAX_LINES_ABOVE) {
            if line.contains(&b'}') || is_other_value(line) {
                break;
            }
            names.push(b'\n');
            names.extend(line.to_ascii_lowercase());
            if line.contains(&b'{') || self::is_item(line) {
                break;
            }
        }
    }
    for (number, line) in below.split(|byte| *byte == b'\n').take(2).enumerate() {
        let line = line.split(|byte| *byte == b'}').next().unwrap_or_default();
        if number > 0 && (self::is_item(line) || is_other_value(line) || line.contains(&b'{')) {
            break;
        }
        names.push(b'\n');
        names.extend(line.to_ascii_lowercase());
    }
    Some(names)
}

/// Bytes before and behind what is shown in a header in which the address is looked for that it is shown to.
const MAX_CALL_BYTES: usize = 512;

/// The hosts of the addresses around a key, in lower case, each on a line: of the same paragraph.
fn hosts_beside(text: &[u8], at: usize, length: usize, steps: &mut usize) -> Vec<u8> {
    let end = text.len().min(at + length + MAX_CALL_BYTES);
    let (before, behind) = (&text[at.saturating_sub(MAX_CALL_BYTES)..at], &text[at + length..end]);
    *steps += before.len() + behind.len();
    let before = memchr::memmem::rfind(before, b"\n\n").map_or(before, |blank| &before[blank..]);
    let behind = memchr::memmem::find(behind, b"\n\n").map_or(behind, |blank| &behind[..blank]);
    let mut hosts = Vec::new();
    for part in [before, behind] {
        for sign in memchr::memmem::find_iter(part, b"://") {
            let is_of_host = |byte: &&u8| byte.is_ascii_alphanumeric() || b".-".contains(*byte);
            hosts.extend(part[sign + 3..].iter().take_while(is_of_host).map(u8::to_ascii_lowercase));
            hosts.push(b'\n');
        }
    }
    hosts
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
        line[..end].iter().filter(|byte| !b" \t-_\"'<>".contains(byte)).map(u8::to_ascii_lowercase).collect();
    PLAIN_NAMES.iter().any(|name| name.as_bytes() == letters)
}

fn longest() -> usize {
    UNMARKED_KEYS.iter().map(|key| key.length).max().unwrap_or(0)
}
