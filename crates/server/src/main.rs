//! The one binary: it locks itself down before it reads a secret, then follows its arguments.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    strongroom_server::wiring::hardening::apply();
    strongroom_server::cli::run(std::env::args_os().collect())
}
