//! Bodies of requests from anywhere.
#![no_main]

#[path = "../../crates/connectors/tests/fuzz/request_body.rs"]
mod request_body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| request_body::foreign(data));
