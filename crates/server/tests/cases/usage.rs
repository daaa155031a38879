//! Limits and usage over HTTP and on the command line.

use serde_json::{Value, json};
use strongroom_testkit::fake_upstream::Mode;

use super::stage::{Stage, question};

fn priced(model: &str) -> Value {
    let mut body = question(model);
    body["max_tokens"] = json!(100);
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_set_listed_tested_changed_and_removed() {
    let stage = Stage::new().await;
    let key = stage.credential("one", "openai", Mode::Ok, json!({})).await;
    let set = |body: Value| stage.server.post("/api/admin/limits", body);
    let tokens = json!({ "credential": "one", "unit": "tokens", "window": "day", "amount": 1300 });
    let made = set(tokens.clone()).await.expect(200).json();
    assert_eq!((&made["remaining"], &made["scope"]["name"]), (&json!(1300), &json!("one")));
    let id = made["id"].as_str().unwrap().to_owned();
    let again = set(json!({ "credential": "one", "unit": "tokens", "window": "day", "amount": 1280 })).await;
    assert_eq!(again.expect(200).at("id"), made["id"], "one per scope, unit and window");
    for (body, field) in [
        (json!({ "unit": "tokens", "window": "day", "amount": 1 }), "credential"),
        (json!({ "credential": "x", "unit": "tokens", "window": "day", "amount": 1 }), "credential"),
        (json!({ "userId": 99, "unit": "tokens", "window": "day", "amount": 1 }), "userId"),
        (json!({ "credential": "one", "unit": "euros", "window": "day", "amount": 1 }), "unit"),
        (json!({ "credential": "one", "unit": "tokens", "window": "week", "amount": 1 }), "window"),
        (json!({ "credential": "one", "unit": "tokens", "window": "day", "amount": -1 }), "amount"),
    ] {
        assert_eq!(set(body).await.expect(400).at("field"), field);
    }
    // A call is held at what its request can be in tokens at the most; it uses 12 and 5.
    stage.call("/openai/v1/chat/completions", priced("gpt-4o-mini")).await.expect(200);
    let refused = stage
        .call(
            "/openai/v1/chat/completions",
            json!({ "model": "gpt-4o-mini", "max_tokens": 160,
        "messages": [{ "role": "user", "content": "Hello?" }] }),
        )
        .await
        .expect(429);
    assert!(refused.text.contains("1280 tokens per day"), "{}", refused.text);
    assert_eq!(stage.fake.count(&key), 1);
    let shown = stage.server.get(&format!("/api/admin/limits/{id}")).await.expect(200).json();
    assert_eq!([&shown["used"], &shown["held"], &shown["remaining"]], [&json!(17), &json!(0), &json!(1263)]);

    let (code, out, _) = stage.cli(&[
        "limit",
        "test",
        "--credential",
        "one",
        "--input-tokens",
        "200",
        "--output-tokens",
        "1063",
        "--model",
        "gpt-4o-mini",
    ]);
    assert_eq!(code, 0, "{out}");
    let (code, out, _) = stage.cli(&[
        "limit",
        "test",
        "--credential",
        "one",
        "--input-tokens",
        "200",
        "--output-tokens",
        "1064",
        "--model",
        "gpt-4o-mini",
    ]);
    assert_eq!(code, 5, "{out}");
    let public = stage.token.split('_').nth(1).unwrap();
    let (code, out, error) =
        stage.cli(&["limit", "set", "--token", public, "--usd", "0.5", "--per", "prepaid"]);
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("$0.50") && out.contains("prepaid"), "{out}");
    let (_, out, _) = stage.cli(&["limit", "list"]);
    assert!(out.contains("1263 tokens") && out.contains("$0.50"), "{out}");
    let (code, ..) = stage.cli(&["limit", "update", &id, "--amount", "10"]);
    assert_eq!(code, 0);
    // It needs more than there ever will be.
    stage.chat().await.expect(400);
    let (code, _, error) = stage.cli(&["limit", "remove", &id, "--yes"]);
    assert_eq!(code, 0, "{error}");
    stage.chat().await.expect(200);
    stage.server.get(&format!("/api/admin/limits/{id}")).await.expect(404);
    let (code, ..) = stage.cli(&["limit", "show", "nonsense"]);
    assert_eq!(code, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_is_summed_up_proved_and_priced() {
    let stage = Stage::new().await;
    stage.credential("one", "openai", Mode::Ok, json!({})).await;
    stage.credential("two", "groq", Mode::Ok, json!({})).await;
    for _ in 0..3 {
        stage.call("/openai/v1/chat/completions", priced("gpt-4o-mini")).await.expect(200);
    }
    stage.call("/groq/openai/v1/chat/completions", question("unheard-of")).await.expect(200);
    stage.server.get("/api/credentials/one").await.expect(200);
    let usage = async |by: &str| -> Vec<Value> {
        let path = format!("/api/admin/usage?groupBy={by}");
        stage.server.get(&path).await.expect(200).at("rows").as_array().unwrap().clone()
    };
    let by_credential = usage("credential").await;
    assert_eq!(by_credential.len(), 2);
    let one = &by_credential[0];
    assert_eq!((&one["key"], &one["requests"], &one["inputTokens"]), (&json!("one"), &json!(4), &json!(36)));
    // 2 of 12 from the cache: 10 × $0.15 + 2 × $0.075 + 5 × $0.60 per million.
    assert_eq!(one["costNanoUsd"], 3 * (1500 + 150 + 3000));
    let two = &by_credential[1];
    assert_eq!(
        (&two["costNanoUsd"], &two["unpriced"], &two["outputTokens"]),
        (&json!(0), &json!(1), &json!(5))
    );
    assert_eq!(usage("provider").await.len(), 2);
    assert_eq!(usage("token").await.len(), 2);
    assert_eq!(usage("day").await.len(), 1);
    assert_eq!(usage("model").await.iter().filter(|row| row["key"] == "gpt-4o-mini").count(), 1);
    stage.server.get("/api/admin/usage?groupBy=planet").await.expect(400);
    stage.server.get("/api/admin/usage?from=yesterday").await.expect(400);
    let before = stage.server.get("/api/admin/usage?from=2020-01-01&to=2020-12-31").await.expect(200);
    assert_eq!(before.at("rows"), json!([]));

    let (code, out, error) = stage.cli(&["usage", "--by", "model"]);
    assert_eq!(code, 0, "{error}");
    assert!(
        out.contains("gpt-4o-mini") && out.contains("$0.00001395") && error.contains("no known price"),
        "{out}{error}"
    );
    let (code, out, _) = stage.cli(&["usage", "verify"]);
    assert_eq!((code, out.contains("yes")), (0, true), "{out}");
    let (code, out, error) = stage.cli(&["usage", "reprice"]);
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("changed") && out.contains("$0.00"), "{out}");
    stage.server.installation.database.execute("UPDATE counters SET settled = settled + 1").await;
    let (code, out, _) = stage.cli(&["usage", "verify"]);
    assert_eq!(code, 6, "{out}");
}

#[tokio::test]
async fn a_price_table_of_ones_own_comes_before_the_built_in_one() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let table =
        "[openai]\n\"gpt-4o-mini\" = [{ input = 1000.0, output = 0.0, max_input = 9, max_output = 9 }]";
    std::fs::write(file.path(), table).unwrap();
    let path = file.path().display().to_string();
    let stage = Stage::with(|it| it.set("STRONGROOM_PRICES_FILE", path)).await;
    stage.credential("one", "openai", Mode::Ok, json!({})).await;
    stage.chat().await.expect(200);
    let usage = stage.server.get("/api/admin/usage").await.expect(200).json();
    assert_eq!(usage["rows"][0]["costNanoUsd"], 12_000_000);
}

#[tokio::test]
async fn the_health_of_credentials_is_told() {
    let stage = Stage::new().await;
    stage.credential("bad", "openai", Mode::Wrong, json!({ "priority": 1 })).await;
    stage.credential("good", "openai", Mode::Ok, json!({ "priority": 2 })).await;
    stage.chat().await.expect(200);
    let health = stage.server.get("/api/admin/credentials/health").await.expect(200).json();
    let states: Vec<_> = health.as_array().unwrap().iter().map(|it| (&it["name"], &it["state"])).collect();
    assert_eq!(states, [(&json!("bad"), &json!("bad_key")), (&json!("good"), &json!("healthy"))]);
    let metrics = stage.server.get("/metrics").await.expect(200).text;
    for line in [
        "strongroom_unhealthy_credentials{reason=\"bad_key\"} 1",
        "strongroom_gateway_attempts_total{provider=\"openai\",status=\"401\"} 1",
        "strongroom_gateway_attempts_total{provider=\"openai\",status=\"200\"} 1",
    ] {
        assert!(metrics.contains(line), "{metrics}");
    }
}
