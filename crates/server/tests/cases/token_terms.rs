//! Models that a token may ask for, at every way in, and tags that calls are booked to.

use serde_json::{Value, json};
use strongroom_testkit::fake_upstream::Mode;

use super::stage::{Stage, question};
use crate::support::call::Answer;

async fn token(stage: &Stage, body: Value) -> String {
    let mut made = json!({ "name": "narrow", "role": "gateway" });
    made.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    let made = stage.server.post("/api/admin/tokens", made).await.expect(201);
    made.at("token").as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_asks_for_its_models_and_for_no_others() {
    let stage = Stage::new().await;
    let key = stage.credential("one", "openai", Mode::Ok, json!({})).await;
    stage.credential("two", "anthropic", Mode::Ok, json!({})).await;
    stage.credential("three", "gemini", Mode::Ok, json!({})).await;
    let narrow = token(&stage, json!({ "scope": { "models": ["gpt-4o-mini", "claude-*"] } })).await;
    let call =
        async |path: &str, body: Value| -> Answer { stage.server.post(path, body).token(&narrow).await };
    let chat = "/openai/v1/chat/completions";
    call(chat, question("gpt-4o-mini")).await.expect(200);
    call("/v1/chat/completions", question("openai/gpt-4o-mini")).await.expect(200);
    call("/anthropic/v1/messages", question("claude-haiku-4-5")).await.expect(200);
    let before = stage.fake.count(&key);
    let contents = json!({ "contents": [{ "parts": [{ "text": "Hello?" }] }] });
    for (path, body) in [
        (chat, question("gpt-4o")),
        (chat, question("gpt-4o-mini-2024-07-18")),
        ("/v1/chat/completions", question("openai/gpt-4o")),
        ("/openai/v1/embeddings", json!({ "model": "text-embedding-3-small", "input": "x" })),
        ("/gemini/v1beta/models/gemini-2.5-flash:generateContent", contents.clone()),
        ("/v1beta/models/gemini-2.5-flash:generateContent", contents),
        // Something in it that is not understood may ask for another model.
        (chat, json!({ "model": "gpt-4o-mini", "max_tokens": 5, "models": ["gpt-4o"], "messages": [] })),
    ] {
        let refused = call(path, body.clone()).await;
        assert!([400, 403].contains(&refused.status), "{path} {body}: {} {}", refused.status, refused.text);
    }
    assert_eq!(stage.fake.count(&key), before, "none of them left");
    let refused = call(chat, question("gpt-4o")).await.expect(403);
    assert!(refused.text.contains("gpt-4o-mini, claude-*"), "{}", refused.text);

    // The list of models has its own alone, and the AI service asks for no other.
    let list = stage.server.get("/v1/models").token(&narrow).await.expect(200).json();
    let listed: Vec<_> =
        list["data"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect();
    assert!(listed.contains(&"openai/gpt-4o-mini".to_owned()), "{listed:?}");
    assert!(
        listed.iter().all(|name| name == "openai/gpt-4o-mini" || name.starts_with("anthropic/claude-")),
        "{listed:?}"
    );
    let only = token(&stage, json!({ "scope": { "models": ["no-such-model"] } })).await;
    let suggestion = json!({ "errorText": "x", "errorType": "build", "severity": "high" });
    let asked = stage.server.post("/api/ai/suggestions", suggestion).token(&only).await;
    assert!(asked.status >= 400, "{}", asked.text);
    assert_eq!(stage.fake.count(&key), before);

    // Testing a call says so, and changing the list from outside ends the token.
    let public = narrow.split('_').nth(1).unwrap();
    let test = |model: &str| json!({ "credential": "one", "token": public, "model": model, "inputTokens": 1, "outputTokens": 1 });
    let tested = stage.server.post("/api/admin/limits/test", test("gpt-4o")).await.expect(200).json();
    assert!(
        tested["allowed"] == false && tested["refusal"].as_str().unwrap().contains("claude-*"),
        "{tested}"
    );
    let tested = stage.server.post("/api/admin/limits/test", test("gpt-4o-mini")).await.expect(200).json();
    assert_eq!((&tested["allowed"], tested.get("refusal")), (&json!(true), None));
    let me = stage.server.get("/api/me").token(&narrow).await.expect(200).json();
    assert_eq!(me["scope"]["models"], json!(["gpt-4o-mini", "claude-*"]));
    let (code, out, _) = stage.cli(&[
        "limit",
        "test",
        "--credential",
        "one",
        "--token",
        public,
        "--model",
        "gpt-4o",
        "--input-tokens",
        "1",
        "--output-tokens",
        "1",
    ]);
    assert_eq!(code, 5, "{out}");
    for (scope, role) in [(json!({ "models": ["a*b"] }), "gateway"), (json!({ "models": ["a"] }), "reader")] {
        let wrong = json!({ "name": "x", "role": role, "scope": scope });
        let refused = stage.server.post("/api/admin/tokens", wrong).await.expect(400);
        assert_eq!(refused.at("field"), "scope.models");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_models_that_was_widened_in_the_database_ends_the_token() {
    let stage = Stage::new().await;
    stage.credential("one", "openai", Mode::Ok, json!({})).await;
    let narrow = token(&stage, json!({ "scope": { "models": ["gpt-4o-mini"] } })).await;
    let sql = "UPDATE tokens SET terms = '{\"models\":[\"*\"]}' WHERE terms IS NOT NULL";
    stage.server.installation.database.execute(sql).await;
    stage.server.post("/openai/v1/chat/completions", question("gpt-4o")).token(&narrow).await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_booked_to_their_own_tags_and_to_those_of_their_token() {
    let stage = Stage::with(|it| it.set("STRONGROOM_TAG_KEYS", "project,env")).await;
    stage.credential("one", "openai", Mode::Ok, json!({})).await;
    let tagged =
        token(&stage, json!({ "tags": { "project": "web", "env": "prod", "planet": "mars" } })).await;
    let call = |token: &str, tags: &str| {
        stage
            .server
            .post("/openai/v1/chat/completions", question("gpt-4o-mini"))
            .token(token)
            .header("x-strongroom-tags", tags)
    };
    call(&stage.token, "project=search,env=dev").await.expect(200);
    call(&stage.token, "project=search,planet=mars,,=,nonsense").await.expect(200);
    call(&tagged, "project=search").await.expect(200);
    stage
        .server
        .post("/openai/v1/chat/completions", question("gpt-4o-mini"))
        .token(&tagged)
        .await
        .expect(200);
    stage.chat().await.expect(200);
    let usage = async |query: &str| -> Vec<(String, String, i64)> {
        let usage = stage.server.get(&format!("/api/admin/usage?{query}")).await.expect(200).json();
        let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
        let rows = usage["rows"].as_array().unwrap().iter();
        rows.map(|row| (text(&row["key"]), text(&row["splitKey"]), row["requests"].as_i64().unwrap()))
            .collect()
    };
    let row = |key: &str, split: &str, requests: i64| (key.to_owned(), split.to_owned(), requests);
    assert_eq!(usage("groupBy=tag:project").await, [row("", "", 1), row("search", "", 3), row("web", "", 1)]);
    assert_eq!(
        usage("groupBy=tag:env&splitBy=tag:project").await,
        [
            row("", "", 1),
            row("", "search", 1),
            row("dev", "search", 1),
            row("prod", "search", 1),
            row("prod", "web", 1),
        ]
    );
    assert_eq!(usage("groupBy=tag:planet").await, [row("", "", 5)], "it is not declared");
    assert_eq!(usage("groupBy=provider&tag=project=search").await, [row("openai", "", 3)]);
    assert_eq!(usage("groupBy=provider&tag=project=nobody").await, []);
    let records = stage.server.get("/api/admin/usage/records").await.expect(200).json();
    assert_eq!(records["records"][4]["tags"], json!({ "project": "search", "env": "dev" }));
    let (code, out, error) = stage.cli(&["usage", "--by", "tag:project"]);
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("search") && out.contains("TAG:PROJECT"), "{out}");
    assert_eq!(stage.server.get("/api/admin/usage/verify").await.expect(200).at("valid"), true);
    let wrong = json!({ "name": "x", "role": "gateway", "tags": { "a b": "c" } });
    assert_eq!(stage.server.post("/api/admin/tokens", wrong).await.expect(400).at("field"), "tags");
}

#[tokio::test(flavor = "multi_thread")]
async fn uses_of_a_credential_are_booked_to_its_tags_where_nothing_else_says_so() {
    let stage = Stage::new().await;
    let tags = json!({ "tags": { "project": "shared", "env": "prod", "planet": "mars" } });
    stage.credential("one", "openai", Mode::Ok, tags).await;
    let shown = stage.server.get("/api/admin/credentials?name=one").await.expect(200).json();
    assert_eq!(shown[0]["tags"], json!({ "env": "prod", "planet": "mars", "project": "shared" }));
    let id = shown[0]["id"].as_i64().unwrap();
    stage.chat().await.expect(200);
    let chat = || stage.server.post("/openai/v1/chat/completions", question("gpt-4o-mini"));
    chat().token(&stage.token).header("x-strongroom-tags", "project=search").await.expect(200);
    // A key that is handed out is a use of it as well.
    stage.server.get("/api/credentials/one").await.expect(200);
    let newest = async || {
        let records = stage.server.get("/api/admin/usage/records").await.expect(200).json();
        let tags = |record: &Value| record["tags"].clone();
        records["records"].as_array().unwrap().iter().map(tags).collect::<Vec<_>>()
    };
    let found = newest().await;
    assert!(found.contains(&json!({ "env": "prod", "project": "search" })), "{found:?}");
    assert!(found.contains(&json!({ "env": "prod", "project": "shared" })), "{found:?}");
    assert!(!format!("{found:?}").contains("mars"), "it is not declared: {found:?}");
    let path = format!("/api/admin/credentials/{id}");
    stage.server.patch(&path, json!({ "tags": { "team": "blue" } })).await.expect(200);
    stage.chat().await.expect(200);
    assert_eq!(newest().await[0], json!({ "team": "blue" }), "at once");
    let changes = stage.server.get("/api/admin/audit-logs?action=credential.update").await.expect(200).text;
    assert!(changes.contains("blue"), "{changes}");
    let (code, out, error) =
        stage.cli(&["credential", "update", "one", "--tag", "project=a", "--tag", "env=b"]);
    assert!(code == 0 && out.contains("env=b, project=a"), "{out} {error}");
    let (code, out, error) = stage.cli(&["credential", "update", "one", "--no-tags"]);
    assert!(code == 0 && !out.contains("booked to"), "{out} {error}");
    stage.chat().await.expect(200);
    assert_eq!(newest().await[0], json!({}));
    let wrong = stage.server.patch(&path, json!({ "tags": { "a b": "c" } })).await.expect(400);
    assert_eq!(wrong.at("field"), "tags");
    assert_eq!(stage.server.get("/api/admin/usage/verify").await.expect(200).at("valid"), true);
}
