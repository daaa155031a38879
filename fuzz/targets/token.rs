//! Tokens from anywhere.
#![no_main]

#[path = "../../crates/crypto/tests/fuzz/token.rs"]
mod token;

libfuzzer_sys::fuzz_target!(|data: &[u8]| token::any(data));
