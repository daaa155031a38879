//! What a server leaves behind when it dies: no image of its memory.

use std::os::unix::process::ExitStatusExt;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::Signal;

use crate::BACKEND;
use crate::support::server::Installation;

#[tokio::test]
async fn a_server_that_dies_leaves_no_core() {
    // What it starts with is as much as it may have: that it has none is its own doing.
    let (_, most) = getrlimit(Resource::RLIMIT_CORE).unwrap();
    setrlimit(Resource::RLIMIT_CORE, most, most).unwrap();
    let server = Installation::new(BACKEND).await.start();
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.pid())).unwrap();
    let core = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().take(2).collect::<Vec<_>>(), ["0", "0"]);
    let (status, _) = server.end(Signal::SIGABRT);
    assert_eq!((status.signal(), status.core_dumped()), (Some(Signal::SIGABRT as i32), false));
}
