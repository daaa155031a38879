//! Randomness from the operating system.

use strongroom_model::{Millis, Uid};

/// Fills an array.
///
/// # Panics
/// When the operating system has no randomness to give: nothing can be sealed safely then, so nothing goes on.
#[must_use]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// A fresh identity.
#[must_use]
pub fn uid() -> Uid {
    Uid::from_bytes(bytes())
}

/// A fresh identity that begins with the milliseconds of an instant, so that later ones sort behind earlier ones
/// (the layout of UUID version 7, RFC 9562, section 5.7).
#[must_use]
pub fn uid_at(at: Millis) -> Uid {
    let mut uid: [u8; 16] = bytes();
    uid[..6].copy_from_slice(&at.0.max(0).to_be_bytes()[2..]);
    uid[6] = uid[6] & 0x0f | 0x70;
    uid[8] = uid[8] & 0x3f | 0x80;
    Uid::from_bytes(uid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_of_later_instants_sort_behind() {
        let (early, late) = (uid_at(Millis(1_700_000_000_000)), uid_at(Millis(1_700_000_000_001)));
        assert!(early < late && early.to_string() < late.to_string());
        assert_eq!(&early.to_string()[..13], "018bcfe568007");
        assert_ne!(uid_at(Millis(0)), uid_at(Millis(0)));
    }
}
