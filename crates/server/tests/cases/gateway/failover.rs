//! When one credential fails before its answer has begun, another serves, and the reason is kept.

use serde_json::json;
use strongroom_testkit::fake_upstream::Mode;

use crate::cases::stage::{Stage, question, texts};

#[tokio::test]
async fn the_next_one_serves_when_a_key_is_refused_and_the_refused_one_is_left_alone() {
    for (mode, provider, path, status, requests) in [
        (Mode::Wrong, "openai", "/openai/v1/chat/completions", "401", "1"),
        (Mode::Empty, "openai", "/openai/v1/chat/completions", "429", "1"),
        (Mode::Limited, "openai", "/openai/v1/chat/completions", "429", "1"),
        (Mode::Down, "openai", "/openai/v1/chat/completions", "503", "1"),
        (Mode::Wrong, "anthropic", "/anthropic/v1/messages", "401", "1"),
        (Mode::Empty, "anthropic", "/anthropic/v1/messages", "400", "1"),
        (Mode::Down, "anthropic", "/anthropic/v1/messages", "529", "1"),
        (Mode::Wrong, "gemini", "/gemini/v1beta/models/m:generateContent", "400", "1"),
        (Mode::Limited, "gemini", "/gemini/v1beta/models/m:generateContent", "429", "1"),
        (Mode::Empty, "openrouter", "/openrouter/api/v1/chat/completions", "402", "1"),
    ] {
        let stage = Stage::new().await;
        let bad = stage.credential("bad", provider, mode, json!({ "priority": 1 })).await;
        let good = stage.credential("good", provider, Mode::Ok, json!({ "priority": 2 })).await;
        for calls in 1..=2 {
            let answer = stage.call(path, question("m")).await.expect(200);
            assert_eq!(answer.header("x-strongroom-credential"), Some("good"), "{mode:?} {provider}");
            assert_eq!(stage.fake.count(&good), calls);
            assert_eq!(stage.fake.count(&bad), 1, "{mode:?} {provider}: it is not tried again at once");
        }
        let attempt = stage.record("attempt", 1, "status, requests, client_requests, charged_tokens").await;
        assert_eq!(texts(&attempt), [status, requests, "0", "0"], "{mode:?} {provider}");
        stage.record("call", 2, "status").await;
    }
}

/// An account that the caller names, and that is not the key's, is refused in the words for a bad key.
#[tokio::test]
async fn a_key_is_not_blamed_for_what_the_caller_sent_along() {
    let stage = Stage::new().await;
    let bad = stage.credential("bad", "openai", Mode::Wrong, json!({ "priority": 1 })).await;
    let good = stage.credential("good", "openai", Mode::Ok, json!({ "priority": 2 })).await;
    for (calls, header) in
        (1..).zip(["openai-organization", "openai-project", "x-goog-user-project", "openai-organization"])
    {
        stage.chat().header(header, "somebody-elses").await.expect(200);
        assert_eq!(
            (stage.fake.count(&bad), stage.fake.count(&good)),
            (calls, calls),
            "{header}: it is tried again"
        );
    }
    stage.chat().await.expect(200);
    stage.chat().await.expect(200);
    assert_eq!((stage.fake.count(&bad), stage.fake.count(&good)), (5, 6), "without any it is blamed");
}

#[tokio::test]
async fn when_nobody_is_left_the_last_refusal_comes_back_as_the_provider_said_it() {
    let stage = Stage::new().await;
    stage.credential("one", "openai", Mode::Limited, json!({ "priority": 1 })).await;
    stage.credential("two", "openai", Mode::Limited, json!({ "priority": 2 })).await;
    let answer = stage.chat().await.expect(429);
    assert_eq!(answer.header("x-strongroom-denied-by"), Some("provider"));
    assert_eq!(answer.header("retry-after"), Some("7"));
    assert_eq!(answer.at("error")["code"], "rate_limit_exceeded");
    stage.record("attempt", 1, "status").await;
    let call = stage.record("call", 1, "status, requests, client_requests").await;
    assert_eq!(texts(&call), ["429", "1", "1"], "the client's one request counts once");
}

#[tokio::test]
async fn nobody_listening_counts_nothing_and_another_serves() {
    let stage = Stage::new().await;
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}/openai/v1", gone.local_addr().unwrap());
    drop(gone);
    let away = json!({ "endpoint": endpoint, "priority": 1, "rateLimit": 1 });
    stage.credential("away", "openai", Mode::Ok, away).await;
    let alone = stage.chat().await.expect(502);
    assert_eq!(alone.header("x-strongroom-denied-by"), Some("strongroom"));
    stage.credential("here", "openai", Mode::Ok, json!({ "priority": 2 })).await;
    let answer = stage.chat().await.expect(200);
    assert_eq!(answer.header("x-strongroom-credential"), Some("here"));
    let used = stage.server.get("/api/credentials/away/rate-limit").await.expect(200);
    assert_eq!(used.at("currentMonthUsage"), 0);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let stage = Stage::new().await;
    stage.credential("one", "openai", Mode::Redirect, json!({})).await;
    let answer = stage.chat().await.expect(502);
    assert!(answer.text.contains("redirects"), "{}", answer.text);
    assert!(answer.header("location").is_none());
}

#[tokio::test]
async fn equals_take_turns() {
    let stage = Stage::new().await;
    let mut keys = Vec::new();
    for name in ["a", "b", "c"] {
        keys.push(stage.credential(name, "openai", Mode::Ok, json!({ "priority": 5 })).await);
    }
    keys.push(stage.credential("later", "openai", Mode::Ok, json!({ "priority": 6 })).await);
    for _ in 0..9 {
        stage.chat().await.expect(200);
    }
    let counts: Vec<u64> = keys.iter().map(|key| stage.fake.count(key)).collect();
    assert_eq!(counts, [3, 3, 3, 0]);
}

#[tokio::test]
async fn a_change_of_credentials_is_heeded_by_the_next_call() {
    let stage = Stage::new().await;
    let old = stage.credential("one", "openai", Mode::Ok, json!({})).await;
    stage.chat().await.expect(200);
    let id = stage.server.get("/api/admin/credentials?name=one").await.expect(200).json()[0]["id"].clone();
    let new = Mode::Ok.key("new");
    let path = format!("/api/admin/credentials/{id}");
    stage.server.patch(&path, json!({ "apiKey": new })).await.expect(200);
    stage.chat().await.expect(200);
    assert_eq!((stage.fake.count(&old), stage.fake.count(&new)), (1, 1));
    stage.server.patch(&path, json!({ "isActive": false })).await.expect(200);
    stage.chat().await.expect(404);
}
