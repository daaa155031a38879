//! Providers that speak OpenAI's language each in their own way: by their own paths and by the door for all, counted and
//! limited.

use serde_json::{Value, json};
use strongroom_model::provider::KNOWN;
use strongroom_testkit::fake_upstream::Mode;

use crate::cases::stage::{Stage, events, question, texts};

/// Each with the beginning of its paths here and at the fake, and another spelling of it.
const FURTHER: [(&str, &str, &str); 6] = [
    ("grok", "/grok/v1/", "/xai/v1/"),
    ("deepseek", "/deepseek/v1/", "/deepseek/"),
    ("together", "/together/v1/", "/together/"),
    ("perplexity", "/perplexity/", "/perplexity/v1/"),
    ("mistral", "/mistral/v1/", "/mistral/"),
    ("cohere", "/cohere/compatibility/v1/", "/cohere/v1/"),
];

async fn stage() -> Stage {
    let stage = Stage::new().await;
    for (provider, ..) in FURTHER {
        stage.credential(&format!("of-{provider}"), provider, Mode::Ok, json!({})).await;
    }
    stage
}

#[tokio::test]
async fn each_is_called_by_its_own_path_and_by_the_door_for_all_and_counted() {
    let stage = stage().await;
    let mut count = 0;
    for (provider, base, spelled) in FURTHER {
        let model = "m/one";
        for (path, asked) in [
            (format!("{base}chat/completions"), model.to_owned()),
            (format!("{spelled}chat/completions"), model.to_owned()),
            ("/v1/chat/completions".to_owned(), format!("{provider}/{model}")),
        ] {
            for is_stream in [false, true] {
                let mut body = question(&asked);
                body["stream"] = json!(is_stream);
                let answer = stage.call(&path, body).await.expect(200);
                let arrived = stage.fake.last();
                assert_eq!(arrived.path, format!("{base}chat/completions"), "{path}");
                assert_eq!(arrived.body["model"], model, "{path}");
                assert_eq!(arrived.key, Mode::Ok.key(&format!("of-{provider}")));
                if is_stream {
                    assert!(!events(&answer).is_empty(), "{}", answer.text);
                }
                count += 1;
                let row = stage
                    .record(
                        "call",
                        count,
                        "provider, input_tokens, output_tokens, metering, reasoning_tokens",
                    )
                    .await;
                let bill = stage.fake.bill(&arrived.key);
                let of_call = (bill.input + bill.cached_input) / bill.calls;
                let told = texts(&row);
                assert_eq!(
                    told[..4],
                    [provider, &of_call.to_string(), &(bill.output / bill.calls).to_string(), "reported"],
                    "{path} {is_stream}"
                );
            }
        }
    }
}

#[tokio::test]
async fn aliases_lead_to_the_name_that_is_stored_and_models_to_their_provider() {
    let stage = stage().await;
    for (model, path) in [
        ("xai/grok-x", "/grok/v1/chat/completions"),
        ("grok-4.7", "/grok/v1/chat/completions"),
        ("deepseek-v4-pro", "/deepseek/v1/chat/completions"),
        ("sonar-pro", "/perplexity/chat/completions"),
        ("codestral-latest", "/mistral/v1/chat/completions"),
        ("command-r-08-2024", "/cohere/compatibility/v1/chat/completions"),
        ("togetherai/meta-llama/Llama-3.3", "/together/v1/chat/completions"),
    ] {
        stage.call("/v1/chat/completions", question(model)).await.expect(200);
        assert_eq!(stage.fake.last().path, path, "{model}");
    }
    for (model, path) in [
        ("mistral/mistral-embed", "/mistral/v1/embeddings"),
        ("cohere/embed-v4.0", "/cohere/compatibility/v1/embeddings"),
        ("together/e", "/together/v1/embeddings"),
    ] {
        stage.call("/v1/embeddings", json!({ "model": model, "input": "x" })).await.expect(200);
        assert_eq!(stage.fake.last().path, path, "{model}");
    }
    let count = stage.fake.count_all();
    let nothing =
        stage.call("/v1/embeddings", json!({ "model": "deepseek/e", "input": "x" })).await.expect(400);
    assert!(nothing.text.contains("nothing like embeddings"), "{}", nothing.text);
    let alias =
        json!({ "name": "by-alias", "provider": "xai", "apiKey": "xai-0Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op8Qr9St0Uv" });
    let made = stage.server.post("/api/admin/credentials", alias).await;
    assert_eq!((made.status, made.at("provider")), (201, json!("grok")), "{}", made.text);
    // What is stored, or spent later, stays closed.
    for path in [
        "/mistral/v1/files",
        "/together/v1/fine-tunes",
        "/grok/v1/api-key",
        "/perplexity/async/chat/completions",
    ] {
        let answer = stage.call(path, json!({})).await;
        assert!([403, 404].contains(&answer.status), "{path}: {}", answer.text);
    }
    let deferred = json!({ "model": "grok-4.7", "messages": [], "deferred": true });
    stage.call("/grok/v1/chat/completions", deferred).await.expect(403);
    assert_eq!(stage.fake.count_all(), count);
}

#[tokio::test]
async fn under_a_limit_only_what_a_provider_documents_is_let_through() {
    let stage = stage().await;
    let id = stage.token.split('_').nth(1).expect("an id");
    let limit = json!({ "token": id, "unit": "tokens", "window": "month", "amount": 100_000_000 });
    stage.server.post("/api/admin/limits", limit).await.expect(200);
    let mut used = 0;
    for (provider, base, _) in FURTHER {
        let path = format!("{base}chat/completions");
        let ask = |field: Option<(&str, Value)>| {
            // Where nothing limits an answer, its model does.
            let mut body = question(if provider == "grok" { "grok-4.7" } else { "m" });
            if let Some((name, value)) = field {
                body[name] = value;
            }
            body
        };
        stage.call(&path, ask(None)).await.expect(200);
        used += 1;
        let refused = stage.call(&path, ask(Some(("never_heard_of", json!(1))))).await.expect(403);
        assert!(refused.text.contains("never_heard_of"), "{provider}: {}", refused.text);
        // Known of another provider, and nobody knows what it does here.
        let others = if provider == "deepseek" { "safe_prompt" } else { "user_id" };
        let refused = stage.call(&path, ask(Some((others, json!("x"))))).await.expect(403);
        assert!(refused.text.contains(others), "{provider}: {}", refused.text);
        assert_eq!(stage.fake.count_all(), used, "{provider}");
    }
    let limits = stage.server.get("/api/admin/limits").await.expect(200).json();
    assert!(limits[0]["used"].as_i64().is_some_and(|used| used > 0), "{limits}");
}

#[tokio::test]
async fn what_a_call_cost_is_told_by_the_table_or_by_the_provider_or_by_nobody() {
    let stage = stage().await;
    let mut count = 0;
    for (provider, model, cost) in [
        ("grok", "grok-4.7", Some("table")),
        ("mistral", "mistral-large-2512", Some("table")),
        ("cohere", "command-r-08-2024", Some("table")),
        ("perplexity", "sonar-pro", Some("5030000")),
        ("deepseek", "deepseek-v4-pro", None),
        ("together", "some/model", None),
    ] {
        stage.call("/v1/chat/completions", question(&format!("{provider}/{model}"))).await.expect(200);
        count += 1;
        let row = stage.record("call", count, "cost_nano_usd, input_tokens").await;
        let told = texts(&row);
        match cost {
            None => assert!(told[0].is_empty() && !told[1].is_empty(), "{provider}: {told:?}"),
            Some("table") => {
                assert!(told[0].parse::<i64>().is_ok_and(|cost| cost > 0), "{provider}: {told:?}")
            }
            Some(cost) => assert_eq!(told[0], cost, "{provider}"),
        }
    }
}

#[tokio::test]
async fn a_refusal_of_the_key_leads_to_the_next_credential() {
    let stage = Stage::new().await;
    for (provider, base, _) in FURTHER {
        for (name, mode, priority) in [("first", Mode::Empty, 1), ("second", Mode::Ok, 2)] {
            let more = json!({ "priority": priority });
            stage.credential(&format!("{name}-{provider}"), provider, mode, more).await;
        }
        let answer = stage.call(&format!("{base}chat/completions"), question("m")).await.expect(200);
        let served = format!("second-{provider}");
        assert_eq!(answer.header("x-strongroom-credential"), Some(served.as_str()));
    }
}

#[test]
fn every_known_provider_is_tried_here_or_is_one_of_the_five() {
    let five = ["openai", "anthropic", "gemini", "openrouter", "groq"];
    for known in KNOWN {
        assert!(
            five.contains(&known.name) || FURTHER.iter().any(|(name, ..)| *name == known.name),
            "{}",
            known.name
        );
    }
}
