//! Heads and bodies of responses over HTTP/1.1 from anywhere.
#![no_main]

#[path = "../../crates/http1/tests/fuzz/http1_framing.rs"]
mod http1_framing;
#[path = "../../crates/http1/tests/fuzz/pieces.rs"]
mod pieces;

libfuzzer_sys::fuzz_target!(|data: &[u8]| http1_framing::foreign(data));
