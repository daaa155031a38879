//! Alerts of a real server: from calls to a webhook, through kill -9, with the command line and over HTTP.

use std::collections::BTreeMap;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use strongroom_model::Role;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::BACKEND;
use crate::support::server::{Installation, STEP, STEPS, Server};

pub(crate) async fn receiver() -> MockServer {
    let receiver = MockServer::start().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(200)).mount(&receiver).await;
    receiver
}

/// Bodies by the identity of the message; a message that came twice says the same twice.
pub(crate) async fn bodies(receiver: &MockServer) -> BTreeMap<String, Value> {
    let mut bodies = BTreeMap::new();
    for request in receiver.received_requests().await.unwrap() {
        let id = request.headers["webhook-id"].to_str().unwrap().to_owned();
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        if let Some(before) = bodies.insert(id, body.clone()) {
            let data = |body: &Value| body["data"].clone();
            assert_eq!(data(&before), data(&body));
        }
    }
    bodies
}

/// The thresholds that a receiver was told of, each as often as it was told under another identity.
async fn told(receiver: &MockServer) -> Vec<i64> {
    let mut marks = Vec::new();
    for body in bodies(receiver).await.into_values() {
        let data = &body["data"];
        let all = data["incidents"].as_array().cloned().unwrap_or_else(|| vec![data.clone()]);
        marks.extend(
            all.iter().filter(|it| it["rule"] == "limit_threshold").filter_map(|it| it["mark"].as_i64()),
        );
    }
    marks.sort_unstable();
    marks
}

async fn until_told(receiver: &MockServer, wanted: &[i64]) {
    for _ in 0..3 * STEPS {
        if told(receiver).await.len() >= wanted.len() {
            break;
        }
        tokio::time::sleep(STEP).await;
    }
    assert_eq!(told(receiver).await, wanted);
}

async fn installation() -> Installation {
    Installation::new(BACKEND).await.set("STRONGROOM_ALERT_ALLOW", "127.0.0.1")
}

pub(crate) async fn add_hook(server: &Server, receiver: &MockServer) -> Value {
    let body =
        json!({ "name": "hook", "kind": "webhook", "address": format!("{}/hook-path", receiver.uri()) });
    server.post("/api/admin/alerts/channels", body).await.expect(201).json()
}

#[tokio::test]
async fn a_limit_that_runs_out_reaches_a_webhook_and_is_listed_answered_and_over() {
    let receiver = receiver().await;
    let server = installation().await.start();
    let made = add_hook(&server, &receiver).await;
    assert!(made["secret"].as_str().unwrap().starts_with("whsec_"), "shown this once");
    let listed = server.get("/api/admin/alerts/channels").await.expect(200).text;
    assert!(!listed.contains("whsec_") && !listed.contains("hook-path"), "{listed}");
    server.credential("runs-out", json!({ "rateLimit": 10 })).await;
    for _ in 0..10 {
        server.get("/api/credentials/runs-out").await.expect(200);
    }
    server.get("/api/credentials/runs-out").await.expect(429);
    // The last use passes 95 percent on the way, and one message tells of both.
    until_told(&receiver, &[80, 100]).await;
    let alerts = server.get("/api/admin/alerts?firing=true&rule=limit_threshold").await.expect(200).json();
    let alerts = alerts.as_array().unwrap();
    assert_eq!(alerts.len(), 3);
    let first = alerts.iter().find(|it| it["mark"] == 100).unwrap();
    assert_eq!((&first["level"], &first["state"]), (&json!("critical"), &json!("firing")));
    assert_eq!(first["subject"]["name"], "runs-out");
    let id = first["id"].as_str().unwrap();
    let shown = server.get(&format!("/api/admin/alerts/{id}")).await.expect(200).json();
    let channels: Vec<_> =
        shown["deliveries"].as_array().unwrap().iter().map(|it| it["state"].clone()).collect();
    assert_eq!(channels, ["delivered", "delivered"], "the log and the webhook");
    let note = json!({ "note": "raised" });
    let acknowledged =
        server.post(&format!("/api/admin/alerts/{id}/acknowledge"), note).await.expect(200).json();
    assert_eq!((&acknowledged["state"], &acknowledged["note"]), (&json!("acknowledged"), &json!("raised")));
    let metrics = server.get("/metrics").await.expect(200).text;
    assert!(
        metrics.contains("strongroom_alerts{rule=\"limit_threshold\",level=\"critical\"} 1"),
        "{metrics}"
    );
    assert!(
        server.said().contains("\"says\":\"credential \\\"runs-out\\\" has used up its limit"),
        "it is in the log"
    );
    let ended = server.call("POST", &format!("/api/admin/alerts/{id}/resolve")).await.expect(200).json();
    assert_eq!(ended["state"], "resolved");
    server.call("POST", &format!("/api/admin/alerts/{id}/resolve")).await.expect(409);
    let auditor = server.token_of(Role::Auditor).await;
    server.get("/api/admin/alerts").token(&auditor).await.expect(200);
    let silence = json!({ "seconds": 60, "reason": "x" });
    server.post("/api/admin/alerts/silences", silence).token(&auditor).await.expect(403);
}

#[tokio::test]
async fn a_server_that_is_killed_at_any_moment_loses_no_alert_and_fires_none_twice() {
    let receiver = receiver().await;
    let installation = std::sync::Arc::new(installation().await);
    let mut server = installation.start_again();
    add_hook(&server, &receiver).await;
    server.credential("killed", json!({ "rateLimit": 40 })).await;
    let mut used = 0;
    while used < 40 {
        for _ in 0..10 {
            server.get("/api/credentials/killed").await.expect(200);
            used += 1;
        }
        // A little later every time: before the fan-out, while it is sent, and after.
        tokio::time::sleep(STEP * 40 * (used / 10)).await;
        server.end(Signal::SIGKILL);
        server = installation.start_again();
    }
    until_told(&receiver, &[80, 95, 100]).await;
    let alerts = server.get("/api/admin/alerts?rule=limit_threshold").await.expect(200).json();
    assert_eq!(alerts.as_array().unwrap().len(), 3);
    let sql =
        "SELECT COUNT(*) FROM alert_deliveries WHERE delivered_at_ms IS NULL AND rule = 'limit_threshold'";
    assert_eq!(installation.database.query_text(sql).await[0][0].as_deref(), Some("0"));
}

#[tokio::test]
async fn the_command_line_lists_silences_tests_and_ends_with_1_when_something_fires() {
    let receiver = receiver().await;
    let server = installation().await.start();
    let run = |arguments: &[&str]| {
        let done = server.installation.command(arguments).output().unwrap();
        let said =
            String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
        (done.status.code().unwrap(), said)
    };
    assert_eq!(run(&["alert", "list", "--firing", "--exit-code"]).0, 0);
    server.credential("one", json!({})).await;
    let limit =
        ["limit", "set", "--credential", "one", "--requests", "2", "--per", "month", "--alert-at", "50,100"];
    let (code, said) = run(&limit);
    assert_eq!(code, 0, "{said}");
    server.get("/api/credentials/one").await.expect(200);
    let (code, said) = run(&["alert", "list", "--firing", "--exit-code", "--format", "json"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("\"mark\": 50"), "{said}");
    let (code, said) =
        run(&["alert", "silence", "--rule", "limit_threshold", "--for", "2h", "--why", "load test"]);
    assert_eq!(code, 0, "{said}");
    assert!(run(&["alert", "silences"]).1.contains("load test"));
    std::fs::write(server.installation.home().join("url"), format!("{}/secret-path\n", receiver.uri()))
        .unwrap();
    let (code, said) = run(&["alert", "channel", "add", "chat", "--kind", "slack", "--address-file", "url"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("took a test: HTTP 200") && !said.contains("secret-path"), "{said}");
    let (code, said) =
        run(&["alert", "route", "add", "--from-level", "critical", "--to", "chat", "--quiet", "22:00-07:00"]);
    assert_eq!(code, 0, "{said}");
    let (code, said) = run(&["alert", "rule", "test", "--credential", "one", "--at", "50"]);
    assert!(code == 0 && said.contains("50 %"), "{said}");
    assert_eq!(run(&["alert", "channel", "remove", "chat", "--yes"]).0, 0);
    let (code, said) = run(&["alert", "channel", "test", "chat"]);
    assert_eq!(code, 3, "{said}");
}
