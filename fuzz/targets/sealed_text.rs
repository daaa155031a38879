//! Sealed texts and wraps from anywhere.
#![no_main]

use std::sync::LazyLock;

#[path = "../../crates/crypto/tests/fuzz/sealed_text.rs"]
mod sealed_text;

static KEYS: LazyLock<sealed_text::Keys> = LazyLock::new(sealed_text::Keys::generate);

libfuzzer_sys::fuzz_target!(|data: &[u8]| sealed_text::any(&KEYS, data));
