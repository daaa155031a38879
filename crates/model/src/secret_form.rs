//! The one check of secrets on their way in: unwraps what is certainly wrapping, and refuses what cannot be used.

use std::fmt;

use zeroize::Zeroizing;

use crate::provider::MARKED_KEYS;
use crate::secret::Secret;

/// Purpose of a secret; a provider's key has stricter rules than a second secret, which may be any password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A provider's key, which goes into a header of HTTP.
    ApiKey,
    /// A second secret.
    ApiSecret,
}

/// Something around a secret that is certainly no part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wrapping {
    /// U+FEFF, which Windows programs write at the start of a file.
    ByteOrderMark,
    /// A line feed or carriage return.
    LineBreak,
    /// Blanks or tabs.
    Blanks,
    /// The same quotes at both ends.
    Quotes,
}

impl fmt::Display for Wrapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ByteOrderMark => "a byte order mark",
            Self::LineBreak => "a line break",
            Self::Blanks => "blanks",
            Self::Quotes => "quotes",
        })
    }
}

/// A reason why a text cannot be stored as a secret, with the remedy. Nothing of the text is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Empty without its wrapping.
    Empty,
    /// Something is around it that [`clean`] would take off.
    Wrapped(Wrapping),
    /// A line break stands within.
    SeveralLines,
    /// A control character stands within.
    Control(char),
    /// A character that cannot be seen, or that changes the direction of writing.
    Invisible(char),
    /// A character outside ASCII, which no provider's key has.
    NotAscii(char),
    /// A quote at one end only, or quotes within.
    LooseQuote,
    /// An escape, such as `\n`, written out.
    Backslash,
    /// `NAME=value` or `NAME: value`.
    Assignment,
    /// `Bearer …`, as in a header.
    Scheme,
    /// Several keys.
    Several,
    /// A comma or semicolon at an end.
    Separator,
    /// A blank within what begins like a key.
    BlankWithin,
    /// A word that stands where a key is to go.
    Placeholder,
    /// `$NAME`, which nobody has replaced by its value.
    Variable,
    /// An address, or a reference into a password manager.
    Address,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("is empty; give the key itself"),
            Self::Wrapped(wrapping) => {
                write!(f, "must not start or end with wrapping, here {wrapping}; give the key alone")
            }
            Self::SeveralLines => f.write_str("has a line break within; give the key alone, on one line"),
            Self::Control(character) => write!(
                f,
                "holds the control character U+{:04X}; copy the key again, as plain text",
                u32::from(*character)
            ),
            Self::Invisible(character) => write!(
                f,
                "holds the invisible character U+{:04X}; copy the key again, as plain text",
                u32::from(*character)
            ),
            Self::NotAscii(character) => write!(
                f,
                "holds the character U+{:04X}, which no provider's key has; copy the key again, as plain text",
                u32::from(*character)
            ),
            Self::LooseQuote => {
                f.write_str("has a quote that is no part of a key; give the key without quotes")
            }
            Self::Backslash => {
                f.write_str("holds a backslash, such as a line break written as \\n; give the key alone")
            }
            Self::Assignment => {
                f.write_str("is a whole line with a name; give only what stands behind the `=` or `:`")
            }
            Self::Scheme => {
                f.write_str("begins like a header, with Bearer or another word; give only the key")
            }
            Self::Several => f.write_str("holds several keys; store each as a credential of its own"),
            Self::Separator => {
                f.write_str("starts or ends with a comma or semicolon; give the key without it")
            }
            Self::BlankWithin => f.write_str("has a blank within; give the key alone, in one piece"),
            Self::Placeholder => f.write_str("is a placeholder; give the key that the provider shows"),
            Self::Variable => {
                f.write_str("refers to a variable, which is not followed; give the value of the variable")
            }
            Self::Address => f.write_str("is an address or a reference, not a key; give the key itself"),
        }
    }
}

/// A secret without its wrapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleaned {
    /// The secret itself.
    pub secret: Secret,
    /// Wrappings that were around it, each kind once.
    pub removed: Vec<Wrapping>,
}

impl Cleaned {
    /// A sentence part such as `a line break and quotes`; `None` when nothing was around it.
    #[must_use]
    pub fn removed_text(&self) -> Option<String> {
        let words: Vec<_> = self.removed.iter().map(ToString::to_string).collect();
        match words.as_slice() {
            [] => None,
            [only] => Some(only.clone()),
            [first @ .., last] => Some(format!("{} and {last}", first.join(", "))),
        }
    }
}

/// Takes off what is certainly wrapping (byte order mark, line breaks, blanks, quotes at both ends) and checks the rest.
///
/// # Errors
/// [`Fault`] when what is left cannot be used as it stands.
pub fn clean(text: &str, purpose: Purpose) -> Result<Cleaned, Fault> {
    let mut removed = Vec::new();
    let mut inner = text;
    loop {
        let before = inner.len();
        inner = trim(inner, &mut removed);
        if let Some(inside) = unquoted(inner) {
            removed.push(Wrapping::Quotes);
            inner = inside;
        }
        if inner.len() == before {
            break;
        }
    }
    check_bare(inner, purpose)?;
    removed.sort_unstable();
    removed.dedup();
    Ok(Cleaned { secret: Secret::from(inner), removed })
}

/// Key in the API documentation of the original application. Its clients try the routes with it, so that
/// over the API it is taken; where people give keys it is refused as the placeholder that it is.
const DOCUMENTED_EXAMPLE: &str = "sk-...";

/// Checks a secret that is to be stored exactly as it is.
///
/// # Errors
/// [`Fault`] when it is wrapped or cannot be used.
pub fn check(secret: &Secret, purpose: Purpose) -> Result<(), Fault> {
    if *secret == Secret::from(DOCUMENTED_EXAMPLE) {
        return Ok(());
    }
    let cleaned = clean(secret.expose(), purpose)?;
    cleaned.removed.first().map_or(Ok(()), |wrapping| Err(Fault::Wrapped(*wrapping)))
}

/// Checks a secret that another application accepted before: what it holds is kept, odd as it is, unless it certainly
/// is no secret by itself.
///
/// # Errors
/// [`Fault`] when it is wrapped, or one of several, or a line with a name.
pub fn check_moved(secret: &Secret, purpose: Purpose) -> Result<(), Fault> {
    let text = secret.expose();
    match check(secret, purpose) {
        Err(fault @ (Fault::Empty | Fault::Assignment | Fault::Scheme | Fault::LooseQuote)) => Err(fault),
        // In one piece it is a key with blanks around; a text of several words may end in one.
        Err(Fault::Wrapped(Wrapping::Blanks)) if text.trim().contains(' ') => Ok(()),
        Err(fault @ Fault::Wrapped(_)) => Err(fault),
        Err(Fault::Several) if parts(text).filter(|part| begins_like_a_key(part)).count() > 1 => {
            Err(Fault::Several)
        }
        _ => Ok(()),
    }
}

/// Kind of wrapping that a character at an end is.
fn wrapping(character: char) -> Option<Wrapping> {
    match character {
        '\u{feff}' => Some(Wrapping::ByteOrderMark),
        '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some(Wrapping::LineBreak),
        other => other.is_whitespace().then_some(Wrapping::Blanks),
    }
}

fn trim<'t>(text: &'t str, removed: &mut Vec<Wrapping>) -> &'t str {
    let inner = text.trim_matches(|character| wrapping(character).is_some());
    let end = text.trim_start_matches(|character| wrapping(character).is_some());
    let (start, end) = (&text[..text.len() - end.len()], &end[inner.len()..]);
    for kind in start.chars().chain(end.chars()).filter_map(wrapping) {
        if !removed.contains(&kind) {
            removed.push(kind);
        }
    }
    inner
}

/// Pairs of quotes, as people and word processors write them.
const QUOTES: [(char, char); 8] = [
    ('"', '"'),
    ('\'', '\''),
    ('`', '`'),
    ('\u{201c}', '\u{201d}'),
    ('\u{201e}', '\u{201c}'),
    ('\u{201d}', '\u{201d}'),
    ('\u{2018}', '\u{2019}'),
    ('\u{ab}', '\u{bb}'),
];

fn unquoted(text: &str) -> Option<&str> {
    QUOTES.iter().find_map(|(open, close)| text.strip_prefix(*open)?.strip_suffix(*close))
}

fn is_quote(character: char) -> bool {
    QUOTES.iter().any(|(open, close)| character == *open || character == *close)
}

/// Characters that cannot be seen, or that change how text around them is shown (Unicode, general category Cf, and
/// fillers that are drawn as nothing).
#[must_use]
pub fn is_invisible(character: char) -> bool {
    matches!(
        u32::from(character),
        0xad | 0x34f | 0x600..=0x605 | 0x61c | 0x6dd | 0x70f | 0x115f | 0x1160 | 0x17b4 | 0x17b5
            | 0x180b..=0x180f | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0x3164
            | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff0..=0xfffb | 0x110bd | 0x110cd
            | 0x13430..=0x1343f | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a | 0xe0000..=0xe0fff
    )
}

/// Beginnings that only keys have, beside those of [`MARKED_KEYS`].
const OTHER_BEGINNINGS: [&str; 7] = ["sk_", "hf_", "r8_", "key_", "csk-", "fw_", "nvapi-"];

/// All beginnings that only keys have.
fn beginnings() -> impl Iterator<Item = &'static str> {
    MARKED_KEYS.iter().map(|key| key.prefix).chain(OTHER_BEGINNINGS)
}

/// Length from which each of two parts is taken for a key.
const MIN_KEY_PART_BYTES: usize = 16;

fn check_bare(text: &str, purpose: Purpose) -> Result<(), Fault> {
    if text.is_empty() {
        return Err(Fault::Empty);
    }
    if purpose == Purpose::ApiKey && !is_object(text) {
        check_parts(text)?;
        check_key(text)?;
    }
    for character in text.chars() {
        if matches!(character, '\n' | '\r' | '\u{85}') {
            return Err(Fault::SeveralLines);
        }
        if character.is_control() {
            return Err(Fault::Control(character));
        }
        if is_invisible(character) {
            return Err(Fault::Invisible(character));
        }
    }
    if has_loose_quote(text) {
        return Err(Fault::LooseQuote);
    }
    if purpose == Purpose::ApiKey && !is_object(text) { check_characters(text) } else { Ok(()) }
}

/// Tells whether a quote stands at an end of one word, or at one end of several words without another of its kind within.
fn has_loose_quote(text: &str) -> bool {
    let ends = [text.chars().next(), text.chars().next_back()];
    let is_one_word = !text.contains(char::is_whitespace);
    let is_loose = |end: char| is_one_word || text.matches(end).count() % 2 == 1;
    ends.into_iter().flatten().filter(|end| is_quote(*end)).any(is_loose)
}

/// The JSON object that is a service account's key, with commas, quotes and backslashes of its own.
fn is_object(text: &str) -> bool {
    text.starts_with('{') && text.ends_with('}') && text.contains("\"private_key\":")
}

/// Parts between the separators of lists.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let is_separator = |character: char| ",;|".contains(character) || character.is_whitespace();
    text.split(is_separator).map(|part| part.trim_matches(is_quote)).filter(|part| !part.is_empty())
}

fn begins_like_a_key(part: &str) -> bool {
    beginnings().any(|beginning| part.starts_with(beginning))
}

/// Several keys in one text, separated by anything that lists are separated by.
fn check_parts(text: &str) -> Result<(), Fault> {
    let has_comma = text.contains([',', ';']);
    let keys = parts(text).filter(|part| begins_like_a_key(part)).count();
    let long = parts(text).filter(|part| part.len() >= MIN_KEY_PART_BYTES).count();
    if keys > 1 || long > 1 || (has_comma && parts(text).count() > 1) {
        return Err(Fault::Several);
    }
    if has_comma {
        return Err(Fault::Separator);
    }
    Ok(())
}

fn check_key(text: &str) -> Result<(), Fault> {
    if has_scheme(text) {
        return Err(Fault::Scheme);
    }
    if text.starts_with("${") || text.starts_with("$(") || is_variable(text) {
        return Err(Fault::Variable);
    }
    if is_assignment(text) {
        return Err(Fault::Assignment);
    }
    if is_address(text) {
        return Err(Fault::Address);
    }
    if is_placeholder(text) {
        return Err(Fault::Placeholder);
    }
    Ok(())
}

/// Characters that no header of HTTP carries, or that only stand around a key.
fn check_characters(text: &str) -> Result<(), Fault> {
    let is_key = |part: &str| {
        begins_like_a_key(part)
            || (part.len() >= MIN_KEY_PART_BYTES
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)))
    };
    // Also behind a name, as in a line that is commented out.
    let is_between =
        |character: char| character.is_whitespace() || is_quote(character) || "=:".contains(character);
    if text.contains(char::is_whitespace) && text.split(is_between).any(is_key) {
        return Err(Fault::BlankWithin);
    }
    let escapes = |(at, _): (usize, &str)| {
        text[at + 1..].chars().next().is_none_or(|next| "nrtuvx0\"'\\".contains(next))
    };
    if text.match_indices('\\').any(escapes) {
        return Err(Fault::Backslash);
    }
    if let Some(character) = text.chars().find(|character| !character.is_ascii()) {
        return Err(Fault::NotAscii(character));
    }
    Ok(())
}

fn strip_prefix_ignoring_case<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

/// A scheme of the `Authorization` header (RFC 9110, 11.6.2), or a word that people use like one, before a key.
fn has_scheme(text: &str) -> bool {
    let is_key = |rest: &str| begins_like_a_key(rest) || rest.len() >= MIN_KEY_PART_BYTES;
    let follows = |word: &str, signs: &[char]| {
        strip_prefix_ignoring_case(text, word).filter(|rest| rest.starts_with(signs)).map(str::trim_start)
    };
    follows("bearer", &[' ', '\t', ':']).is_some()
        || ["basic", "token", "apikey", "api-key", "key"]
            .into_iter()
            .any(|word| follows(word, &[' ', '\t']).is_some_and(|rest| is_key(rest) && !rest.contains(' ')))
}

fn is_variable(text: &str) -> bool {
    let is_name = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    text.strip_prefix('$').is_some_and(is_name)
        || text.strip_prefix('%').and_then(|rest| rest.strip_suffix('%')).is_some_and(is_name)
}

/// Words before a name in the lines of shells and container files.
const KEYWORDS: [&str; 8] = ["export ", "set ", "setx ", "env ", "declare -x ", "-e ", "--env ", "- "];

/// Ends of names that hold secrets.
const NAME_ENDS: [&str; 8] =
    ["key", "keys", "token", "secret", "password", "auth", "authorization", "credential"];

fn is_assignment(text: &str) -> bool {
    let stripped = KEYWORDS.iter().find_map(|word| strip_prefix_ignoring_case(text, word));
    let line = stripped.unwrap_or(text).trim_start();
    let line = strip_prefix_ignoring_case(line, "$env:")
        .unwrap_or(line)
        .trim_start_matches(['{', ' ', '-', '"', '\'']);
    let Some(at) = line.find(['=', ':']) else { return false };
    let (name, value) = (line[..at].trim_end().trim_end_matches(['"', '\'']), &line[at + 1..]);
    let is_name = !name.is_empty()
        && name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.- ".contains(&byte));
    // Only padding of base64 follows.
    if !is_name || value.trim_matches('=').trim().is_empty() {
        return false;
    }
    let lower = name.to_ascii_lowercase();
    let plain = lower.trim_end_matches(|last: char| last.is_ascii_digit() || last == '_');
    let is_upper = name.contains('_') && name.bytes().all(|byte| !byte.is_ascii_lowercase());
    stripped.is_some() || is_upper || NAME_ENDS.iter().any(|end| plain.ends_with(end))
}

fn is_address(text: &str) -> bool {
    let Some((scheme, _)) = text.split_once("://") else { return false };
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte))
}

/// Words that people write where a key is to go.
const STAND_INS: [&str; 26] = [
    "changeme",
    "change_me",
    "change-me",
    "replaceme",
    "replace_me",
    "replace-me",
    "placeholder",
    "todo",
    "tbd",
    "fixme",
    "none",
    "null",
    "nil",
    "undefined",
    "empty",
    "secret",
    "dummy",
    "fake",
    "test",
    "testing",
    "key",
    "apikey",
    "api_key",
    "api-key",
    "n/a",
    "unset",
];

/// Beginnings of keys behind which a stand-in may follow, beside those of [`MARKED_KEYS`].
const STAND_IN_BEGINNINGS: [&str; 3] = ["sk-ant-api03-", "hf_", "r8_"];

/// Number of equal digits that are taken for a placeholder.
const STAND_IN_DIGITS: usize = 8;

fn is_placeholder(text: &str) -> bool {
    let lower = Zeroizing::new(text.to_ascii_lowercase());
    let behind = |beginning: &str| {
        let begins = lower.get(..beginning.len()).is_some_and(|it| it.eq_ignore_ascii_case(beginning));
        begins.then(|| &lower[beginning.len()..])
    };
    let marked = MARKED_KEYS.iter().map(|key| key.prefix);
    let tail = STAND_IN_BEGINNINGS.into_iter().chain(marked).find_map(behind).unwrap_or(&lower);
    // A short number may happen to be of one digit, again and again.
    let is_number =
        tail.len() < STAND_IN_DIGITS && tail.starts_with(|character: char| character.is_ascii_digit());
    let is_one_character =
        tail.len() != 1 && !is_number && tail.chars().all(|character| tail.starts_with(character));
    let is_bracketed = [('<', '>'), ('[', ']'), ('{', '}')]
        .iter()
        .any(|(open, close)| text.starts_with(*open) && text.ends_with(*close));
    // Told by words with separators around them: a real key may hold the letters of any short word.
    let mut words = lower.split(|character: char| !character.is_ascii_alphanumeric());
    let has_word = words.any(|word| ["example", "placeholder", "changeme"].contains(&word));
    let is_one_word = !text.contains(' ');
    let is_told_to = lower.contains("your")
        && ["key", "here", "token", "secret", "api"].iter().any(|word| lower.contains(word));
    STAND_INS.contains(&tail)
        || is_one_character
        || is_bracketed
        || is_told_to
        || tail.contains("...")
        || tail.contains('\u{2026}')
        || lower.contains("key_here")
        || lower.contains("key-here")
        || (is_one_word && (has_word || tail.contains("xxxxxx") || tail.contains("******")))
        || tail.chars().all(|character| "x-_*.".contains(character)) && tail.len() > 1
}

#[cfg(test)]
mod tests;
