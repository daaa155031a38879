//! The command line beside a running server, by its socket file.

use serde_json::json;

use crate::BACKEND;
use crate::support::server::{Installation, Server};

/// Runs a command beside the server; tells its exit code and what it said.
fn run(server: &Server, variables: &[(&str, &str)], arguments: &[&str]) -> (i32, String, String) {
    let mut command = server.installation.command(arguments);
    let done = command.envs(variables.iter().copied()).output().expect("the binary starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (done.status.code().expect("a code"), text(done.stdout), text(done.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_completes_names_of_the_server_on_this_machine() {
    let server = Installation::new(BACKEND).await.start();
    for name in ["openai-primary", "openai-secondary", "other"] {
        server.credential(name, json!({})).await;
    }
    let gone = server.credential("openai-gone", json!({})).await;
    server.delete(&format!("/api/admin/credentials/{gone}")).await.expect(200);
    let complete = |line: &[&str]| {
        let line = [&["--", "strongroom"][..], line].concat();
        let (code, out, err) = run(&server, &[("STRONGROOM_COMPLETE", "fish")], &line);
        assert_eq!((code, err.as_str()), (0, ""), "{line:?}");
        assert!(!out.contains("sk-of"), "{out}");
        out
    };
    let found = complete(&["credential", "show", "openai"]);
    assert_eq!(found, "openai-primary\topenai\nopenai-secondary\topenai\n");
    let found = complete(&["credential", "undelete", "openai"]);
    assert_eq!(found, format!("openai-gone\topenai, id {gone}\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_stored_twice_is_warned_of_by_the_other_credentials_name() {
    let server = Installation::new(BACKEND).await.start();
    server.credential("first", json!({ "apiKey": "sk-the-same-key-0123456789" })).await;
    let home = server.installation.home();
    std::fs::write(home.join("same"), "sk-the-same-key-0123456789\n").unwrap();
    std::fs::write(home.join("another"), "sk-another-key-0123456789\n").unwrap();
    let good = |arguments: &[&str]| {
        let (code, out, err) = run(&server, &[], arguments);
        assert_eq!(code, 0, "{arguments:?}: {out}{err}");
        assert!(!out.contains("same-key") && !err.contains("same-key"), "{out}{err}");
        err
    };
    let add = |name, file| ["credential", "add", name, "--provider", "openai", "--api-key-file", file];
    assert!(!good(&add("second", "another")).contains("more than once"));
    let warned = good(&add("third", "same"));
    assert!(warned.contains("stored more than once: first version 1 has the same one"), "{warned}");
    let warned = good(&["credential", "update", "second", "--api-key-file", "same"]);
    assert!(warned.contains("first version 1, third version 1 have the same one"), "{warned}");
    server.credential("fourth", json!({})).await;
    let warned = good(&["credential", "stage", "fourth", "--api-key-file", "same"]);
    let others = "first version 1, second version 2, third version 1 have the same one";
    assert!(warned.contains(others), "{warned}");
    assert!(!good(&["credential", "update", "third", "--priority", "3"]).contains("more than once"));
}
