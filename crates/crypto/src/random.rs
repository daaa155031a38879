//! Randomness from the operating system.

use strongroom_model::Uid;

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
