//! Webhooks of alerts before a library of Standard Webhooks that others have written.

use std::process::Command;

use serde_json::json;
use strongroom_testkit::{Backend, real_parts};

#[path = "support/program.rs"]
mod program;
#[expect(dead_code, reason = "shared with suites that call the server themselves")]
#[path = "support/all.rs"]
mod support;

use program::Program;
use support::server::Installation;

#[tokio::test(flavor = "multi_thread")]
async fn the_library_of_standard_webhooks_verifies_messages_under_the_old_and_the_new_secret() {
    let _installed = real_parts::node_file("standardwebhooks/package.json");
    let mut receiver = Command::new("node");
    receiver.arg(real_parts::workspace_root().join("testkit/node/webhooks.mjs"));
    let mut receiver = Program::start(receiver.env("NODE_MODULES", real_parts::node_modules()));
    let port = receiver.next()["port"].as_u64().expect("a port");
    let installation = Installation::new(Backend::Sqlite).await.set("STRONGROOM_ALERT_ALLOW", "127.0.0.1");
    let server = installation.start();
    let body = json!({ "name": "hook", "kind": "webhook", "address": format!("http://127.0.0.1:{port}/") });
    let made = server.post("/api/admin/alerts/channels", body).await.expect(201).json();
    let secret = made["secret"].as_str().expect("a secret").to_owned();
    receiver.write(&secret);
    assert_eq!(receiver.next()["secret"], true);
    // What was told before the receiver knew the secret is tried again; these are the tests.
    let test = async || server.call("POST", "/api/admin/alerts/channels/hook/test").await.expect(200).json();
    let next_test = || loop {
        let told = receiver.next();
        if told["type"] == "channel.test.firing"
            || told["type"] == "channel.test"
            || told["isVerified"] == false
        {
            return told;
        }
    };
    assert_eq!(test().await["taken"], true);
    let told = next_test();
    assert_eq!(told["isVerified"], true, "{told}");
    // For a day both secrets sign: the library looks for one that it knows.
    let rotated =
        server.call("POST", "/api/admin/alerts/channels/hook/rotate-secret").await.expect(200).json();
    let new = rotated["secret"].as_str().expect("a secret").to_owned();
    assert_eq!(test().await["taken"], true, "under the old one");
    assert_eq!(next_test()["isVerified"], true);
    let mut receiver = receiver;
    receiver.write(&new);
    while receiver.next()["secret"] != true {}
    assert_eq!(test().await["taken"], true, "under the new one");
    receiver.write("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    while receiver.next()["secret"] != true {}
    let refused = test().await;
    assert_eq!((&refused["taken"], &refused["answer"]), (&json!(false), &json!("HTTP 401: not verified")));
}
