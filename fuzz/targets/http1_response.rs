//! Responses over HTTP/1.1 from anywhere, read by our client and by hyper's.
#![no_main]

#[path = "../../crates/http1/tests/fuzz/differences.rs"]
mod differences;
#[path = "../../crates/http1/tests/fuzz/exchange.rs"]
mod exchange;
#[path = "../../crates/http1/tests/fuzz/http1_response.rs"]
mod http1_response;
#[path = "../../crates/http1/tests/fuzz/pieces.rs"]
mod pieces;

libfuzzer_sys::fuzz_target!(|data: &[u8]| http1_response::foreign(data));
