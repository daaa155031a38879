//! Randomness from the operating system.

use std::cell::RefCell;

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

/// Bytes for identities, drawn ahead: they are no secrets, and one question to the system serves many of them.
struct Ahead {
    bytes: [u8; 1024],
    used: usize,
}

thread_local! {
    static AHEAD: RefCell<Ahead> = const { RefCell::new(Ahead { bytes: [0; 1024], used: 1024 }) };
}

fn identity() -> [u8; 16] {
    AHEAD.with_borrow_mut(|ahead| {
        if ahead.used == ahead.bytes.len() {
            *ahead = Ahead { bytes: bytes(), used: 0 };
        }
        let mut identity = [0; 16];
        identity.copy_from_slice(&ahead.bytes[ahead.used..ahead.used + 16]);
        ahead.used += 16;
        identity
    })
}

/// A fresh identity.
#[must_use]
pub fn uid() -> Uid {
    Uid::from_bytes(identity())
}

/// A fresh identity that begins with the milliseconds of an instant, so that later ones sort behind earlier ones
/// (the layout of UUID version 7, RFC 9562, section 5.7).
#[must_use]
pub fn uid_at(at: Millis) -> Uid {
    let mut uid = identity();
    uid[..6].copy_from_slice(&at.0.max(0).to_be_bytes()[2..]);
    uid[6] = uid[6] & 0x0f | 0x70;
    uid[8] = uid[8] & 0x3f | 0x80;
    Uid::from_bytes(uid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_identity_is_given_twice() {
        let seen: std::collections::BTreeSet<_> = (0..10_000).map(|_| uid()).collect();
        assert_eq!(seen.len(), 10_000);
    }

    #[test]
    fn identities_of_later_instants_sort_behind() {
        let (early, late) = (uid_at(Millis(1_700_000_000_000)), uid_at(Millis(1_700_000_000_001)));
        assert!(early < late && early.to_string() < late.to_string());
        assert_eq!(&early.to_string()[..13], "018bcfe568007");
        assert_ne!(uid_at(Millis(0)), uid_at(Millis(0)));
    }

    #[test]
    fn identities_of_an_instant_say_their_version_and_are_random_in_every_other_bit() {
        let all: Vec<[u8; 16]> = (0..200).map(|_| *uid_at(Millis(0)).as_bytes()).collect();
        assert!(all.iter().all(|uid| uid[6] >> 4 == 0b0111 && uid[8] >> 6 == 0b10));
        for (byte, random) in [(6, 0x0f), (7, 0xff), (8, 0x3f), (15, 0xff)] {
            let ever_set = all.iter().fold(0, |bits, uid| bits | uid[byte]);
            let always_set = all.iter().fold(0xff, |bits, uid| bits & uid[byte]);
            assert_eq!((ever_set & random, always_set & random), (random, 0), "byte {byte}");
        }
    }
}
