//! A refusal of what was asked is the caller's own: no key is blamed for it, nobody else is asked, and its fee counts.

use serde_json::{Value, json};
use strongroom_testkit::fake_upstream::Mode;

use crate::cases::stage::{Stage, question, texts};

/// Refusals of what was asked: who says it, on which path, with which status, and the body.
fn of_requests() -> Vec<(&'static str, &'static str, u16, Value)> {
    let google = |status: &str, message: &str| json!({ "error": { "status": status, "message": message } });
    vec![
        (
            "grok",
            "/grok/v1/responses",
            403,
            json!({ "code": "permission-denied", "error": "Content violates usage guidelines. Failed check: X" }),
        ),
        (
            "gemini",
            "/gemini/v1beta/models/gemini-2.5-flash:generateContent",
            403,
            google("PERMISSION_DENIED", "You do not have permission to access the File abc"),
        ),
        (
            "gemini",
            "/gemini/v1beta/models/gemini-2.5-flash:generateContent",
            400,
            google("FAILED_PRECONDITION", "The File abc is not in an ACTIVE state"),
        ),
        (
            "anthropic",
            "/anthropic/v1/messages",
            403,
            json!({ "type": "error", "error": { "type": "permission_error", "message": "no such model for you" } }),
        ),
        (
            "anthropic",
            "/anthropic/v1/messages",
            400,
            json!({ "error": { "message": "messages.0.Your credit balance is too low: no such field" } }),
        ),
        (
            "anthropic",
            "/anthropic/v1/messages",
            400,
            json!({ "error": { "message": "your credit balance is too low: Extra inputs are not permitted" } }),
        ),
        (
            "openrouter",
            "/openrouter/api/v1/chat/completions",
            403,
            json!({ "error": { "code": 403, "message": "The input was flagged" } }),
        ),
        (
            "openrouter",
            "/openrouter/api/v1/chat/completions",
            402,
            json!({ "error": { "code": 402, "message": "This request requires more credits, or fewer max_tokens. \
                You requested up to 50000 tokens, but can only afford 3000" } }),
        ),
        (
            "openai",
            "/openai/v1/chat/completions",
            429,
            json!({ "error": { "type": "tokens", "code": "rate_limit_exceeded", "message": "Request too large for m \
                in organization o on tokens per min (TPM): Limit 30000, Requested 100000." } }),
        ),
        (
            "groq",
            "/groq/openai/v1/chat/completions",
            403,
            json!({ "error": { "code": "model_terms_required", "message": "accept the terms" } }),
        ),
    ]
}

#[tokio::test]
async fn a_refusal_of_what_was_asked_blames_no_key_and_is_sent_to_nobody_else() {
    for (provider, path, status, said) in of_requests() {
        let stage = Stage::new().await;
        let first = stage.credential("first", provider, Mode::Ok, json!({ "priority": 1 })).await;
        let second = stage.credential("second", provider, Mode::Ok, json!({ "priority": 2 })).await;
        for _ in 0..3 {
            let refused = stage
                .call(path, question("m"))
                .header("x-stainless-fake-ending", &format!("error-{status}"))
                .header("x-stainless-fake-refusal", &said.to_string())
                .await
                .expect(status);
            assert_eq!(refused.json(), said, "{provider}");
        }
        let served = stage.call(path, question("m")).await.expect(200);
        assert_eq!(served.header("x-strongroom-credential"), Some("first"), "{provider} {said}");
        assert_eq!((stage.fake.count(&first), stage.fake.count(&second)), (4, 0), "{provider} {said}");
    }
}

/// Anthropic's own words about an empty account, behind which nothing stands that the caller could not have written.
#[tokio::test]
async fn words_that_the_call_holds_blame_no_key() {
    let words = "Your credit balance is too low to access the Anthropic API.";
    let said = json!({ "error": { "type": "invalid_request_error", "message": words } });
    let path = "/anthropic/v1/messages";
    let stage = Stage::new().await;
    let first = stage.credential("first", "anthropic", Mode::Ok, json!({ "priority": 1 })).await;
    stage.credential("spare", "anthropic", Mode::Ok, json!({ "priority": 2 })).await;
    let ask = |body: Value| {
        stage
            .call(path, body)
            .header("x-stainless-fake-ending", "error-400")
            .header("x-stainless-fake-refusal", &said.to_string())
    };
    let mut body = question("m");
    body[words.to_uppercase()] = json!(1);
    ask(body).await.expect(400);
    assert_eq!(stage.fake.count(&first), 1);
    // Of a call without them they are the provider's.
    let answer = ask(question("m")).await.expect(200);
    assert_eq!(answer.header("x-strongroom-credential"), Some("spare"));
}

#[tokio::test]
async fn a_refusal_in_words_for_keys_leads_to_the_next_one() {
    for (provider, path, said) in [
        ("grok", "/grok/v1/chat/completions", json!({ "error": "API key is currently blocked: leaked" })),
        (
            "openai",
            "/openai/v1/chat/completions",
            json!({ "error": { "message": "You have insufficient permissions. Missing scopes: model.request" } }),
        ),
    ] {
        let stage = Stage::new().await;
        stage.credential("first", provider, Mode::Ok, json!({ "priority": 1 })).await;
        // Calls with a spare key end well.
        stage.credential("spare", provider, Mode::Ok, json!({ "priority": 2 })).await;
        let ask = || {
            stage
                .call(path, question("m"))
                .header("x-stainless-fake-ending", "error-403")
                .header("x-stainless-fake-refusal", &said.to_string())
        };
        let answer = ask().await.expect(200);
        assert_eq!(answer.header("x-strongroom-credential"), Some("spare"), "{provider}");
        // A key that may not do one thing is right for others.
        let then = stage.call(path, question("m")).await.expect(200);
        let expected = if provider == "openai" { "first" } else { "spare" };
        assert_eq!(then.header("x-strongroom-credential"), Some(expected), "{provider}");
    }
}

#[tokio::test]
async fn a_staged_key_does_not_fall_by_what_callers_ask() {
    let stage = Stage::new().await;
    stage.credential("one", "grok", Mode::Ok, json!({})).await;
    let found = stage.server.get("/api/admin/credentials?name=one").await.expect(200).json();
    let own = format!("/api/admin/credentials/{}", found[0]["id"]);
    stage
        .server
        .post(&format!("{own}/versions"), json!({ "apiKey": Mode::Ok.key("staged") }))
        .await
        .expect(200);
    let share = json!({ "percent": 100, "skipTest": true });
    stage.server.post(&format!("{own}/canary"), share).await.expect(200);
    for _ in 0..10 {
        stage
            .call("/grok/v1/chat/completions", question("m"))
            .header("x-stainless-fake-ending", "error-403")
            .header("x-stainless-fake-refusal", r#"{"error":"Content violates usage guidelines."}"#)
            .await
            .expect(403);
    }
    stage.record("call", 10, "status").await;
    assert!(!stage.server.get(&own).await.expect(200).at("staged").is_null());
}

#[tokio::test]
async fn a_refusal_that_the_provider_bills_counts_its_fee() {
    let stage = Stage::new().await;
    stage.credential("one", "grok", Mode::Ok, json!({})).await;
    stage
        .call("/grok/v1/responses", json!({ "model": "grok-4.7", "input": "hi" }))
        .header("x-stainless-fake-ending", "error-403")
        .header("x-stainless-fake-refusal", r#"{"error":"Content violates usage guidelines."}"#)
        .await
        .expect(403);
    let row = stage.record("call", 1, "metering, cost_nano_usd").await;
    let told = texts(&row);
    assert_eq!(told[0], "held");
    assert!(told[1].parse::<i64>().is_ok_and(|cost| cost >= 50_000_000), "{told:?}");
}
