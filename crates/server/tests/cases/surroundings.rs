//! Surroundings that fail: what a server writes to goes away, and it serves on.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use strongroom_testkit::fake_upstream::Mode;

use super::stage::{Stage, question};
use crate::support::call::Call;
use crate::support::server::Installation;

/// A server of an installation whose log nobody reads any more; its address.
fn unheard(installation: &Installation) -> (Child, String) {
    let mut child = installation
        .command(&["serve", "--listen", "127.0.0.1:0", "--log-format", "json"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    let mut url = String::new();
    while !line.contains("\"serving\"") {
        line.clear();
        assert!(log.read_line(&mut line).unwrap() > 0, "it ended");
        if let Some(address) = line.trim_start().strip_prefix("listening") {
            url = address.trim().to_owned();
        }
    }
    // The reader goes away.
    drop(log);
    (child, url)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_nobody_reads_stops_nothing() {
    let stage = Stage::new().await;
    stage.credential("wrong", "openai", Mode::Wrong, json!({ "priority": 1 })).await;
    stage.credential("right", "openai", Mode::Ok, json!({ "priority": 2 })).await;
    let Stage { server, fake: _fake, token } = stage;
    let installation = server.installation.clone();
    tokio::task::spawn_blocking(move || server.end(Signal::SIGTERM)).await.unwrap();
    let (mut child, url) = unheard(&installation);
    for _ in 0..3 {
        // Each of them logs that a credential was refused, or that a request came.
        let call = Call::new(&url, "POST", "/openai/v1/chat/completions").token(&token);
        call.json(question("gpt-4o-mini")).await.expect(200);
        Call::new(&url, "GET", "/readyz").await.expect(200);
    }
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM).unwrap();
    let status = tokio::task::spawn_blocking(move || child.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(0));
}
