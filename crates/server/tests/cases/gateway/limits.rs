//! Limits on the gateway's way: refused before anything leaves, in the shape that libraries know.

use serde_json::json;
use strongroom_testkit::Backend;
use strongroom_testkit::fake_upstream::Mode;

use crate::BACKEND;
use crate::cases::stage::{Stage, question};

#[tokio::test]
async fn over_the_limit_is_429_in_the_providers_own_shape_and_libraries_do_not_try_again() {
    let stage = Stage::new().await;
    for provider in ["openai", "anthropic", "gemini"] {
        stage.credential(provider, provider, Mode::Ok, json!({ "rateLimit": 0 })).await;
    }
    let openai = stage.chat().await.expect(429);
    assert_eq!(openai.at("error")["code"], "limit_reached");
    assert_eq!(openai.header("x-strongroom-denied-by"), Some("strongroom"));
    assert_eq!(openai.header("x-should-retry"), Some("false"));
    let wait: i64 = openai.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    let at = openai.header("x-strongroom-retry-at").unwrap();
    assert!(openai.text.contains(at), "{at}: {}", openai.text);
    let anthropic = stage.call("/anthropic/v1/messages", question("m")).await.expect(429).json();
    assert_eq!(
        (&anthropic["type"], &anthropic["error"]["type"]),
        (&json!("error"), &json!("rate_limit_error"))
    );
    let gemini = json!({ "contents": [] });
    let gemini = stage.call("/gemini/v1beta/models/m:generateContent", gemini).await.expect(429).json();
    assert_eq!(gemini["error"]["status"], "RESOURCE_EXHAUSTED");
    assert_eq!(stage.fake.count_all(), 0);
}

#[tokio::test]
async fn a_call_that_needs_more_than_the_whole_limit_is_told_so_and_not_to_wait() {
    let stage = Stage::new().await;
    for provider in ["openai", "anthropic", "gemini"] {
        stage.credential(provider, provider, Mode::Ok, json!({})).await;
    }
    let id = stage.token.split('_').nth(1).unwrap();
    let limit = json!({ "token": id, "unit": "tokens", "window": "month", "amount": 2000 });
    stage.server.post("/api/admin/limits", limit).await.expect(200);
    let asking = |most: u64| json!({ "model": "gpt-4o-mini", "max_tokens": most, "messages": [] });
    let refused = stage.call("/openai/v1/chat/completions", asking(5000)).await.expect(400);
    let error = refused.at("error");
    assert_eq!(
        (&error["type"], &error["code"]),
        (&json!("invalid_request_error"), &json!("invalid_request"))
    );
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("max_tokens") && message.contains("2000"), "{message}");
    assert_eq!((refused.header("retry-after"), refused.header("x-should-retry")), (None, Some("false")));
    let anthropic = json!({ "model": "claude-x", "max_tokens": 5000, "messages": [] });
    let anthropic = stage.call("/anthropic/v1/messages", anthropic).await.expect(400).json();
    assert_eq!(anthropic["error"]["type"], "invalid_request_error");
    let gemini = json!({ "contents": [], "generationConfig": { "maxOutputTokens": 5000 } });
    let gemini =
        stage.call("/gemini/v1beta/models/gemini-x:generateContent", gemini).await.expect(400).json();
    assert_eq!(gemini["error"]["status"], "INVALID_ARGUMENT");
    assert_eq!(stage.fake.count_all(), 0);

    // What fits passes, until what is left does not: then waiting is all there is to do.
    stage.call("/openai/v1/chat/completions", asking(100)).await.expect(200);
    let dear =
        stage.call("/openai/v1/chat/completions", asking(100)).header("x-stainless-fake-usage", "1800,100");
    dear.await.expect(200);
    stage.record("call", 2, "status").await;
    let reached = stage.call("/openai/v1/chat/completions", asking(100)).await.expect(429);
    assert_eq!(reached.at("error")["code"], "limit_reached");
}

#[tokio::test]
async fn of_parallel_calls_exactly_as_many_leave_as_the_limit_allows() {
    let stage = Stage::new().await;
    let key = stage.credential("busy", "openai", Mode::Ok, json!({ "rateLimit": 40 })).await;
    let second = match BACKEND {
        Backend::Postgres => {
            let second = stage.server.installation.second_node();
            Some(second.set("STRONGROOM_ALLOW_PRIVATE_ENDPOINTS", "true").start())
        }
        Backend::Sqlite => None,
    };
    let nodes = [&stage.server, second.as_ref().unwrap_or(&stage.server)];
    let calls = (0..150).map(|index| {
        let call = nodes[index % 2].post("/openai/v1/chat/completions", question("m")).token(&stage.token);
        async move { call.await.status }
    });
    let statuses = futures::future::join_all(calls).await;
    let served = statuses.iter().filter(|status| **status == 200).count();
    let refused = statuses.iter().filter(|status| **status == 429).count();
    assert_eq!((served, refused), (40, 110), "{statuses:?}");
    assert_eq!(stage.fake.count(&key), 40);
    // One server tells what another one wrote down.
    stage.record("call", 40, "status").await;
    for node in nodes {
        let status = node.get("/api/credentials/busy/rate-limit").await.expect(200).json();
        assert_eq!((&status["currentMonthUsage"], &status["remaining"]), (&json!(40), &json!(0)));
        let listed = node.get("/api/admin/credentials?name=busy").await.expect(200).json();
        assert_eq!(listed[0]["usageCount"], 40);
    }
}

#[tokio::test]
async fn reading_a_key_and_calling_with_it_share_one_limit() {
    let stage = Stage::new().await;
    let key = stage.credential("both", "openai", Mode::Ok, json!({ "rateLimit": 4 })).await;
    for _ in 0..2 {
        stage.chat().await.expect(200);
        stage.server.get("/api/credentials/both").await.expect(200);
    }
    stage.chat().await.expect(429);
    stage.server.get("/api/credentials/both").await.expect(429);
    assert_eq!(stage.fake.count(&key), 2);
    stage.server.call("POST", "/api/admin/credentials/reset-monthly-usage").await.expect(200);
    stage.chat().await.expect(200);
    let id = stage.server.get("/api/admin/credentials?name=both").await.expect(200).json()[0]["id"].clone();
    let shown = stage.server.get(&format!("/api/admin/credentials/{id}")).await.expect(200).json();
    assert_eq!((&shown["usageCount"], &shown["currentMonthUsage"]), (&json!(5), &json!(1)));
}
