//! Answers of providers from anywhere, plain and as event streams.
#![no_main]

#[path = "../../crates/connectors/tests/fuzz/event_stream.rs"]
mod event_stream;
#[path = "../../crates/http1/tests/fuzz/pieces.rs"]
mod pieces;

libfuzzer_sys::fuzz_target!(|data: &[u8]| event_stream::foreign(data));
