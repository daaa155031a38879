//! Monthly limits over HTTP: exact however many ask at once, and honest about when to come back.

use serde_json::{Value, json};
use strongroom_model::Role;
use strongroom_testkit::Backend;
use strongroom_testkit::fake_upstream::Mode;

use super::stage::{Stage, question};
use crate::BACKEND;
use crate::support::server::{Installation, Server};

/// The uses that the ledger holds of this credential, and those that its counters hold.
async fn ledger_and_counters(server: &Server, name: &str) -> (i64, i64) {
    let database = &server.installation.database;
    let sum = async |table: &str, column: &str, key: &str| -> i64 {
        let sql = format!(
            "SELECT CAST(COALESCE(SUM({column}), 0) AS BIGINT) FROM {table} \
             WHERE {key} = (SELECT uid FROM api_credentials WHERE name = '{name}')"
        );
        database.query_text(&sql).await[0][0].as_deref().unwrap().parse().unwrap()
    };
    (
        sum("usage_records", "requests", "credential_uid").await,
        sum("counters", "settled", "subject_uid").await,
    )
}

#[tokio::test]
async fn a_used_up_limit_is_429_with_the_time_to_come_back() {
    let server = Installation::new(BACKEND).await.start();
    let id = server.credential("small", json!({ "rateLimit": 2 })).await;
    for used in 1..=2 {
        let read = server.get("/api/credentials/small").await.expect(200).json();
        assert_eq!((&read["usageCount"], &read["currentMonthUsage"]), (&json!(used), &json!(used)));
        assert_eq!((&read["source"], &read["rateLimit"]), (&json!("database"), &json!(2)));
    }
    for path in ["/api/credentials/small", "/api/providers/openai/credential"] {
        let refused = server.get(path).await.expect(429);
        assert_eq!(refused.at("code"), json!("limit_reached"));
        let error = refused.at("error");
        let error = error.as_str().unwrap();
        assert!(
            error.starts_with("Rate limit exceeded: this credential may use 2 requests per month"),
            "{error}"
        );
        let seconds: i64 = refused.header("retry-after").expect("Retry-After").parse().unwrap();
        assert!((1..=31 * 24 * 3600).contains(&seconds), "{seconds}");
    }
    let status = server.get("/api/credentials/small/rate-limit").await.expect(200).json();
    assert_eq!(
        [&status["allowed"], &status["rateLimit"], &status["currentMonthUsage"], &status["remaining"]],
        [&json!(false), &json!(2), &json!(2), &json!(0)]
    );
    assert!(status["resetsAt"].as_str().unwrap().ends_with("-01T00:00:00Z"), "{status}");

    server.call("POST", "/api/admin/credentials/reset-monthly-usage").await.expect(200);
    let read = server.get("/api/credentials/small").await.expect(200).json();
    assert_eq!((&read["usageCount"], &read["currentMonthUsage"]), (&json!(3), &json!(1)));
    server.patch(&format!("/api/admin/credentials/{id}"), json!({ "rateLimit": null })).await.expect(200);
    let status = server.get("/api/credentials/small/rate-limit").await.expect(200).json();
    assert_eq!([&status["allowed"], &status["remaining"]], [&json!(true), &Value::Null]);
    assert_eq!(ledger_and_counters(&server, "small").await, (3, 3));
}

#[tokio::test]
async fn a_head_request_spends_no_use() {
    let server = Installation::new(BACKEND).await.start();
    server.credential("whole", json!({})).await;
    for path in ["/api/credentials/whole", "/api/providers/openai/credential"] {
        server.call("HEAD", path).await.expect(405);
        server.call("HEAD", path).anonymous().await.expect(405);
    }
    server.call("HEAD", "/api/admin/credentials").await.expect(200);
    server.call("HEAD", "/api/admin/credentials").anonymous().await.expect(401);
    assert_eq!(ledger_and_counters(&server, "whole").await, (0, 0));
}

#[tokio::test]
async fn the_next_credential_of_a_provider_serves_when_the_first_is_used_up() {
    let server = Installation::new(BACKEND).await.start();
    server.credential("second", json!({ "priority": 20, "rateLimit": 1 })).await;
    server.credential("first", json!({ "priority": 10, "rateLimit": 1 })).await;
    server.credential("tied", json!({ "priority": 20, "rateLimit": 1 })).await;
    for expected in ["first", "second", "tied"] {
        let read = server.get("/api/providers/openai/credential").await.expect(200);
        assert_eq!(read.at("name"), expected);
    }
    server.get("/api/providers/openai/credential").await.expect(429);
}

#[tokio::test]
async fn of_parallel_reads_exactly_as_many_pass_as_the_limit_allows() {
    let server = Installation::new(BACKEND).await.start();
    server.credential("busy", json!({ "rateLimit": 25 })).await;
    let second = match BACKEND {
        Backend::Postgres => Some(server.installation.second_node().start()),
        Backend::Sqlite => None,
    };
    let nodes = [&server, second.as_ref().unwrap_or(&server)];
    let calls = (0..80).map(|index| {
        let path = if index % 3 == 0 { "/api/providers/openai/credential" } else { "/api/credentials/busy" };
        let call = nodes[index % 2].get(path);
        async move { call.await.status }
    });
    let statuses = futures::future::join_all(calls).await;
    let passed = statuses.iter().filter(|status| **status == 200).count();
    let refused = statuses.iter().filter(|status| **status == 429).count();
    assert_eq!((passed, refused), (25, 55), "{statuses:?}");
    assert_eq!(ledger_and_counters(&server, "busy").await, (25, 25));
    let listed = server.get("/api/admin/credentials?name=busy").await.expect(200).json();
    assert_eq!(listed[0]["usageCount"], 25);
    for (outcome, count) in [("success", 25), ("failed", 55)] {
        let path = format!("/api/admin/audit-logs?action=credential.read&limit=1000&outcome={outcome}");
        let entries = server.get(&path).await.expect(200).json();
        assert_eq!(entries.as_array().unwrap().len(), count, "{outcome}");
    }
    server.verified_entries().await;
}

/// What `limit test` foresees for a call is what the gateway does with it, in every scope and by every way of naming the model.
#[tokio::test]
async fn limit_test_foresees_what_the_gateway_does_in_every_scope() {
    let stage = Stage::new().await;
    stage.credential("one", "openai", Mode::Ok, json!({})).await;
    let server = &stage.server;
    let mut compared = [0, 0];
    for (number, (unit, amount, model)) in [
        ("requests", 1, "gpt-4o-mini"),
        ("requests", 0, "gpt-4o-mini"),
        ("tokens", 100, "gpt-4o-mini"),
        ("tokens", 5000, "gpt-4o-mini"),
        ("nano_usd", 1, "gpt-4o-mini"),
        ("nano_usd", 1_000_000_000, "gpt-4o-mini"),
        ("nano_usd", 1_000_000_000, "openai/gpt-4o-mini"),
        ("nano_usd", 1_000_000_000, "gpt-4o-2031-01-01"),
        ("tokens", 5000, "gpt-4o-2031-01-01"),
    ]
    .into_iter()
    .enumerate()
    {
        for scope in ["token", "userId", "credential"] {
            let user = server.user_of(&format!("user-{number}-{scope}"), Role::Gateway).await;
            let token = json!({ "name": "t", "role": "gateway", "userId": user });
            let token = server.token(token).await;
            let id = token.split('_').nth(1).unwrap();
            let whom = match scope {
                "token" => json!(id),
                "userId" => json!(user),
                _ => json!("one"),
            };
            let limit = json!({ scope: whom, "unit": unit, "window": "prepaid", "amount": amount });
            let made = server.post("/api/admin/limits", limit).await.expect(200).json();
            let body = question(model);
            let bytes = body.to_string().len();
            for named in [json!({ scope: whom }), json!({ "token": id, "userId": user, "credential": "one" })]
            {
                let mut asked = named;
                asked["model"] = json!(model);
                asked["inputTokens"] = json!(bytes + 1024);
                asked["outputTokens"] = json!(50);
                let foreseen = server.post("/api/admin/limits/test", asked.clone()).await.expect(200);
                let status = server.post("/v1/chat/completions", body.clone()).token(&token).await.status;
                let is_allowed = foreseen.at("allowed").as_bool().unwrap();
                assert_eq!(
                    is_allowed,
                    status == 200,
                    "{unit} {amount} {model} {scope}: {asked} {status} {}",
                    foreseen.text
                );
                compared[usize::from(is_allowed)] += 1;
                if unit == "requests" && is_allowed {
                    break;
                }
            }
            let uid = made["id"].as_str().unwrap();
            server.delete(&format!("/api/admin/limits/{uid}")).await.expect(200);
        }
    }
    assert!(compared.iter().all(|count| *count > 10), "{compared:?}");
    let nowhere = json!({ "userId": 1, "model": "nobody-knows-this" });
    let refused = server.post("/api/admin/limits/test", nowhere).await.expect(400);
    assert_eq!(refused.at("field"), "model");
}
