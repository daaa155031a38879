//! Identities: random 128-bit uids within the program, integers in the API.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The largest number that somebody may give as an id, or as a count: what every JSON reader keeps exact (RFC 8259,
/// section 6), and far enough from the end of 64 bits that counting on from it cannot fail.
pub const MAX_GIVEN: i64 = (1 << 53) - 1;

/// A random 128-bit identity, written as 32 lower-case hex digits. It stands in AAD and never changes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uid([u8; 16]);

impl Uid {
    /// The uid with exactly these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        // Identities are written by the hundred into every batch: byte by byte through the formatter would show.
        let mut text = [0; 32];
        for (place, byte) in text.chunks_exact_mut(2).zip(self.0) {
            place[0] = DIGITS[usize::from(byte >> 4)];
            place[1] = DIGITS[usize::from(byte & 0x0f)];
        }
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not 32 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a uid is 32 lower-case hex digits")]
pub struct ParseUidError;

impl FromStr for Uid {
    type Err = ParseUidError;

    fn from_str(text: &str) -> Result<Self, ParseUidError> {
        let digits = text.as_bytes();
        if digits.len() != 32 {
            return Err(ParseUidError);
        }
        let mut bytes = [0; 16];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Ok(Self(bytes))
    }
}

fn nibble(digit: u8) -> Result<u8, ParseUidError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(ParseUidError),
    }
}

macro_rules! integer_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

integer_id!(
    /// Public integer of a credential, as in the API's routes.
    CredentialId
);
integer_id!(
    /// The integer of a user, as in the claim `userId` of the original's tokens.
    UserId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uid_survives_its_text_form_and_nothing_else_parses() {
        let uid = Uid::from_bytes([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 254, 255]);
        assert_eq!(uid.to_string(), "000102030405060708090a0b0c0dfeff");
        assert_eq!(uid.to_string().parse(), Ok(uid));
        for bad in ["", "00", "000102030405060708090A0B0C0DFEFF", "000102030405060708090a0b0c0dfefg", "é"] {
            assert_eq!(bad.parse::<Uid>(), Err(ParseUidError), "{bad}");
        }
    }
}
