//! Calls that their requests do not bound, under limits in tokens and dollars.

use serde_json::{Value, json};
use strongroom_testkit::fake_upstream::Mode;

use crate::cases::stage::{Stage, question};

const CHAT: &str = "/openai/v1/chat/completions";

/// A stage with one credential of a provider, under limits of this many tokens and enough dollars.
async fn limited(provider: &str, tokens: i64) -> (Stage, String) {
    let stage = Stage::new().await;
    let key = stage.credential("one", provider, Mode::Ok, json!({})).await;
    for limit in [
        json!({ "credential": "one", "unit": "tokens", "window": "day", "amount": tokens }),
        json!({ "credential": "one", "unit": "nano_usd", "window": "day", "amount": 1_000_000_000_000_i64 }),
    ] {
        stage.server.post("/api/admin/limits", limit).await.expect(200);
    }
    (stage, key)
}

fn with(field: &str, value: Value) -> Value {
    let mut body = question("gpt-4o-mini");
    body[field] = value;
    body
}

#[tokio::test]
async fn what_nobody_understands_is_refused_by_its_name_and_nothing_leaves() {
    let (stage, key) = limited("openai", 20_000).await;
    let unknown = "x".repeat(500);
    for (body, name) in [
        (with("max_output_tokens", json!(1)), "max_output_tokens"),
        (with("max_completion_tokens", json!("100000")), "max_completion_tokens"),
        (with("max_completion_tokens", json!(-1)), "max_completion_tokens"),
        (with("n", json!("128")), "n"),
        (with("n", json!(1e16)), "n"),
        (with("N", json!(128)), "N"),
        (with("tools", json!([{ "type": "code_interpreter" }])), "tools[0].type"),
        (with("web_search_options", json!({})), "web_search_options"),
        (with(&unknown, json!("sk-secret")), "xxx"),
    ] {
        let refused = stage.call(CHAT, body).await.expect(403);
        assert!(refused.text.contains(&format!("and {name}")), "{name}: {}", refused.text);
        assert!(!refused.text.contains("sk-secret") && refused.text.len() < 600, "{}", refused.text);
    }
    let raw = |kind: &str, body: &str| stage.server.call("POST", CHAT).token(&stage.token).body(body, kind);
    let twice = r#"{"model":"gpt-4o-mini","max_tokens":1,"max_tok\u0065ns":100000,"messages":[]}"#;
    let twice = raw("application/json", twice).await.expect(400);
    assert!(twice.text.contains("max_tokens stands twice"), "{}", twice.text);
    let plain = r#"{"model":"gpt-4o-mini","max_tokens":1,"n":128,"messages":[]}"#;
    let plain = raw("text/plain", plain).await.expect(400);
    assert!(plain.text.contains("Content-Type"), "{}", plain.text);
    assert_eq!(stage.fake.count(&key), 0);
    stage.call(CHAT, question("gpt-4o-mini")).await.expect(200);
}

#[tokio::test]
async fn every_prompt_and_what_is_not_text_is_held_whole() {
    let (stage, key) = limited("openai", 20_000).await;
    let prompts = json!({ "model": "gpt-4o-mini", "prompt": vec!["a"; 1000], "max_tokens": 4000 });
    let many = stage.call("/openai/v1/completions", prompts).await.expect(400);
    // As many answers as prompts, and the prompts' bytes.
    assert!(many.text.contains("may use up to 4005"), "{}", many.text);
    let image = r#"{"model":"gpt-4o-mini","max_tokens":1,"messages":[{"role":"user","content":[{"type":"im\u0061ge_url","im\u0061ge_url":{"url":"https://example.com"}}]}]}"#;
    let image = stage.server.call("POST", CHAT).token(&stage.token).body(image, "application/json");
    let image = image.await.expect(400);
    assert!(image.text.contains("may use up to 128001"), "{}", image.text);
    let referring = json!({ "model": "gpt-4o-mini", "input": [{ "id": "msg_1" }], "max_output_tokens": 1 });
    let referring = stage.call("/openai/v1/responses", referring).await.expect(400);
    assert!(referring.text.contains("may use up to 128001"), "{}", referring.text);
    assert_eq!(stage.fake.count(&key), 0);
}

#[tokio::test]
async fn without_a_limit_on_tokens_or_dollars_everything_passes() {
    let stage = Stage::new().await;
    stage.credential("one", "openai", Mode::Ok, json!({ "rateLimit": 100 })).await;
    stage.call(CHAT, with("unheard_of", json!({ "a": [1] }))).await.expect(200);
    stage.call(CHAT, with("n", json!("128"))).await.expect(200);
    stage
        .call("/openai/v1/responses", json!({ "model": "m", "tools": [{ "type": "web_search" }] }))
        .await
        .expect(200);
}

#[tokio::test]
async fn files_that_switch_on_what_nobody_bounds_are_refused_by_their_name() {
    for (provider, base, model) in
        [("grok", "/grok/v1", "grok-4.7"), ("openrouter", "/openrouter/api/v1", "openai/gpt-4o-mini")]
    {
        let (stage, key) = limited(provider, 100_000_000).await;
        let file = json!([{ "type": "file", "file": { "file_data": "data:application/pdf;base64,eA==" } }]);
        let mut chat = question(model);
        chat["messages"][0]["content"] = file;
        let input = json!([{ "role": "user", "content": [{ "type": "input_file", "file_id": "file-1" }] }]);
        let responses = json!({ "model": model, "max_output_tokens": 9, "input": input });
        for (path, body, field) in [
            ("chat/completions", &chat, "messages[0].content[0].type"),
            ("responses", &responses, "input[0].content[0].type"),
        ] {
            let refused = stage.call(&format!("{base}/{path}"), body.clone()).await.expect(403);
            assert!(refused.text.contains(field), "{provider} {path}: {}", refused.text);
        }
        assert_eq!(stage.fake.count(&key), 0);
        stage.call(&format!("{base}/chat/completions"), question(model)).await.expect(200);
        let free = Stage::new().await;
        free.credential("one", provider, Mode::Ok, json!({})).await;
        free.call(&format!("{base}/chat/completions"), chat).await.expect(200);
    }
}

#[tokio::test]
async fn a_body_that_is_not_utf_8_or_has_too_many_fields_is_refused_before_anything_is_counted() {
    let stage = Stage::new().await;
    let key = stage.credential("one", "openai", Mode::Ok, json!({})).await;
    let raw =
        |body: Vec<u8>| stage.server.call("POST", CHAT).token(&stage.token).body(body, "application/json");
    let odd = [&br#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":""#[..], b"\xff", br#""}]}"#]
        .concat();
    let odd = raw(odd).await.expect(400);
    assert!(odd.text.contains("UTF-8"), "{}", odd.text);
    let many = format!(r#"{{"model":"gpt-4o-mini",{}"s":1}}"#, r#""s":1,"#.repeat(100_000));
    let many = raw(many.into_bytes()).await.expect(400);
    assert!(many.text.contains("more fields"), "{}", many.text);
    assert_eq!(stage.fake.count(&key), 0);
    let used = stage.server.get("/api/credentials/one/rate-limit").await.expect(200);
    assert_eq!(used.at("currentMonthUsage"), 0);
}
