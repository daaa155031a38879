//! Paths of the gateway from anywhere.
#![no_main]

#[path = "../../crates/connectors/tests/fuzz/gateway_path.rs"]
mod gateway_path;

libfuzzer_sys::fuzz_target!(|data: &[u8]| gateway_path::foreign(&String::from_utf8_lossy(data)));
