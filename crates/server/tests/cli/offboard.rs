//! Keys that stood in files: still used, idle, or gone.

#![expect(clippy::unwrap_used, reason = "a case whose harness breaks has failed, and the line says where")]

use serde_json::{Value, json};
use wiremock::matchers::{body_partial_json, method, path};
use wiremock::{Mock, ResponseTemplate};

use crate::harness::{KEY, Place};

const ROUTE: &str = "/api/admin/credentials/offboard";

fn key(state: &str, told_by: &str, more: Value) -> Value {
    let mut key = json!({ "credential": "one", "credentialId": 1, "provider": "openai", "version": 1, "state": state,
        "lastUsed": null, "idleSince": "2026-01-15T10:30:00Z", "toldBy": told_by, "usedHere": null,
        "usedElsewhere": null, "isRevokedHere": false, "problem": null });
    key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "keys": [key] })
}

#[tokio::test]
async fn each_state_has_its_words_and_its_exit_code() {
    let cases = [
        (key("idle", "provider", json!({})), 0, "idle since 2026-01-15T10:30:00Z, revoke it now at openai"),
        (key("idle", "provider", json!({ "isRevokedHere": true })), 0, "strongroom revokes it by itself"),
        (key("idle", "strongroom", json!({})), 0, "OpenAI was not asked about other uses"),
        (key("idle", "strongroom", json!({ "provider": "groq" })), 0, "groq does not tell of other uses"),
        (key("gone", "provider", json!({})), 0, "nothing is left to do"),
        (key("serving", "strongroom", json!({})), 1, "credential update one --api-key-stdin"),
        (key("serving", "provider", json!({ "usedElsewhere": true })), 1, "is used elsewhere too"),
        (key("in_use", "provider", json!({ "idleSince": null })), 1, "in use today"),
        (key("in_use", "strongroom", json!({})), 1, "not idle for long enough"),
        (key("unknown", "provider", json!({ "problem": "HTTP 401" })), 1, "cannot be told: HTTP 401"),
        (json!({ "keys": [] }), 0, "no key was replaced yet"),
    ];
    for (answer, code, words) in cases {
        let place = Place::with_server().await;
        place.answers("POST", ROUTE, 200, answer.to_string()).await;
        let done = place.run(&["offboard"]).await;
        assert!(done.code == code && done.stderr.contains(words), "{words}: {done:?}");
    }
}

#[tokio::test]
async fn it_watches_until_every_key_is_idle() {
    let place = Place::with_server().await;
    let wanted = json!({ "credentials": ["one"], "idleHours": 168 });
    let answer = |answer: Value| ResponseTemplate::new(200).set_body_json(answer);
    let first = answer(key("in_use", "provider", json!({})));
    let asked = || Mock::given(method("POST")).and(path(ROUTE)).and(body_partial_json(wanted.clone()));
    asked().respond_with(first).up_to_n_times(2).mount(&place.server).await;
    asked().respond_with(answer(key("idle", "provider", json!({})))).mount(&place.server).await;
    let watch = ["offboard", "one", "--idle", "7d", "--watch", "--every", "1s", "--format", "json"];
    let done = place.run(&watch).await;
    assert_eq!((done.code, place.calls().await.len()), (0, 3), "{}", done.stderr);
    let said: Vec<_> = done.stderr.lines().filter(|line| line.contains("version 1")).collect();
    assert_eq!(said.len(), 2, "what has not changed is not said again: {}", done.stderr);
    let report: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(report["keys"][0]["state"], "idle");
    for odd in [&["--idle", "90m"][..], &["--every", "5s"], &["--idle", "400d"]] {
        assert_eq!(place.run(&[&["offboard"], odd].concat()).await.code, 2, "{odd:?}");
    }
}

#[tokio::test]
async fn a_key_out_of_a_file_is_told_of_until_it_is_replaced() {
    let mut place = Place::without_server().await;
    let folder = place.home.path().join("data");
    place.set("STRONGROOM_DATA_DIR", folder.to_str().unwrap());
    assert_eq!(place.run(&["offboard"]).await.code, 3, "there is nothing yet");
    std::fs::write(
        place.home.path().join(".env"),
        format!("GROQ_API_KEY=gsk_canary0123456789canary0123456789canary0123456789\nOPENAI_API_KEY={KEY}\n"),
    )
    .unwrap();
    let done = place.run(&["import", "env", "--yes"]).await;
    assert_eq!(done.code, 0, "{}", done.stderr);
    let done = place.run(&["offboard"]).await;
    assert_eq!((done.code, done.stdout.matches("serving").count()), (1, 2), "{}", done.stdout);
    let update = ["credential", "update", "groq-primary", "--api-key-stdin"];
    assert_eq!(place.run_with_stdin(&update, "gsk_fresh\n").await.code, 0);
    let done = place.run(&["offboard", "groq-primary", "--format", "yaml"]).await;
    assert_eq!(done.code, 1, "it was replaced just now");
    assert!(
        done.stdout.contains("state: in_use") && done.stdout.contains("toldBy: strongroom"),
        "{}",
        done.stdout
    );
    assert!(done.stderr.contains("groq does not tell of other uses"), "{}", done.stderr);
    done.shows_no_canary();
    assert_eq!(place.run(&["offboard", "nobody"]).await.code, 3);
    assert_eq!(place.run(&["audit", "verify"]).await.code, 0);
}
