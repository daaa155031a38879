//! Tokens from anywhere: only a text with the right checksum is one, and its id is the part that is public.

use strongroom_crypto::token::{generate, id_of};

/// A text from outside: refused, or a token in every respect.
pub(crate) fn foreign(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Some(id) = id_of(&text) else { return };
    assert_eq!(text.len(), 65, "{text}");
    assert!(text.strip_prefix("sr_").is_some_and(|rest| rest.starts_with(id)), "{text}");
    assert!(id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
}

/// A token with an edit is none, unless the edit changed nothing.
pub(crate) fn edited(position: usize, replacement: u8) {
    let token = generate();
    let mut bytes = token.text.expose().as_bytes().to_vec();
    let position = position % bytes.len();
    let is_same = std::mem::replace(&mut bytes[position], replacement) == replacement;
    let text = String::from_utf8_lossy(&bytes);
    assert_eq!(id_of(&text), is_same.then_some(token.id.as_str()));
}

/// Bytes as a token from outside, and as an edit of one: all that a fuzzer has.
pub(crate) fn any(data: &[u8]) {
    foreign(data);
    if let [position, replacement, ..] = data {
        edited(usize::from(*position), *replacement);
    }
}
