//! Master keys from anywhere: what is refused is not repeated, and one slip is found wherever it is.

use strongroom_crypto::MasterKey;
use strongroom_crypto::misspelling::{self, Misspelling};

/// A text from outside: refused without being repeated, or a key that reads back as the same one.
pub(crate) fn foreign(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match MasterKey::parse_strong(&text) {
        Ok(key) => {
            let again = MasterKey::parse(key.to_hex().expose()).expect("what we write ourselves");
            assert_eq!(again.fingerprint(), key.fingerprint());
            assert_eq!(key.to_hex().expose(), text.trim().to_ascii_lowercase());
        }
        Err(error) => {
            let is_long_enough = text.trim().len() > 16;
            assert!(!(is_long_enough && error.to_string().contains(text.trim())), "{error}");
        }
    }
}

/// A key with one wrong character: its place is found.
pub(crate) fn slip(position: usize, replacement: u8) {
    let key = MasterKey::generate();
    let mut bytes = key.to_hex().expose().as_bytes().to_vec();
    let position = position % bytes.len();
    let is_same = std::mem::replace(&mut bytes[position], replacement).eq_ignore_ascii_case(&replacement);
    let Ok(text) = String::from_utf8(bytes) else { return };
    let found = misspelling::find(&text, &[key.fingerprint()]);
    match found {
        // With the right character in its place it is the key already, whichever place is tried.
        Some(Misspelling::Wrong(at)) => assert!(is_same || at == position + 1, "{at} for {}", position + 1),
        // White space at an end is no character of the key, which is one too short then.
        Some(Misspelling::Missing(_)) => {
            assert!(char::from(replacement).is_whitespace() && [0, 63].contains(&position));
        }
        other => panic!("{other:?} for {position} and {replacement}"),
    }
}

/// Bytes as a key from outside, and as a slip in one: all that a fuzzer has.
pub(crate) fn any(data: &[u8]) {
    foreign(data);
    if let [position, replacement] = data {
        slip(usize::from(*position), *replacement);
    }
}
