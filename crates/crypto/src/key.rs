//! The random 256-bit keys that do the work, each for one purpose.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::canonical::Canonical;
use crate::{hex, random};

/// Purpose of a key. The name stands in the AAD of its wraps: a key wrapped for one purpose opens for no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Seals secrets.
    Data,
    /// Links audit entries.
    Audit,
    /// Fingerprints secrets.
    Fingerprint,
    /// Hashes tokens and authenticates what they grant.
    Token,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 4] = [Self::Data, Self::Audit, Self::Fingerprint, Self::Token];

    /// The name in the database and in AAD.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Audit => "audit",
            Self::Fingerprint => "fingerprint",
            Self::Token => "token",
        }
    }

    /// The purpose with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == name)
    }
}

/// 32 random bytes. They are wiped when dropped and leave this crate only wrapped.
pub struct Key(pub(crate) Zeroizing<[u8; 32]>);

impl Key {
    /// A fresh key.
    #[must_use]
    pub fn generate() -> Self {
        Self(Zeroizing::new(random::bytes()))
    }

    /// Tells whether it is the same key, compared in constant time.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.0.as_slice().ct_eq(other.0.as_slice()).into()
    }

    /// HMAC-SHA-256 (RFC 2104) of these fields, 64 lower-case hex digits.
    pub(crate) fn mac(&self, fields: &Canonical) -> String {
        hex::encode(&mac_of(&*self.0, fields))
    }

    /// Tells whether `mac` is the MAC of these fields, compared in constant time.
    pub(crate) fn verifies(&self, fields: &Canonical, mac: &str) -> bool {
        self.mac(fields).as_bytes().ct_eq(mac.as_bytes()).into()
    }

    /// Whether `mac` is the MAC of these fields, compared in constant time.
    pub(crate) fn verifies_raw(&self, fields: &Canonical, mac: &[u8; 32]) -> bool {
        mac_of(&*self.0, fields).ct_eq(mac).into()
    }
}

pub(crate) fn mac_of(key: &[u8], fields: &Canonical) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(fields.bytes());
    mac.finalize().into_bytes().into()
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(****)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_purpose_is_found_by_its_name() {
        for purpose in Purpose::ALL {
            assert_eq!(Purpose::from_name(purpose.as_str()), Some(purpose));
        }
        assert_eq!(Purpose::from_name("Data"), None);
        assert_eq!(Purpose::from_name(""), None);
    }

    #[test]
    fn a_key_prints_as_stars() {
        assert_eq!(format!("{:?}", Key::generate()), "Key(****)");
    }
}
