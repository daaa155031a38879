//! `.env` text from anywhere.
#![no_main]

#[path = "../../crates/connectors/tests/fuzz/dotenv.rs"]
mod dotenv;

libfuzzer_sys::fuzz_target!(|data: &[u8]| dotenv::foreign(data));
