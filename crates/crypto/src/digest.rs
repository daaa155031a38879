//! SHA-256 (FIPS 180-4) of what comes in pieces.

use sha2::{Digest as _, Sha256};

use crate::hex;

/// A digest that is still growing.
#[derive(Debug, Clone, Default)]
pub struct Digest(Sha256);

impl Digest {
    /// Puts bytes behind those before.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all bytes so far.
    #[must_use]
    pub fn bytes(&self) -> [u8; 32] {
        self.0.clone().finalize().into()
    }

    /// The same as 64 lower-case hex digits.
    #[must_use]
    pub fn hex(&self) -> String {
        hex::encode(&self.bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_digest_of_the_standard() {
        let mut digest = Digest::default();
        digest.update(b"a");
        digest.update(b"bc");
        assert_eq!(digest.hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
