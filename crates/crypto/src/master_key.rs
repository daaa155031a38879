//! The master key: 64 hex digits in `ENCRYPTION_KEY`. It wraps keys and does nothing else.

use std::fmt;

use strongroom_model::Secret;
use zeroize::Zeroizing;

use crate::canonical::Canonical;
use crate::key::mac_of;
use crate::{hex, random};

/// A key-encryption key, wiped when dropped.
#[derive(Clone)]
pub struct MasterKey(pub(crate) Zeroizing<[u8; 32]>);

/// Why a text is no master key. The text itself is never repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MasterKeyError {
    /// Empty.
    #[error("the encryption key is empty; it is 64 hex digits: make one with `strongroom key generate`")]
    Empty,
    /// Too short or too long.
    #[error(
        "the encryption key has {0} characters, not 64: it was cut or doubled when it was copied; \
         restore it from its backup, or for a new database make one with `strongroom key generate`"
    )]
    Length(usize),
    /// Something else than hex digits.
    #[error(
        "character {0} of the encryption key is not a hex digit (0-9, a-f); \
         restore it from its backup, or for a new database make one with `strongroom key generate`"
    )]
    NotHex(usize),
    /// A key that anybody can guess.
    #[error(
        "this encryption key can be guessed (it repeats itself or stands in documentation); \
         make a random one with `strongroom key generate`"
    )]
    Guessable,
}

/// Keys that stand in public documents.
const WELL_KNOWN: [&str; 2] = [
    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
];

impl MasterKey {
    /// Reads 64 hex digits of either case; white space around them is ignored.
    ///
    /// # Errors
    /// [`MasterKeyError`], without repeating the text.
    pub fn parse(text: &str) -> Result<Self, MasterKeyError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(MasterKeyError::Empty);
        }
        if let Some(at) = text.chars().position(|digit| !digit.is_ascii_hexdigit()) {
            return Err(MasterKeyError::NotHex(at + 1));
        }
        let digits = Zeroizing::new(text.to_ascii_lowercase());
        let bytes = Zeroizing::new(hex::decode(&digits).unwrap_or_default());
        let key: [u8; 32] = bytes.as_slice().try_into().map_err(|_| MasterKeyError::Length(text.len()))?;
        Ok(Self(Zeroizing::new(key)))
    }

    /// Reads a key that is to protect something: guessable ones are refused.
    ///
    /// # Errors
    /// [`MasterKeyError`].
    pub fn parse_strong(text: &str) -> Result<Self, MasterKeyError> {
        let key = Self::parse(text)?;
        let mut distinct = key.0.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        // 32 random bytes hold fewer than 8 different ones about once in 10^40.
        let repeats = distinct.len() < 8;
        distinct.fill(0);
        if repeats || WELL_KNOWN.contains(&key.to_hex().expose()) {
            return Err(MasterKeyError::Guessable);
        }
        Ok(key)
    }

    /// A fresh key.
    #[must_use]
    pub fn generate() -> Self {
        Self(Zeroizing::new(random::bytes()))
    }

    /// The 64 hex digits.
    #[must_use]
    pub fn to_hex(&self) -> Secret {
        Secret::new(hex::encode(&*self.0))
    }

    /// 16 hex digits that name this key and tell nothing about it: the first half of an HMAC under it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        hex::encode(&mac_of(&*self.0, &Canonical::of("strongroom/master-fingerprint/v1"))[..8])
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.fingerprint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_key_reads_back_and_keeps_its_fingerprint() {
        let key = MasterKey::generate();
        let again = MasterKey::parse_strong(&format!(" {}\n", key.to_hex().expose().to_uppercase())).unwrap();
        assert_eq!(again.fingerprint(), key.fingerprint());
        assert_ne!(MasterKey::generate().fingerprint(), key.fingerprint());
        assert_eq!(format!("{key:?}"), format!("MasterKey({})", key.fingerprint()));
    }

    #[test]
    fn a_text_that_is_no_key_says_what_is_wrong_with_it() {
        assert_eq!(MasterKey::parse(" ").unwrap_err(), MasterKeyError::Empty);
        assert_eq!(MasterKey::parse(&"a".repeat(63)).unwrap_err(), MasterKeyError::Length(63));
        assert_eq!(MasterKey::parse(&"a".repeat(66)).unwrap_err(), MasterKeyError::Length(66));
        assert_eq!(MasterKey::parse("your_generated_key_here").unwrap_err(), MasterKeyError::NotHex(1));
    }

    #[test]
    fn a_key_of_eight_different_bytes_is_not_taken_for_a_pattern_and_one_of_seven_is() {
        let of = |different: &str| different.repeat(32)[..64].to_owned();
        assert!(MasterKey::parse_strong(&of("1123456789abcdef")).is_ok());
        assert_eq!(MasterKey::parse_strong(&of("1123456789abcd")).unwrap_err(), MasterKeyError::Guessable);
    }

    #[test]
    fn a_key_that_can_be_guessed_protects_nothing() {
        let guessable =
            ["0".repeat(64), "deadbeef".repeat(8), WELL_KNOWN[0].to_owned(), WELL_KNOWN[1].to_uppercase()];
        for text in guessable {
            assert_eq!(MasterKey::parse_strong(&text).unwrap_err(), MasterKeyError::Guessable, "{text}");
        }
    }
}
