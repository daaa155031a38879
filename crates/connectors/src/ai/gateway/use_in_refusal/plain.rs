//! Signs of use in a refusal that is no JSON: elements of XML, and lines of YAML or of plain text.

use super::names::{is_generated, tells_use};

/// Tells whether an element or a line says what was used, or holds what was generated.
pub(super) fn tells_of_use(body: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(body) else { return false };
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with(['{', '[', '"']) {
        return false;
    }
    // A page for people has text in it that nobody generated.
    let is_page = ["<html", "<!doctype html", "<head", "<body"].iter().any(|mark| {
        text.as_bytes().windows(mark.len()).any(|part| part.eq_ignore_ascii_case(mark.as_bytes()))
    });
    let tells = |name: &str, value: &str| {
        let value = value.trim().trim_matches(['"', '\'']);
        (tells_use(name) && is_amount(value)) || (!is_page && is_generated(name) && !value.is_empty())
    };
    elements(text).chain(lines(text)).any(|(name, value)| tells(name, value))
}

/// Tells whether a value begins with a number that is not zero.
fn is_amount(value: &str) -> bool {
    let end = value.find(|sign: char| !sign.is_ascii_digit() && !matches!(sign, '.' | ','));
    let number = &value[..end.unwrap_or(value.len())];
    number.bytes().any(|byte| matches!(byte, b'1'..=b'9'))
}

/// Elements, by their name, with the text that begins within them.
fn elements(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split('<').filter_map(|part| {
        let (tag, inside) = part.split_once('>')?;
        let name = tag.split_ascii_whitespace().next()?;
        // A prefix is no part of the name.
        Some((name.rsplit(':').next()?, inside))
    })
}

/// Lines that give a value to a name; the value of one that ends with it stands below.
fn lines(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split(['\n', '\r']).filter_map(|line| {
        let line = line.trim_start_matches([' ', '\t', '-']);
        let (name, value) = line.split_once([':', '='])?;
        let name = name.trim().trim_matches(['"', '\'']);
        let is_name = !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        is_name.then_some((name, value))
    })
}
