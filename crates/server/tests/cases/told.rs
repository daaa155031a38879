//! Answers that tell their usage oddly, say their key, or refuse one model or one prompt: what the ledger and the limits say then.

use base64::Engine;
use serde_json::{Value, json};
use strongroom_model::Role;
use strongroom_testkit::fake_upstream::Mode;

use super::hostile::puppet::Puppet;
use super::hostile::words::json_answer;
use super::stage::{Stage, question, texts};
use crate::BACKEND;
use crate::support::server::{Installation, STEP, STEPS, Server};

const KEY: &str = "sk-proj-Zq8v3LmN0pRt5WxYb7Dc2Fg";

/// A server with credentials at a puppet.
async fn besieged(puppet: &Puppet) -> Server {
    let installation = Installation::new(BACKEND).await.set("STRONGROOM_ALLOW_PRIVATE_ENDPOINTS", "true");
    let server = installation.start();
    for (provider, path) in [("openai", "/v1"), ("anthropic", "")] {
        let endpoint = format!("{}{path}", puppet.url());
        server
            .credential(provider, json!({ "provider": provider, "endpoint": endpoint, "apiKey": KEY }))
            .await;
    }
    server
}

/// Rows of the ledger, once there are so many.
async fn rows(server: &Server, columns: &str, count: usize) -> Vec<Vec<Option<String>>> {
    let sql = format!("SELECT {columns} FROM usage_records ORDER BY uid");
    for _ in 0..STEPS {
        let rows = server.installation.database.query_text(&sql).await;
        if rows.len() >= count {
            return rows;
        }
        tokio::time::sleep(STEP).await;
    }
    panic!("not {count} records");
}

#[tokio::test]
async fn a_key_that_an_answer_says_is_in_no_record() {
    let puppet = Puppet::start().await;
    let server = besieged(&puppet).await;
    let token = server.token_of(Role::Gateway).await;
    let figures = |more: Value| {
        let mut figures = json!({ "prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12 });
        figures.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        figures
    };
    let base64 = base64::engine::general_purpose::STANDARD.encode(KEY);
    let mut count = 0;
    for said in [KEY.to_owned(), format!("gpt-4o {KEY}!"), base64] {
        for (model, usage) in [
            (json!(said), figures(json!({}))),
            (json!("gpt-4o-mini"), figures(json!({ "note": said }))),
            (json!("gpt-4o-mini"), figures(json!({ said.clone(): 1 }))),
            (json!("gpt-4o-mini"), figures(json!({ "parts": [{ "of": { "whom": said } }] }))),
        ] {
            puppet.answers(&json_answer(&json!({
                "model": model, "choices": [{ "index": 0, "message": { "content": "hi" }, "finish_reason": "stop" }], "usage": usage
            })));
            // Without a model the ledger would name the one that the answer names.
            for body in [question("gpt-4o-mini"), json!({ "max_tokens": 50, "messages": [] })] {
                server.post("/openai/v1/chat/completions", body).token(&token).await.expect(200);
                count += 1;
            }
        }
    }
    for row in rows(&server, "input_tokens, output_tokens, metering, model, raw_usage", count).await {
        let row = texts(&row);
        assert_eq!(row[..3], ["10", "2", "reported"], "the figures count all the same");
        assert!(!row.concat().contains(KEY) && !row.concat().contains("c2stcHJvai"), "{row:?}");
    }
    for path in ["/api/admin/usage?groupBy=model", "/api/admin/usage/records", "/api/admin/limits"] {
        let shown = server.get(path).await.text;
        assert!(!shown.contains(KEY) && !shown.contains("c2stcHJvai"), "{path} {shown}");
    }
}

/// Answers by which a call is not known to have used as little as they say.
fn odd_answers() -> Vec<(&'static str, Value)> {
    let small = json!({ "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15 });
    let large = json!({ "prompt_tokens": 10, "completion_tokens": 9000, "total_tokens": 9010 });
    let choice = json!({ "index": 0, "message": { "content": "hi" }, "finish_reason": "stop" });
    let chat = |usage: &Value, more: Value| {
        let mut chat = json!({ "model": "gpt-4o-mini", "choices": [choice], "usage": usage });
        chat.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        chat
    };
    let with = |more: Value| {
        let mut usage = small.clone();
        usage.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        chat(&usage, json!({}))
    };
    let message = |more: Value| {
        let mut message = json!({ "model": "claude-haiku-4-5", "content": [{ "type": "text", "text": "hi" }], "stop_reason": "end_turn" });
        message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        message
    };
    let (openai, anthropic) = ("/openai/v1/chat/completions", "/anthropic/v1/messages");
    vec![
        (
            openai,
            chat(&small, json!({ "choices": [{ "index": 0, "finish_reason": "stop", "usage": large }] })),
        ),
        (openai, chat(&small, json!({ "data": { "usage": large } }))),
        (openai, chat(&small, json!({ "usage_breakdown": { "models": [{ "usage": large }] } }))),
        (openai, json!([chat(&small, json!({})), chat(&large, json!({}))])),
        (
            openai,
            with(
                json!({ "completion_tokens_details": { "reasoning_tokens": 5, "accepted_prediction_tokens": 5, "rejected_prediction_tokens": 5 } }),
            ),
        ),
        (openai, with(json!({ "prompt_tokens_details": { "text_tokens": 10, "image_tokens": 10 } }))),
        (openai, with(json!({ "prompt_cache_hit_tokens": 10, "prompt_cache_miss_tokens": 10 }))),
        (anthropic, message(json!({ "usage": { "input_tokens": 10, "output_tokens": 0 } }))),
        (
            anthropic,
            message(json!({ "usage": { "input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 0,
                "iterations": [{ "type": "message", "input_tokens": 10, "cache_read_input_tokens": 900, "output_tokens": 5 }] } })),
        ),
    ]
}

#[tokio::test]
async fn what_contradicts_itself_counts_the_larger_or_what_was_held() {
    let puppet = Puppet::start().await;
    let server = besieged(&puppet).await;
    let token = server.token_of(Role::Gateway).await;
    let id = token.split('_').nth(1).expect("an id");
    let limit = json!({ "token": id, "unit": "tokens", "window": "day", "amount": 100_000_000 });
    server.post("/api/admin/limits", limit).await.expect(200);
    let answers = odd_answers();
    for (path, answer) in &answers {
        puppet.answers(&json_answer(answer));
        let model = if path.contains("anthropic") { "claude-haiku-4-5" } else { "gpt-4o-mini" };
        let body = json!({ "model": model, "max_tokens": 12_000, "messages": [{ "role": "user", "content": "Hello?" }] });
        server.post(path, body).token(&token).await.expect(200);
    }
    let rows = rows(&server, "metering, charged_tokens", answers.len()).await;
    for ((_, answer), row) in answers.iter().zip(&rows) {
        let told = texts(row);
        let charged: i64 = told[1].parse().unwrap();
        assert!(charged >= 9010 && (told[0] == "held" || charged == 9010), "{answer} {told:?}");
    }
}

#[tokio::test]
async fn a_limit_of_one_model_leaves_the_key_to_the_others() {
    for (provider, path, message) in [
        (
            "groq",
            "/groq/openai/v1/chat/completions",
            "Rate limit reached for model `m` in organization `o` on tokens per day (TPD): Limit 100000, Used 99900, Requested 500.",
        ),
        (
            "openrouter",
            "/openrouter/api/v1/chat/completions",
            "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day",
        ),
    ] {
        let stage = Stage::new().await;
        stage.credential("first", provider, Mode::Ok, json!({ "priority": 1 })).await;
        // Calls with a spare key end well.
        stage.credential("spare", provider, Mode::Ok, json!({ "priority": 2 })).await;
        let said = json!({ "error": { "message": message, "code": "rate_limit_exceeded" } });
        let served = async |model: &str, is_refused: bool| {
            let mut call = stage.call(path, question(model));
            if is_refused {
                call = call
                    .header("x-stainless-fake-ending", "error-429")
                    .header("x-stainless-fake-refusal", &said.to_string());
            }
            let answer = call.await.expect(200);
            answer.header("x-strongroom-credential").map(str::to_owned)
        };
        assert_eq!(served("used-up", true).await.as_deref(), Some("spare"), "{provider}");
        assert_eq!(
            served("used-up", false).await.as_deref(),
            Some("spare"),
            "{provider}: for this one it rests"
        );
        assert_eq!(served("other", false).await.as_deref(), Some("first"), "{provider}: and for no other");
    }
}

#[tokio::test]
async fn a_prompt_that_is_longer_than_a_minute_of_the_key_rests_no_key() {
    let said = json!({ "type": "error", "error": { "type": "rate_limit_error",
        "message": "This request would exceed your organization's rate limit of 30,000 input tokens per minute." } });
    for (length, next) in [(200_000, "first"), (1000, "spare")] {
        let stage = Stage::new().await;
        stage.credential("first", "anthropic", Mode::Ok, json!({ "priority": 1 })).await;
        stage.credential("spare", "anthropic", Mode::Ok, json!({ "priority": 2 })).await;
        let path = "/anthropic/v1/messages";
        let mut body = question("m");
        body["messages"][0]["content"] = json!("x".repeat(length));
        let answer = stage
            .call(path, body)
            .header("x-stainless-fake-ending", "error-429")
            .header("x-stainless-fake-refusal", &said.to_string())
            .await
            .expect(200);
        assert_eq!(answer.header("x-strongroom-credential"), Some("spare"), "another key may take it");
        let then = stage.call(path, question("m")).await.expect(200);
        assert_eq!(then.header("x-strongroom-credential"), Some(next), "{length}");
    }
}
