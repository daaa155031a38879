//! What a server leaves lying about: no image of its memory when it dies, and no token in its log.

use std::os::unix::fs::PermissionsExt;
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

#[tokio::test]
async fn the_first_admin_token_is_in_a_file_of_its_owner_and_in_no_log() {
    let installation = Installation::new(BACKEND).await;
    let left = installation.data_dir().join("admin.token");
    std::fs::create_dir_all(installation.data_dir()).unwrap();
    std::fs::write(&left, "of a database before").unwrap();
    std::fs::set_permissions(&left, std::fs::Permissions::from_mode(0o644)).unwrap();
    let server = installation.start();
    let token = std::fs::read_to_string(&left).unwrap();
    assert_eq!(std::fs::metadata(&left).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(token.trim_end(), server.admin);
    server.get("/api/admin/status").await.expect(200);
    let said = server.said();
    assert!(said.contains(left.to_str().unwrap()) && said.contains("delete the file"), "{said}");
    assert!(!said.contains("sr_"), "{said}");
    // Taken away, it is not made again.
    std::fs::remove_file(&left).unwrap();
    let installation = server.installation.clone();
    drop(server);
    let server = installation.start_again();
    server.get("/api/admin/status").await.expect(200);
    assert!(!left.exists() && !server.said().contains("admin token"));
}
