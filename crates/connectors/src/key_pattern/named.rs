//! What a text holds that is secret by its name or its place and not by its form: `Authorization: Bearer …`, `x-api-key: …`,
//! `ENCRYPTION_KEY=…`, passwords in addresses, web tokens, private keys.

use std::ops::Range;

use super::foreign::{beginning, is_web_token};
use super::is_word;

mod apart;

/// Bytes before a sign in which a name is looked for.
const MAX_NAME_BYTES: usize = 64;
/// Bytes of a value by which it is judged, so that the work grows with the text alone; a longer one is masked to its end.
const MAX_VALUE_BYTES: usize = 1024;
/// A shorter value of a key's name is a word.
const MIN_KEY_BYTES: usize = 12;
/// A shorter value of a password's name is none.
const MIN_PASSWORD_BYTES: usize = 4;
/// The shortest body of a foreign key.
const MIN_FOREIGN_BYTES: usize = 12;

/// Last words of names whose values are keys.
const KEYS: [&str; 19] = [
    "key",
    "keys",
    "apikey",
    "token",
    "tokens",
    "secret",
    "secrets",
    "credential",
    "credentials",
    "signature",
    "cookie",
    "session",
    "bearer",
    "authorization",
    "auth",
    "hmac",
    "jwt",
    "pat",
    "sig",
];

/// The same as the end of a word, where no other word ends so.
const KEY_ENDS: [&str; 8] =
    ["accesskey", "apikey", "authkey", "authtoken", "privatekey", "secret", "secretkey", "token"];
const PASSWORD_ENDS: [&str; 4] = ["password", "passwd", "passphrase", "pwd"];

/// Last words of names whose values are passwords, however short.
const PASSWORDS: [&str; 6] = ["password", "passwd", "pwd", "pass", "passphrase", "pin"];

/// Words in front of what is shown to somebody (RFC 9110, section 11.1).
const SCHEMES: [&str; 5] = ["bearer", "basic", "token", "apikey", "digest"];

/// The places of such values in a text, in any order.
pub(super) fn find_named(text: &[u8]) -> Vec<Range<usize>> {
    let mut found = private_keys(text);
    let mut at = 0;
    while at < text.len() {
        let is_start = at == 0 || !is_word(text[at - 1]);
        if is_start && let Some(end) = token_at(text, at) {
            found.push(at..end);
            at = end;
            continue;
        }
        let value = match text[at] {
            b':' if text[at..].starts_with(b"://") => password_of_address(text, at),
            b':' | b'=' => value_behind(text, at).or_else(|| apart::value_of_pair(text, at)),
            b',' => apart::behind_quoted_name(text, at),
            b'>' => apart::in_element(text, at),
            b'{' => apart::in_block(text, at),
            byte if byte.is_ascii_whitespace() => {
                behind_scheme(text, at).or_else(|| apart::behind_blank(text, at))
            }
            _ => None,
        };
        // One may stand before this place, as the password in `-pword` before its blank.
        at = value.as_ref().map_or(at + 1, |value| value.end.max(at + 1));
        found.extend(value);
    }
    found
}

/// The end of a web token, or of a foreign key, that begins here.
fn token_at(text: &[u8], at: usize) -> Option<usize> {
    let rest = &text[at..];
    let is_of_token = |byte: &&u8| is_word(**byte) || b"-.".contains(*byte);
    let length = || rest.iter().take(MAX_VALUE_BYTES).take_while(is_of_token).count();
    let length = if rest.starts_with(b"eyJ") {
        let length = length();
        let whole = std::str::from_utf8(&rest[..length]).ok()?.trim_end_matches('.');
        is_web_token(whole).then_some(if length < MAX_VALUE_BYTES { whole.len() } else { length })?
    } else {
        let begins = beginning(rest)?;
        let length = length();
        (length >= begins + MIN_FOREIGN_BYTES && has_digit(&rest[begins..length])).then_some(length)?
    };
    if length < MAX_VALUE_BYTES {
        return Some(at + length);
    }
    Some(at + rest.iter().take_while(is_of_token).count())
}

fn has_digit(text: &[u8]) -> bool {
    text.iter().any(u8::is_ascii_digit)
}

/// The value behind the sign at this place, when the name before it is one of a secret.
fn value_behind(text: &[u8], sign: usize) -> Option<Range<usize>> {
    let before = &text[sign.saturating_sub(MAX_NAME_BYTES)..sign];
    let before = before.trim_ascii_end();
    // A quoted name in JSON, in Python, in JSON within JSON.
    let end = before.len() - before.iter().rev().take_while(|byte| b"\"'`\\]".contains(byte)).count();
    let is_of_name = |byte: &&u8| is_word(**byte) || b"-.".contains(*byte);
    let length = before[..end].iter().rev().take_while(is_of_name).count();
    let name = &before[end - length..end];
    let kind = kind_of_name(name)?;
    let skipped =
        |start: usize, signs: &[u8]| text[start..].iter().take_while(|byte| signs.contains(byte)).count();
    let mut start = sign + 1;
    // `:=`, `=>`, `==`.
    start += skipped(start, b"=>");
    start += skipped(start, b" \t");
    start += apart::to_next_line(text, start, before);
    value_at(text, start, kind)
}

/// What a name says of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Key,
    /// What is shown in a header, perhaps in several words.
    Shown,
    Password,
}

/// What a name says, when it is one of a secret.
fn kind_of_name(name: &[u8]) -> Option<Kind> {
    let last = last_word(name);
    let ends = |ends: &[&str]| ends.iter().any(|end| last.ends_with(end));
    if last == "authorization" {
        Some(Kind::Shown)
    } else if KEYS.contains(&&*last) || ends(&KEY_ENDS) {
        Some(Kind::Key)
    } else {
        (PASSWORDS.contains(&&*last) || ends(&PASSWORD_ENDS)).then_some(Kind::Password)
    }
}

/// The value that begins here, with its quotes and what stands before it in a header, if it is one of a secret.
fn value_at(text: &[u8], mut start: usize, kind: Kind) -> Option<Range<usize>> {
    let quote = text[start..].iter().take_while(|byte| b"\"'`\\".contains(byte)).count();
    start += quote;
    // A scheme stands before what is shown.
    for scheme in SCHEMES {
        let rest = &text[start..];
        if rest.len() > scheme.len()
            && rest[..scheme.len()].eq_ignore_ascii_case(scheme.as_bytes())
            && rest[scheme.len()] == b' '
        {
            start += scheme.len() + 1;
        }
    }
    let is_quoted = quote > 0;
    let ends = |byte: &u8| match byte {
        b'\n' | b'\r' | b'"' | b'\'' | b'`' => true,
        b' ' | b'\t' | b',' | b';' | b'}' | b')' | b'<' | b'&' => !is_quoted || kind == Kind::Shown,
        _ => false,
    };
    let rest = &text[start..];
    let most = &rest[..rest.len().min(MAX_VALUE_BYTES)];
    let value = most[..most.iter().position(ends).unwrap_or(most.len())].trim_ascii_end();
    let value = value.strip_suffix(b"\\").unwrap_or(value);
    let is_secret = if kind == Kind::Password { is_password_like(value) } else { is_key_like(value) };
    is_secret.then(|| {
        let is_long = value.len() == MAX_VALUE_BYTES;
        let end = if is_long { rest.iter().position(ends).unwrap_or(rest.len()) } else { value.len() };
        start..start + end
    })
}

/// The last word of a name, in lower case: of `x-api-key` and `apiKey` it is `key`.
fn last_word(name: &[u8]) -> String {
    let name = String::from_utf8_lossy(name);
    let name = name.trim_end_matches(|last: char| last.is_ascii_digit() || "_-.".contains(last));
    let last = name.rsplit(['_', '-', '.']).next().unwrap_or_default();
    let at = last.char_indices().rev().find(|(at, letter)| {
        letter.is_ascii_uppercase() && *at > 0 && last.as_bytes()[at - 1].is_ascii_lowercase()
    });
    last[at.map_or(0, |(at, _)| at)..].to_ascii_lowercase()
}

fn is_key_like(value: &[u8]) -> bool {
    let is_words = value.iter().all(|byte| byte.is_ascii_lowercase() || b" _.'".contains(byte));
    value.len() >= MIN_KEY_BYTES && !is_words && !value.contains(&b' ') && !value.starts_with(b"[key of ")
}

fn is_password_like(value: &[u8]) -> bool {
    let is_nothing =
        ["none", "null", "true", "false", "undefined", "missing", "required", "incorrect", "invalid"]
            .iter()
            .any(|word| value.eq_ignore_ascii_case(word.as_bytes()));
    value.len() >= MIN_PASSWORD_BYTES && !is_nothing && !value.contains(&b' ')
}

/// What stands behind `Bearer ` and the like, wherever that is.
fn behind_scheme(text: &[u8], blank: usize) -> Option<Range<usize>> {
    let word = text[..blank].iter().rev().take(MAX_NAME_BYTES).take_while(|byte| is_word(**byte)).count();
    let word = &text[blank - word..blank];
    if !["bearer", "basic"].iter().any(|scheme| word.eq_ignore_ascii_case(scheme.as_bytes())) {
        return None;
    }
    let start = blank + 1;
    let is_of_token = |byte: &&u8| is_word(**byte) || b"-.~+/=".contains(*byte);
    let length = text[start..].iter().take_while(is_of_token).count();
    let value = &text[start..start + length];
    let is_opaque = has_digit(value) || value.iter().any(u8::is_ascii_uppercase);
    (length >= MIN_KEY_BYTES && is_opaque).then_some(start..start + length)
}

/// The password in `scheme://name:password@host`, of which the sign stands here.
fn password_of_address(text: &[u8], sign: usize) -> Option<Range<usize>> {
    let start = sign + 3;
    let end = |byte: &u8| byte.is_ascii_whitespace() || b"/\"'<>`?#".contains(byte);
    let rest = &text[start..text.len().min(start + MAX_VALUE_BYTES)];
    let authority = &rest[..rest.iter().position(end).unwrap_or(rest.len())];
    let at = authority.iter().rposition(|byte| *byte == b'@')?;
    let colon = authority[..at].iter().position(|byte| *byte == b':')?;
    (colon + 1 < at).then_some(start + colon + 1..start + at)
}

/// Private keys in PEM (RFC 7468), with their lines.
fn private_keys(text: &[u8]) -> Vec<Range<usize>> {
    let (begin, end) = (b"PRIVATE KEY-----", b"-----END ");
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = memchr::memmem::find(&text[from..], begin) {
        let start = from + at + begin.len();
        let length = memchr::memmem::find(&text[start..], end).unwrap_or(text.len() - start);
        found.push(start..start + length);
        // Behind the name in the last line, which is the same.
        from = (start + length + end.len() + begin.len()).min(text.len());
    }
    found
}
