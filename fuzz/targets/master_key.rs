//! Master keys from anywhere.
#![no_main]

#[path = "../../crates/crypto/tests/fuzz/master_key.rs"]
mod master_key;

libfuzzer_sys::fuzz_target!(|data: &[u8]| master_key::any(data));
