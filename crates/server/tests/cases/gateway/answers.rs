//! What every provider answers comes back as it is, and what it used is written down.

use serde_json::{Value, json};
use strongroom_testkit::fake_upstream::Mode;

use crate::cases::stage::{Stage, events, question, texts};

const COLUMNS: &str = "provider, operation, model, status, requests, client_requests, input_tokens, \
                       cached_input_tokens, output_tokens, metering, source";

/// Provider, path, operation, model, body; what was used: input, cached, output.
type Case = (&'static str, &'static str, &'static str, &'static str, Value, [i64; 3]);

fn cases() -> Vec<Case> {
    let chat = || question("fake-1");
    let openai = [12, 2, 5];
    let gemini = json!({ "contents": [{ "role": "user", "parts": [{ "text": "Hello?" }] }],
        "generationConfig": { "maxOutputTokens": 50 } });
    vec![
        ("openai", "/openai/v1/chat/completions", "chat.completions", "fake-1", chat(), openai),
        (
            "openai",
            "/openai/v1/responses",
            "responses",
            "fake-1",
            json!({ "model": "fake-1", "input": "Hello?", "max_output_tokens": 50 }),
            openai,
        ),
        (
            "openai",
            "/openai/v1/embeddings",
            "embeddings",
            "fake-1",
            json!({ "model": "fake-1", "input": "Hello?" }),
            [12, 0, 0],
        ),
        // Anthropic counts what is read from and written to a cache beside the rest.
        ("anthropic", "/anthropic/v1/messages", "messages", "fake-1", chat(), [19, 4, 5]),
        ("anthropic", "/anthropic/v1/chat/completions", "chat.completions", "fake-1", chat(), openai),
        // Thoughts are output.
        (
            "gemini",
            "/gemini/v1beta/models/fake-1:generateContent",
            "generate_content",
            "fake-1",
            gemini,
            [12, 1, 7],
        ),
        ("gemini", "/gemini/v1beta/openai/chat/completions", "chat.completions", "fake-1", chat(), openai),
        ("openrouter", "/openrouter/api/v1/chat/completions", "chat.completions", "fake-1", chat(), openai),
        ("groq", "/groq/openai/v1/chat/completions", "chat.completions", "fake-1", chat(), openai),
    ]
}

async fn all_providers() -> Stage {
    let stage = Stage::new().await;
    for provider in ["openai", "anthropic", "gemini", "openrouter", "groq"] {
        stage.credential(&format!("of-{provider}"), provider, Mode::Ok, json!({})).await;
    }
    stage
}

#[tokio::test]
async fn every_provider_answers_and_what_it_used_is_written_down() {
    let stage = all_providers().await;
    for (index, (provider, path, operation, model, body, used)) in cases().into_iter().enumerate() {
        let answer =
            stage.call(path, body.clone()).header("anthropic-version", "2023-06-01").await.expect(200);
        assert_eq!(answer.header("x-strongroom-credential"), Some(&*format!("of-{provider}")));
        assert_eq!(answer.header("x-strongroom-source"), Some("database"));
        let arrived = stage.fake.last();
        assert_eq!(arrived.path, path, "the fake has the same paths");
        assert_eq!(arrived.body, body, "{path}");
        let record = stage.record("call", index + 1, COLUMNS).await;
        let [input, cached, output] = used.map(|number| number.to_string());
        let expected =
            [provider, operation, model, "200", "1", "1", &input, &cached, &output, "reported", "database"];
        assert_eq!(texts(&record), expected, "{path}");
        let raw = stage.record("call", index + 1, "raw_usage, request_id, total_ms, actor").await;
        assert!(serde_json::from_str::<Value>(raw[0].as_deref().unwrap()).unwrap().is_object(), "{path}");
        assert_eq!(raw[1].as_deref(), answer.header("x-strongroom-request-id"));
        assert!(raw[2].is_some() && raw[3].as_deref().unwrap().starts_with("token:"), "{raw:?}");
    }
}

#[tokio::test]
async fn streams_come_as_they_are_and_count_what_they_used() {
    let stage = all_providers().await;
    let mut count = 0;
    for (provider, path, operation, model, mut body, used) in cases() {
        if operation == "embeddings" {
            continue;
        }
        count += 1;
        let path = path.replace(":generateContent", ":streamGenerateContent?alt=sse");
        if provider != "gemini" || path.contains("openai") {
            body["stream"] = json!(true);
        }
        let call = stage.call(&path, body.clone()).header("anthropic-version", "2023-06-01");
        let answer = call.await.expect(200);
        assert!(answer.header("content-type").unwrap().starts_with("text/event-stream"), "{path}");
        let text = answer.text.clone();
        assert!(text.contains(" from") && text.contains(" fake"), "{path}: {text}");
        let events = events(&answer);
        assert!(events.len() >= 5, "{path}: {text}");
        // Nobody asked for the usage of a chat, so nobody sees the chunk that we asked for.
        if operation == "chat.completions" {
            assert!(events.iter().all(|event| event["choices"] != json!([])), "{path}: {text}");
            assert!(text.trim_end().ends_with("data: [DONE]"), "{path}: {text}");
        }
        let record = stage.record("call", count, COLUMNS).await;
        let [input, cached, output] = used.map(|number| number.to_string());
        let expected =
            [provider, operation, model, "200", "1", "1", &input, &cached, &output, "reported", "database"];
        assert_eq!(texts(&record), expected, "{path}");
    }
}

#[tokio::test]
async fn a_client_that_asks_for_the_usage_of_a_chat_gets_it() {
    let stage = all_providers().await;
    let mut body = question("fake-1");
    body["stream"] = json!(true);
    body["stream_options"] = json!({ "include_usage": true });
    let answer = stage.call("/openai/v1/chat/completions", body).await.expect(200);
    assert_eq!(events(&answer).last().unwrap()["usage"]["total_tokens"], 17);
}

#[tokio::test]
async fn tool_calls_pass_in_every_language() {
    let stage = all_providers().await;
    for (provider, path, operation, _, mut body, _) in cases() {
        if ["embeddings", "responses"].contains(&operation) {
            continue;
        }
        body["tools"] = json!([{ "name": "weather" }]);
        let answer = stage.call(path, body).header("anthropic-version", "2023-06-01").await.expect(200);
        assert!(
            answer.text.contains("weather") && answer.text.contains("Graz"),
            "{provider} {}",
            answer.text
        );
    }
}

#[tokio::test]
async fn what_a_provider_says_of_the_request_itself_comes_back_untouched_and_costs_no_tokens() {
    let stage = all_providers().await;
    let mut count = 0;
    for (_, path, _, _, mut body, _) in cases() {
        if body.get("model").is_some() {
            body["model"] = json!("no-such-model");
        }
        count += 1;
        let path = path.replace("fake-1", "no-such-model");
        let answer = stage.call(&path, body).header("anthropic-version", "2023-06-01").await.expect(404);
        assert_eq!(answer.header("x-strongroom-denied-by"), Some("provider"), "{path}");
        assert!(answer.at("error").is_object(), "{path}: {}", answer.text);
        assert!(answer.header("retry-after").is_none());
        let record = stage.record("call", count, "status, requests, charged_tokens").await;
        assert_eq!(texts(&record), ["404", "1", "0"], "{path}");
    }
}

#[tokio::test]
async fn what_is_asked_at_a_dearer_price_and_not_told_has_no_price_and_is_charged_as_held() {
    let stage = all_providers().await;
    let message = |more: Value| {
        let mut body = json!({ "model": "claude-opus-4-6", "max_tokens": 50,
            "messages": [{ "role": "user", "content": "hi" }] });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for (count, (more, is_priced)) in [
        (json!({}), true),
        (json!({ "speed": "fast" }), false),
        (json!({ "inference_geo": "us" }), false),
        // Nothing was written to a cache.
        (json!({ "cache_control": { "type": "ephemeral", "ttl": "1h" } }), true),
    ]
    .into_iter()
    .enumerate()
    {
        let what = more.to_string();
        stage
            .call("/anthropic/v1/messages", message(more))
            .header("anthropic-version", "2023-06-01")
            .await
            .expect(200);
        let columns = "metering, CASE WHEN cost_nano_usd IS NULL THEN 'none' END";
        let record = stage.record("call", count + 1, columns).await;
        assert_eq!(texts(&record), ["reported", if is_priced { "" } else { "none" }], "{what}");
    }
}

#[tokio::test]
async fn binary_and_multipart_bodies_pass() {
    let stage = all_providers().await;
    let speech = json!({ "model": "tts-1", "input": "Hello", "voice": "alloy" });
    let answer = stage.call("/openai/v1/audio/speech", speech).await.expect(200);
    assert_eq!(answer.header("content-type"), Some("audio/mpeg"));
    let record = stage.record("call", 1, "operation, metering, cost_nano_usd").await;
    assert_eq!(texts(&record[..2]), ["audio.speech", "unmetered"]);
    assert_eq!(record[2], None, "what it costs nobody tells");
    let form = b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\n\x00\xff\xfe\r\n--b--\r\n";
    let call = stage.server.call("POST", "/openai/v1/audio/transcriptions").token(&stage.token);
    let answer = call.body(form.to_vec(), "multipart/form-data; boundary=b").await.expect(200);
    assert_eq!(answer.at("text"), json!(format!("{} bytes", form.len())));
    assert_eq!(stage.fake.last().header("content-type"), Some("multipart/form-data; boundary=b"));
}
