//! Tokens of the shape `sr_<id>_<secret><checksum>`: 12, 43 and 6 characters of `[0-9A-Za-z]`.
//!
//! The secret's 43 characters hold 256 bits. The checksum is the CRC-32 (ISO-HDLC) of all before it in base 62, so
//! that a scanner can tell a token from chance and a mistyped one is refused without a look-up.

use strongroom_model::Secret;

use crate::random;

const PREFIX: &str = "sr_";
const ID: usize = 12;
const SECRET: usize = 43;
const CHECKSUM: usize = 6;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A token that was just made.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// The public part; may be logged.
    pub id: String,
    /// The whole token.
    pub text: Secret,
}

/// Makes a token.
#[must_use]
pub fn generate() -> NewToken {
    let id = random_text(ID);
    let mut text = format!("{PREFIX}{id}_{}", random_text(SECRET));
    text.extend(checksum(&text).map(char::from));
    NewToken { id, text: Secret::new(text) }
}

/// The public id of a token, when the text has the shape of one and its checksum is right.
#[must_use]
pub fn id_of(text: &str) -> Option<&str> {
    if text.len() != PREFIX.len() + ID + 1 + SECRET + CHECKSUM || !text.is_ascii() {
        return None;
    }
    let (id, secret) = text.strip_prefix(PREFIX)?.split_at(ID);
    let is_text = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_text(id) || !is_text(secret.strip_prefix('_')?) {
        return None;
    }
    let (body, sum) = text.split_at(text.len() - CHECKSUM);
    (checksum(body) == sum.as_bytes()).then_some(id)
}

fn random_text(length: usize) -> String {
    let mut text = String::with_capacity(length);
    while text.len() < length {
        for byte in random::bytes::<64>() {
            if let Some(character) = character_of(byte)
                && text.len() < length
            {
                text.push(character);
            }
        }
    }
    text
}

/// A character for a random byte, all of them equally likely.
fn character_of(byte: u8) -> Option<char> {
    // 248 is the largest multiple of 62 below 256: taking more would favour the first characters.
    (byte < 248).then(|| char::from(ALPHABET[usize::from(byte % 62)]))
}

fn checksum(body: &str) -> [u8; CHECKSUM] {
    let mut rest = crc32fast::hash(body.as_bytes());
    let mut digits = [b'0'; CHECKSUM];
    for digit in digits.iter_mut().rev() {
        *digit = ALPHABET[(rest % 62) as usize];
        rest /= 62;
    }
    digits
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_made_token_has_its_shape_and_names_its_id() {
        for _ in 0..200 {
            let token = generate();
            assert_eq!(id_of(token.text.expose()), Some(token.id.as_str()));
            assert_eq!(token.text.expose().len(), 65);
        }
        assert_ne!(generate().text, generate().text);
    }

    #[test]
    fn any_changed_character_is_noticed() {
        let token = generate().text;
        for position in 0..token.expose().len() {
            let mut changed = token.expose().as_bytes().to_vec();
            changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
            assert_eq!(id_of(std::str::from_utf8(&changed).unwrap()), None, "{position}");
        }
    }

    #[test]
    fn every_character_is_as_likely_as_any_other() {
        let mut given: Vec<char> = (0..=u8::MAX).filter_map(character_of).collect();
        given.sort_unstable();
        let four_of_each: Vec<char> = ALPHABET.iter().flat_map(|byte| [char::from(*byte); 4]).collect();
        assert_eq!(given, four_of_each);
    }

    #[test]
    fn a_right_checksum_makes_no_token_of_what_has_not_its_shape() {
        let with_sum =
            |body: &str| -> String { body.chars().chain(checksum(body).map(char::from)).collect() };
        let (id, secret) = ("0".repeat(ID), "0".repeat(SECRET));
        assert_eq!(id_of(&with_sum(&format!("sr_{id}_{secret}"))), Some(id.as_str()));
        for body in [
            format!("sr_{id}_0{secret}"),
            format!("sr_{id}_{}", &secret[1..]),
            format!("sr_-{}_{secret}", &id[1..]),
            format!("sr_{id}_-{}", &secret[1..]),
            format!("sr_{id}0{secret}"),
            format!("sk_{id}_{secret}"),
            // As many bytes, and a character where the id ends.
            format!("sr_{}é{secret}", &id[1..]),
            format!("sr_{id}_é{}", &secret[2..]),
        ] {
            assert_eq!(id_of(&with_sum(&body)), None, "{body}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_reading_panic(text in "\\PC{0,80}") {
            prop_assert_eq!(id_of(&text), None);
        }

        #[test]
        fn almost_tokens_are_refused(text in "sr_[0-9A-Za-z]{12}_[0-9A-Za-zé]{49}") {
            prop_assert_eq!(id_of(&text), None);
        }
    }
}
