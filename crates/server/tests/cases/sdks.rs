//! What every run of the providers' own libraries stands on.

use std::process::Command;

use serde_json::json;
use strongroom_model::Role;
use strongroom_testkit::fake_upstream::Mode;

use super::stage::Stage;

/// Runs a program that prints `ok` and how many of its calls a limit was to refuse; that many were, and no more: no library
/// tried again by itself what cannot succeed.
pub(crate) async fn run(mut program: Command) {
    let stage = Stage::new().await;
    for provider in ["openai", "anthropic", "gemini", "openrouter", "groq"] {
        stage.credential(provider, provider, Mode::Ok, json!({})).await;
    }
    let empty = stage.server.token_of(Role::Gateway).await;
    let id = empty.split('_').nth(1).expect("a token");
    let nothing = json!({ "token": id, "unit": "requests", "window": "month", "amount": 0 });
    stage.server.post("/api/admin/limits", nothing).await.expect(200);
    program.env("GATEWAY", &stage.server.url).env("TOKEN", &stage.token).env("EMPTY_TOKEN", &empty);
    let done = tokio::task::spawn_blocking(move || program.output().expect("the program runs"))
        .await
        .expect("an end");
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
    let limited: u64 = said.trim().strip_prefix("ok ").expect("ok").parse().expect("a count");
    assert!(limited > 0);
    let metrics = stage.server.get("/metrics").await.expect(200).text;
    let denied = metrics
        .lines()
        .find_map(|line| line.strip_prefix("strongroom_gateway_denials_total{code=\"limit_reached\"} "));
    assert_eq!(denied.map(str::parse), Some(Ok(limited)), "{metrics}");
    assert_eq!(stage.fake.count(""), 0, "every call came with a key in its place");
    let usage = stage.server.get("/api/admin/usage/verify").await.expect(200);
    assert_eq!(usage.at("valid"), true, "{}", usage.text);
}
