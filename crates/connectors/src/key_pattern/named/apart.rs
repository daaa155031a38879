//! Secrets whose names stand elsewhere than before a sign: in lists and pairs as libraries print headers, in elements of XML, in lists
//! of variables with a name and a value each, behind options of commands, in sentences.

use std::ops::Range;

use super::{
    Kind, MAX_NAME_BYTES, MAX_VALUE_BYTES, has_digit, is_key_like, is_password_like, kind_of_name, value_at,
};
use crate::key_pattern::is_word;

/// Bytes before and behind a value in which its name is looked for.
const MAX_BESIDE_BYTES: usize = 192;

const fn is_of_name(byte: u8) -> bool {
    is_word(byte) || byte == b'-' || byte == b'.'
}

/// The name at the end of a text.
fn last_name(text: &[u8]) -> &[u8] {
    let text = &text[text.len().saturating_sub(MAX_NAME_BYTES)..];
    let length = text.iter().rev().take_while(|byte| is_of_name(**byte)).count();
    &text[text.len() - length..]
}

/// The value of `('x-api-key', '…')`, whose comma stands here.
pub(super) fn behind_quoted_name(text: &[u8], comma: usize) -> Option<Range<usize>> {
    let before = text[..comma].strip_suffix(b"\\\"").or_else(|| text[..comma].strip_suffix(b"\""));
    let before = before.or_else(|| text[..comma].strip_suffix(b"'"))?;
    let kind = kind_of_name(last_name(before))?;
    let blanks = text[comma + 1..].iter().take(4).take_while(|byte| b" b\n\t".contains(byte)).count();
    let start = comma + 1 + blanks;
    matches!(text.get(start), Some(b'"' | b'\'' | b'\\')).then(|| value_at(text, start, kind))?
}

/// Names of elements that hold the value of the one before them.
const VALUE_ELEMENTS: [&[u8]; 4] = [b"string", b"value", b"Value", b"data"];

/// The value of `<apiKey>…</apiKey>`, or of `<key>apiKey</key><string>…</string>`, of which the first bracket closes here.
pub(super) fn in_element(text: &[u8], close: usize) -> Option<Range<usize>> {
    let before = &text[close.saturating_sub(MAX_NAME_BYTES)..close];
    let open = before.iter().rposition(|byte| b"<>".contains(byte)).filter(|at| before[*at] == b'<')?;
    let tag = &before[open + 1..];
    let tag = &tag[..tag.iter().position(|byte| !is_of_name(*byte)).unwrap_or(tag.len())];
    let kind = if VALUE_ELEMENTS.contains(&tag) {
        let start = close - (before.len() - open);
        let above =
            text[start.saturating_sub(MAX_BESIDE_BYTES)..start].trim_ascii_end().strip_suffix(b">")?;
        let end =
            above.iter().rposition(|byte| *byte == b'<').filter(|at| above.get(at + 1) == Some(&b'/'))?;
        kind_of_name(last_name(above[..end].trim_ascii_end()))?
    } else if tag.eq_ignore_ascii_case(b"key") && is_before_a_value(&text[close..]) {
        return None;
    } else {
        kind_of_name(tag)?
    };
    let blanks =
        text[close + 1..].iter().take(MAX_NAME_BYTES).take_while(|byte| byte.is_ascii_whitespace()).count();
    value_at(text, close + 1 + blanks, kind)
}

/// Tells whether an element ends that another follows which holds its value: `key` names what is no key in a property list.
fn is_before_a_value(text: &[u8]) -> bool {
    let text = &text[..text.len().min(MAX_BESIDE_BYTES)];
    let Some(end) = memchr::memmem::find(text, b"</") else { return false };
    let Some(close) = text[end..].iter().position(|byte| *byte == b'>') else { return false };
    let next = text[end + close + 1..].trim_ascii_start().strip_prefix(b"<");
    next.is_some_and(|next| VALUE_ELEMENTS.iter().any(|element| next.starts_with(element)))
}

/// Names of what holds a value whose name stands beside it.
const VALUES: [&[u8]; 4] = [b"value", b"val", b"default", b"data"];
/// Names of what holds that name.
const NAMES: [&[u8]; 5] = [b"name", b"key", b"header", b"variable", b"field"];

fn is_one_of(name: &[u8], names: &[&[u8]]) -> bool {
    names.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// The value of `name: …` and `value: …`, in either order, whose sign stands here.
pub(super) fn value_of_pair(text: &[u8], sign: usize) -> Option<Range<usize>> {
    let is_edge = |byte: &u8| b"\"'`\\ \t".contains(byte);
    let before = &text[..sign];
    let end = before.len() - before.iter().rev().take(8).take_while(|byte| is_edge(byte)).count();
    let own = last_name(&before[..end]);
    if !is_one_of(own, &VALUES) {
        return None;
    }
    let start = sign + 1 + text[sign + 1..].iter().take(8).take_while(|byte| b" \t=>".contains(byte)).count();
    let above = &before[sign.saturating_sub(MAX_BESIDE_BYTES)..end - own.len()];
    // Of the same object, and of the same item of a list.
    let above = above.iter().rposition(|byte| *byte == b'}').map_or(above, |at| &above[at + 1..]);
    let own_line = above.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let is_item = own_line.trim_ascii() == b"-";
    let kind = if is_item { None } else { kind_named_in(above, true) }.or_else(|| {
        let behind = &text[start..text.len().min(start + MAX_BESIDE_BYTES)];
        let ends = |at: &usize| {
            behind[*at] == b'}'
                || (behind[*at] == b'\n' && behind[at + 1..].trim_ascii_start().starts_with(b"- "))
        };
        let end = (0..behind.len()).find(ends).unwrap_or(behind.len());
        kind_named_in(&behind[..end], false)
    })?;
    value_at(text, start, kind)
}

/// What the name says that stands behind `name:` in a text; the last of them, or the first.
fn kind_named_in(text: &[u8], is_last: bool) -> Option<Kind> {
    let kind_at = |at: usize| {
        if !b":=".contains(&text[at]) {
            return None;
        }
        let is_edge = |byte: &u8| b"\"'`\\ \t".contains(byte);
        let end = at - text[..at].iter().rev().take_while(|byte| is_edge(byte)).count();
        if !is_one_of(last_name(&text[..end]), &NAMES) {
            return None;
        }
        let start = at + 1 + text[at + 1..].iter().take_while(|byte| is_edge(byte)).count();
        let length = text[start..].iter().take_while(|byte| is_of_name(**byte)).count();
        Some(kind_of_name(&text[start..start + length]))
    };
    let mut places = 0..text.len();
    if is_last { places.rev().find_map(kind_at) } else { places.find_map(kind_at) }?
}

/// The value in `variable "api_key" {\n  default = "…"`, whose bracket stands here.
pub(super) fn in_block(text: &[u8], open: usize) -> Option<Range<usize>> {
    let before = text[..open].trim_ascii_end().strip_suffix(b"\"")?;
    let kind = kind_of_name(last_name(before))?;
    let behind = &text[open + 1..text.len().min(open + 1 + MAX_BESIDE_BYTES)];
    let behind = &behind[..behind.iter().position(|byte| *byte == b'}').unwrap_or(behind.len())];
    let at = memchr::memmem::find(behind, b"default")?;
    let sign = at + behind[at..].iter().position(|byte| *byte == b'=')?;
    let blanks = behind[sign + 1..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    value_at(text, open + 1 + sign + 1 + blanks, kind)
}

/// Bytes from the end of a line to the value on the next one, where YAML has it there: further in than its name.
pub(super) fn to_next_line(text: &[u8], start: usize, before: &[u8]) -> usize {
    let rest = &text[start..];
    let mark = [&b"|-"[..], b">-", b"|", b">"]
        .into_iter()
        .find(|mark| rest.starts_with(mark))
        .map_or(0, <[u8]>::len);
    let broken = match &rest[mark..] {
        [b'\r', b'\n', ..] => 2,
        [b'\n', ..] => 1,
        _ => return 0,
    };
    let line = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let indent = line.iter().take_while(|byte| b" \t".contains(byte)).count();
    let blanks = rest[mark + broken..].iter().take_while(|byte| b" \t".contains(byte)).count();
    let value = &rest[mark + broken + blanks..];
    let value =
        &value[..value.iter().take(MAX_VALUE_BYTES).position(u8::is_ascii_whitespace).unwrap_or(value.len())];
    let is_value = blanks > indent && !value.ends_with(b":") && !value.is_empty();
    if is_value { mark + broken + blanks } else { 0 }
}

/// Words behind which a name and its value stand with a blank between.
const SETTING_WORDS: [&[u8]; 10] =
    [b"env", b"setx", b"set", b"-x", b"-gx", b"-ux", b"setenv", b"export", b"arg", b"-e"];

/// The value behind this blank, when an option of a command, a line that sets a variable or a sentence stands before it.
pub(super) fn behind_blank(text: &[u8], blank: usize) -> Option<Range<usize>> {
    if blank == 0 || !is_of_name(text[blank - 1]) || !b" \t".contains(&text[blank]) {
        return None;
    }
    let name = last_name(&text[..blank]);
    let start = blank + 1;
    let before = text[..blank - name.len()].trim_ascii_end();
    let is_quote = |byte: &u8| b"\"'".contains(byte);
    match name {
        b"-u" | b"--user" | b"--proxy-user" | b"-U" => {
            let quote = text[start..].iter().take(2).take_while(|byte| is_quote(byte)).count();
            let word = word_at(text, start + quote);
            let colon = text[word.clone()].iter().position(|byte| *byte == b':')?;
            let secret = word.start + colon + 1..word.end;
            return (!text[secret.clone()].starts_with(b"//") && is_password_like(&text[secret.clone()]))
                .then_some(secret);
        }
        b"is" | b"was" => {
            let is_password = kind_of_name(last_name(before)) == Some(Kind::Password);
            let quote = text[start..].iter().take(2).take_while(|byte| is_quote(byte)).count();
            let word = word_at(text, start + quote);
            let value = &text[word.clone()];
            return (is_password && has_digit(value) && is_password_like(value)).then_some(word);
        }
        _ => {}
    }
    let is_option = name.starts_with(b"-");
    let word_before = last_name(before).to_ascii_lowercase();
    let is_set = SETTING_WORDS.contains(&&*word_before);
    let is_variable = name.contains(&b'_') && !name.iter().any(u8::is_ascii_lowercase);
    if let Some(value) = password_of_mysql(text, blank, name) {
        return Some(value);
    }
    if !is_option && !is_set && !is_variable {
        return None;
    }
    let kind = kind_of_name(name)?;
    // Another option, or a word.
    let quote = text[start..].iter().take(2).take_while(|byte| is_quote(byte)).count();
    let value = &text[word_at(text, start + quote)];
    let is_secret = match kind {
        Kind::Password => is_password_like(value) && (is_option || has_digit(value)),
        Kind::Key | Kind::Shown => is_key_like(value) && has_digit(value) || quote == 1 && is_key_like(value),
    };
    (is_secret && !value.starts_with(b"-")).then(|| value_at(text, start, kind))?
}

/// The password of `mysql -p…` and `sshpass -p …`.
fn password_of_mysql(text: &[u8], blank: usize, name: &[u8]) -> Option<Range<usize>> {
    let line = text[blank.saturating_sub(MAX_BESIDE_BYTES)..blank].rsplit(|byte| *byte == b'\n').next()?;
    let has = |word: &[u8]| memchr::memmem::find(line, word).is_some();
    if name == b"-p" && has(b"sshpass") {
        return Some(word_at(text, blank + 1));
    }
    let password = name.strip_prefix(b"-p").filter(|it| is_password_like(it) && has(b"mysql"))?;
    Some(blank - password.len()..blank)
}

/// The word that begins here, without what closes it.
fn word_at(text: &[u8], start: usize) -> Range<usize> {
    let rest = &text[start..text.len().min(start + MAX_VALUE_BYTES)];
    let is_end = |byte: &u8| byte.is_ascii_whitespace() || b"\"'`,;)<>".contains(byte);
    let length = rest.iter().position(is_end).unwrap_or(rest.len());
    let word = &rest[..length];
    start..start + word.strip_suffix(b".").unwrap_or(word).len()
}
