//! Databases from anywhere in the place of the original's.
#![no_main]

use std::sync::LazyLock;

use tokio::runtime::{Builder, Runtime};

#[path = "../../crates/store/tests/fuzz/legacy_database.rs"]
mod legacy_database;

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().build().expect("a runtime"));

libfuzzer_sys::fuzz_target!(|data: &[u8]| RUNTIME.block_on(legacy_database::foreign(data)));
