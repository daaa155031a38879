//! Dollars that no token carries: fees, classes of service and dated names, under limits in dollars and without them.

use serde_json::{Value, json};
use strongroom_model::Role;

use super::hostile::puppet::Puppet;
use super::hostile::words::json_answer;
use crate::BACKEND;
use crate::support::call::Answer;
use crate::support::server::{Installation, STEP, STEPS, Server};

const DOLLAR: i64 = 1_000_000_000;

/// A server with a credential of each provider at a puppet, and a program with and one without a limit of so many dollars
/// a day.
struct Shop {
    server: Server,
    puppet: Puppet,
    limited: String,
    free: String,
}

impl Shop {
    async fn with_limit(usd: i64) -> Self {
        let puppet = Puppet::start().await;
        let installation = Installation::new(BACKEND).await.set("STRONGROOM_ALLOW_PRIVATE_ENDPOINTS", "true");
        let server = installation.start();
        for (provider, path) in
            [("openai", "/v1"), ("anthropic", ""), ("gemini", ""), ("openrouter", "/api/v1")]
        {
            let endpoint = format!("{}{path}", puppet.url());
            let body =
                json!({ "provider": provider, "endpoint": endpoint, "apiKey": format!("key-of-{provider}") });
            server.credential(provider, body).await;
        }
        let limited = server.token_of(Role::Gateway).await;
        let id = limited.split('_').nth(1).expect("an id");
        let limit = json!({ "token": id, "unit": "nano_usd", "window": "day", "amount": usd * DOLLAR });
        server.post("/api/admin/limits", limit).await.expect(200);
        let free = server.token_of(Role::Gateway).await;
        Self { server, puppet, limited, free }
    }

    async fn ask(&self, token: &str, path: &str, body: &Value, answer: &Value) -> Answer {
        self.puppet.answers(&json_answer(answer));
        self.server.post(path, body.clone()).token(token).await
    }

    /// What the limit counts, once nothing is held any more.
    async fn counted(&self) -> i64 {
        for _ in 0..STEPS {
            let limits = self.server.get("/api/admin/limits").await.expect(200).json();
            if limits[0]["held"] == 0 {
                return limits[0]["used"].as_i64().expect("a count");
            }
            tokio::time::sleep(STEP).await;
        }
        panic!("something is held");
    }

    /// What all calls cost, and how many of them have no price.
    async fn cost(&self) -> (i64, i64) {
        let rows = self.server.get("/api/admin/usage?groupBy=day").await.expect(200).at("rows");
        (rows[0]["costNanoUsd"].as_i64().expect("a sum"), rows[0]["unpriced"].as_i64().expect("a count"))
    }
}

fn gemini(model: &str) -> String {
    format!("/gemini/v1beta/models/{model}:generateContent")
}

fn grounded(queries: &[&str]) -> Value {
    json!({ "candidates": [{ "content": { "parts": [{ "text": "x" }] }, "finishReason": "STOP", "index": 0,
        "groundingMetadata": { "webSearchQueries": queries } }],
        "usageMetadata": { "promptTokenCount": 100, "candidatesTokenCount": 10, "totalTokenCount": 110,
            "promptTokensDetails": [{ "modality": "TEXT", "tokenCount": 100 }] }, "modelVersion": "gemini" })
}

/// Searches of Google, which cost a hundred times what the tokens do: under two dollars a day they were let through for
/// eleven.
#[tokio::test(flavor = "multi_thread")]
async fn gemini_grounding_does_not_get_past_a_limit_in_dollars() {
    let shop = Shop::with_limit(2).await;
    let question = json!({ "contents": [{ "parts": [{ "text": "who won?" }] }], "tools": [{ "googleSearch": {} }],
        "generationConfig": { "maxOutputTokens": 50 } });
    // From Gemini 3 on each query has a fee, and nothing bounds how many there are.
    let newer = gemini("gemini-3-flash-preview");
    let two = grounded(&["a", "b"]);
    let refused = shop.ask(&shop.limited, &newer, &question, &two).await.expect(403);
    assert!(refused.text.contains("tools[0].googleSearch"), "{}", refused.text);
    assert_eq!(shop.puppet.arrived(), 0);
    assert_eq!(shop.counted().await, 0);

    // Before that each call that searches has one: it is held, and counted.
    let older = gemini("gemini-2.5-flash");
    let mut fees = 0;
    for _ in 0..400 {
        match shop.ask(&shop.limited, &older, &question, &two).await {
            answer if answer.status == 429 => break,
            answer => drop(answer.expect(200)),
        }
        fees += 35_000_000;
    }
    let billed = fees + fees / 35_000_000 * (100 * 300 + 10 * 2500);
    assert!(fees > DOLLAR, "{fees}: most of the limit can be used");
    assert_eq!(shop.counted().await, billed);
    assert!(billed <= 2 * DOLLAR, "{billed}");

    // Who is not bound in dollars searches as often as he likes, and it is counted.
    let before = shop.cost().await.0;
    shop.ask(&shop.free, &newer, &question, &two).await.expect(200);
    shop.counted().await;
    assert_eq!(shop.cost().await, (before + 100 * 500 + 10 * 3000 + 2 * 14_000_000, 0));
}

fn response(beside: Value) -> Value {
    let mut answer = json!({ "object": "response", "status": "completed", "model": "x", "output": [],
        "usage": { "input_tokens": 100, "output_tokens": 10, "input_tokens_details": { "cached_tokens": 0 },
            "output_tokens_details": { "reasoning_tokens": 0 } } });
    answer.as_object_mut().expect("an object").extend(beside.as_object().expect("an object").clone());
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn classes_of_service_are_held_and_counted_at_their_price() {
    let shop = Shop::with_limit(1).await;
    let path = "/openai/v1/responses";
    let ask = |model: &str, tier: &str| json!({ "model": model, "input": "hi", "max_output_tokens": 10, "service_tier": tier });
    for (asked, told, input, output) in [
        ("priority", "priority", 2500, 20_000),
        ("priority", "default", 1250, 10_000),
        ("fast", "fast", 2500, 20_000),
        ("flex", "flex", 625, 5000),
        ("auto", "priority", 2500, 20_000),
        ("default", "default", 1250, 10_000),
    ] {
        let before = shop.counted().await;
        let answer = response(json!({ "service_tier": told }));
        shop.ask(&shop.limited, path, &ask("gpt-5", asked), &answer).await.expect(200);
        assert_eq!(shop.counted().await - before, 100 * input + 10 * output, "{asked}, {told}");
    }
    assert_eq!(shop.cost().await.1, 0);
    let arrived = shop.puppet.arrived();
    for (model, tier) in
        [("gpt-4o", "flex"), ("gpt-5-nano", "priority"), ("gpt-5", "ultrafast"), ("gpt-5", "scale")]
    {
        let answer = response(json!({ "service_tier": tier }));
        let refused = shop.ask(&shop.limited, path, &ask(model, tier), &answer).await.expect(403);
        assert!(refused.text.contains("service_tier"), "{}", refused.text);
    }
    assert_eq!(shop.puppet.arrived(), arrived);

    // A class that the answer names and nobody knows is charged as it was held.
    let before = shop.counted().await;
    let answer = response(json!({ "service_tier": "hyperdrive" }));
    let body = ask("gpt-5", "default");
    shop.ask(&shop.limited, path, &body, &answer).await.expect(200);
    let held = (i64::try_from(body.to_string().len()).expect("a length") + 1024) * 1250 + 10 * 10_000;
    assert_eq!(shop.counted().await - before, held);
    assert_eq!(shop.cost().await.1, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn tools_with_a_fee_are_bounded_counted_or_refused() {
    let shop = Shop::with_limit(20).await;
    let path = "/openai/v1/responses";
    let ask = |tool: &str, calls: Option<i64>| json!({ "model": "gpt-5", "input": "hi", "max_output_tokens": 10, "max_tool_calls": calls, "tools": [{ "type": tool }] });
    let search = json!({ "type": "web_search_call", "status": "completed", "action": { "type": "search" } });
    let file = json!({ "type": "file_search_call", "status": "completed" });
    for (tool, item, fee) in [("web_search", search, 10_000_000), ("file_search", file, 2_500_000)] {
        let before = shop.counted().await;
        let answer = response(json!({ "output": [item.clone(), item], "tools": [{ "type": tool }] }));
        shop.ask(&shop.limited, path, &ask(tool, Some(2)), &answer).await.expect(200);
        assert_eq!(shop.counted().await - before, 100 * 1250 + 10 * 10_000 + 2 * fee, "{tool}");
        shop.ask(&shop.limited, path, &ask(tool, None), &answer).await.expect(403);
    }
    let arrived = shop.puppet.arrived();
    let code = response(json!({ "tools": [{ "type": "code_interpreter" }] }));
    let refused = shop.ask(&shop.limited, path, &ask("code_interpreter", Some(2)), &code).await.expect(403);
    assert!(refused.text.contains("tools[0]"), "{}", refused.text);
    let search = json!({ "model": "claude-opus-5", "max_tokens": 10, "messages": [{ "role": "user", "content": "hi" }],
        "tools": [{ "type": "web_search_20250305", "name": "web_search" }] });
    shop.ask(&shop.limited, "/anthropic/v1/messages", &search, &code).await.expect(403);
    assert_eq!(shop.puppet.arrived(), arrived);

    // Without a limit in dollars it is counted as far as it has a price.
    let before = shop.cost().await;
    let answer = json!({ "type": "message", "model": "claude-opus-5", "stop_reason": "end_turn", "content": [],
        "usage": { "input_tokens": 10, "output_tokens": 10, "service_tier": "standard", "inference_geo": "us", "speed": "fast",
            "server_tool_use": { "web_search_requests": 3 } } });
    shop.ask(&shop.free, "/anthropic/v1/messages", &search, &answer).await.expect(200);
    shop.counted().await;
    let cost = (10 * 10_000 + 10 * 50_000) * 11 / 10 + 3 * 10_000_000;
    assert_eq!(shop.cost().await, (before.0 + cost, before.1));
}

#[tokio::test(flavor = "multi_thread")]
async fn dated_names_cost_what_they_cost_and_unknown_ones_are_refused() {
    let shop = Shop::with_limit(1).await;
    let path = "/openai/v1/chat/completions";
    let ask = |model: &str| json!({ "model": model, "max_tokens": 10, "messages": [{ "role": "user", "content": "hi" }] });
    let answer = |model: &str| {
        json!({ "model": model, "choices": [{ "index": 0, "finish_reason": "stop", "message": { "content": "hi" } }],
            "usage": { "prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110 } })
    };
    for (asked, answered, input, output) in [
        ("gpt-4o", "gpt-4o-2024-08-06", 2500, 10_000),
        ("gpt-4o-2024-05-13", "gpt-4o-2024-05-13", 5000, 15_000),
        ("gpt-4o", "gpt-4o-2024-05-13", 5000, 15_000),
    ] {
        let before = shop.counted().await;
        shop.ask(&shop.limited, path, &ask(asked), &answer(answered)).await.expect(200);
        assert_eq!(shop.counted().await - before, 100 * input + 10 * output, "{asked}, {answered}");
    }
    let unknown = "gpt-4o-2031-01-01";
    shop.ask(&shop.limited, path, &ask(unknown), &answer(unknown)).await.expect(403);
    shop.ask(&shop.free, path, &ask(unknown), &answer(unknown)).await.expect(200);
    shop.counted().await;
    assert_eq!(shop.cost().await.1, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn openrouters_own_keys_cost_what_the_provider_takes_too() {
    let shop = Shop::with_limit(1).await;
    let ask = json!({ "model": "openai/gpt-4o-mini", "max_tokens": 10, "messages": [{ "role": "user", "content": "hi" }] });
    let answer = json!({ "model": "openai/gpt-4o-mini", "choices": [{ "index": 0, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110, "cost": 0.0000012, "is_byok": true,
            "cost_details": { "upstream_inference_cost": 0.000021 } } });
    shop.ask(&shop.limited, "/openrouter/api/v1/chat/completions", &ask, &answer).await.expect(200);
    assert_eq!(shop.counted().await, 22_200);
}
