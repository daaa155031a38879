//! Answers over HTTP/1.1 from anywhere.
#![no_main]

#[path = "../../crates/connectors/tests/fuzz/http1_answer.rs"]
mod http1_answer;
#[path = "../../crates/connectors/tests/fuzz/pieces.rs"]
mod pieces;

libfuzzer_sys::fuzz_target!(|data: &[u8]| http1_answer::foreign(data));
