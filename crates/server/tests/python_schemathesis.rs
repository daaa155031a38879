//! The description of the API, held against the server by schemathesis: what it forbids is refused, every answer is as
//! described, and nothing ends in a 5xx.

use std::process::{Command, Stdio};

use strongroom_testkit::{Backend, real_parts};

#[expect(dead_code, reason = "shared with suites that call the server themselves")]
#[path = "support/all.rs"]
mod support;

use support::server::{Installation, Server};

/// Runs schemathesis against a server with nothing in it but what the run itself makes.
fn run(server: &Server, selection: &[&str]) {
    let settings = real_parts::workspace_root().join("testkit/python/schemathesis.toml");
    let place = tempfile::tempdir().expect("a folder");
    let output = Command::new(real_parts::python_program("schemathesis"))
        .arg("--config-file")
        .arg(settings)
        .arg("run")
        .arg(format!("{}/openapi.json", server.url))
        .args(selection)
        .env("STRONGROOM_ADMIN_TOKEN", &server.admin)
        .current_dir(place.path())
        .stdin(Stdio::null())
        .output()
        .expect("schemathesis runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(!said.contains("Authentication failed"), "the run lost its token:\n{said}");
    assert!(!server.said().contains("panicked"), "{}", server.said());
}

#[tokio::test]
async fn the_server_behaves_as_its_description_says() {
    let server = Installation::new(Backend::Sqlite).await.start();
    // It finds the ids that it puts into paths in lists, and would revoke its own token.
    run(&server, &["--exclude-operation-id", "revoke_token"]);
    server.verified_entries().await;
}

#[tokio::test]
async fn so_it_does_where_tokens_are_revoked() {
    let server = Installation::new(Backend::Sqlite).await.start();
    run(&server, &["--include-operation-id", "revoke_token"]);
}
