//! Surroundings that fail: what a server writes to goes away, and it serves on.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use strongroom_testkit::fake_upstream::Mode;

use super::stage::{Stage, question};
use crate::support::call::Call;
use crate::support::server::{Installation, STEP, STEPS, Server};

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

fn tell(server: &Server, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(server.pid()).unwrap()), signal).unwrap();
}

/// Looks until it is so.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..STEPS {
        if is_so().await {
            return;
        }
        tokio::time::sleep(STEP).await;
    }
    panic!("it does not come to: {what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_told_to_stop_says_so_first_and_serves_on_until_the_balancer_knows() {
    let stage = Stage::with(|it| it.set("STRONGROOM_STOP_DELAY_SECONDS", "3600")).await;
    stage.credential("one", "openai", Mode::Ok, json!({})).await;
    stage.server.get("/readyz").anonymous().await.expect(200);
    tell(&stage.server, Signal::SIGTERM);
    until("not ready", async || stage.server.get("/readyz").anonymous().await.status == 503).await;
    assert_eq!(stage.server.get("/readyz").anonymous().await.at("status"), "stopping");
    for _ in 0..5 {
        stage.chat().await.expect(200);
    }
    // A second signal is in a hurry.
    let Stage { server, fake: _fake, .. } = stage;
    let (status, said) = tokio::task::spawn_blocking(move || server.end(Signal::SIGTERM)).await.unwrap();
    assert!(status.success() && said.contains("\"stopped\""), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_it_drains_nobody_new_is_let_in_and_streams_go_on_until_a_second_signal() {
    let stage = Stage::new().await;
    stage.credential("one", "openai", Mode::Endless, json!({})).await;
    let mut question = question("gpt-4o-mini");
    question["stream"] = json!(true);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/openai/v1/chat/completions", stage.server.url);
    let asked = client.post(url).bearer_auth(&stage.token).json(&question).send();
    let mut answer = asked.await.unwrap();
    assert!(answer.chunk().await.unwrap().is_some());
    tell(&stage.server, Signal::SIGTERM);
    let address = stage.server.address().to_owned();
    until("refused", async || tokio::net::TcpStream::connect(&address).await.is_err()).await;
    for _ in 0..10 {
        assert!(answer.chunk().await.unwrap().is_some(), "it goes on");
    }
    let Stage { server, fake: _fake, .. } = stage;
    let installation = server.installation.clone();
    let (status, said) = tokio::task::spawn_blocking(move || server.end(Signal::SIGTERM)).await.unwrap();
    assert!(status.success(), "{said}");
    let counted = "SELECT kind FROM usage_records";
    assert_eq!(installation.database.query_text(counted).await, [[Some("call".to_owned())]]);
}
