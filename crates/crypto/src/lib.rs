//! Bytes in, bytes out: sealing, wrapping, fingerprints, tokens and the audit chain. No async, no SQL, no HTTP.
//!
//! The byte layouts are written down in `docs/format.md`. No function here takes a nonce: every seal draws a fresh
//! one from the operating system. A key never leaves this crate but wrapped.

#![cfg_attr(
    not(test),
    deny(
        clippy::cast_lossless,
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss
    )
)]

pub mod alert_channel;
pub mod audit_chain;
pub mod authority;
pub mod backup;
mod canonical;
pub mod digest;
pub mod envelope;
mod hex;
pub mod key;
pub mod keyring;
pub mod master_key;
pub mod misspelling;
pub mod random;
pub mod row_digest;
pub mod sealed_text;
pub mod sign_in;
pub mod token;
pub mod version;

pub use key::{Key, Purpose};
pub use keyring::{Keyring, SealedSecret};
pub use master_key::MasterKey;
pub use sealed_text::{OpenError, SealContext};
