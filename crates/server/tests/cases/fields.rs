//! Bodies that are not understood: each answer names the field at fault and repeats no value.

use serde_json::{Value, json};

use crate::BACKEND;
use crate::support::server::Installation;

#[tokio::test]
async fn a_create_that_is_wrong_names_the_field() {
    let server = Installation::new(BACKEND).await.start();
    for (more, field) in [
        (json!({ "nme": "x" }), "nme"),
        (json!({ "apikey": "x" }), "apikey"),
        (json!({ "name": 7 }), "name"),
        (json!({ "provider": ["openai"] }), "provider"),
        (json!({ "apiKey": { "value": "x" } }), "apiKey"),
        (json!({ "apiKey": 42 }), "apiKey"),
        (json!({ "isActive": "yes" }), "isActive"),
        (json!({ "isGlobal": 1 }), "isGlobal"),
        (json!({ "rateLimit": "many" }), "rateLimit"),
        (json!({ "rateLimit": -1 }), "rateLimit"),
        (json!({ "rateLimit": 1.5 }), "rateLimit"),
        (json!({ "rateLimit": 1e30 }), "rateLimit"),
        (json!({ "priority": "high" }), "priority"),
        (json!({ "userId": 4711 }), "userId"),
        (json!({ "isGlobal": false }), "userId"),
        (json!({ "provider": "no spaces" }), "provider"),
        (json!({ "provider": "my-llm" }), "endpoint"),
        (json!({ "endpoint": "ftp://example.com" }), "endpoint"),
        (json!({ "endpoint": "https://example.com/\u{0}" }), "endpoint"),
        (json!({ "endpoint": format!("https://example.com/{}", "x".repeat(3000)) }), "endpoint"),
        (json!({ "apiKey": "x".repeat(20_000) }), "apiKey"),
        (json!({ "apiKey": "two\nlines" }), "apiKey"),
        (json!({ "apiSecret": "nul\u{0}" }), "apiSecret"),
        (json!({ "name": "x".repeat(200) }), "name"),
        (json!({ "provider": "x".repeat(200) }), "provider"),
    ] {
        let mut body = json!({ "name": "wrong", "provider": "openai", "apiKey": "sk-x" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = server.post("/api/admin/credentials", body).await;
        assert!([400, 422].contains(&answer.status), "{more}: {}", answer.text);
        assert_eq!(answer.at("field"), field, "{more}: {}", answer.text);
        assert!(answer.text.len() < 1000, "{more}: {}", answer.text);
    }
    assert_eq!(server.get("/api/admin/credentials").await.expect(200).text, "[]");
}

#[tokio::test]
async fn a_change_that_is_wrong_names_the_field_and_changes_nothing() {
    let server = Installation::new(BACKEND).await.start();
    let id = server.credential("steady", json!({ "rateLimit": 5 })).await;
    server.credential("taken", json!({})).await;
    let path = format!("/api/admin/credentials/{id}");
    let before = server.get(&path).await.expect(200).text;
    for (body, status, field) in [
        (json!({ "id": 9 }), 400, "id"),
        (json!({ "usageCount": 0 }), 400, "usageCount"),
        (json!({ "name": "../up" }), 400, "name"),
        (json!({ "name": "taken" }), 409, "name"),
        (json!({ "provider": "" }), 400, "provider"),
        (json!({ "provider": "unknown" }), 400, "endpoint"),
        (json!({ "apiKey": "" }), 400, "apiKey"),
        (json!({ "apiSecret": 5 }), 400, "apiSecret"),
        (json!({ "rateLimit": -5 }), 400, "rateLimit"),
        (json!({ "isGlobal": false }), 400, "userId"),
        (json!({ "endpoint": "https://user:word@example.com" }), 400, "endpoint"),
        (json!({ "userId": 99, "isGlobal": false }), 400, "userId"),
    ] {
        let answer = server.patch(&path, body.clone()).await.expect(status);
        assert_eq!(answer.at("field"), field, "{body}: {}", answer.text);
    }
    assert_eq!(server.get(&path).await.expect(200).text, before);
    let emptied = server.patch(&path, json!({ "rateLimit": null, "endpoint": null })).await.expect(200);
    assert_eq!(emptied.at("rateLimit"), Value::Null);
}

#[tokio::test]
async fn wrong_tokens_users_and_imports_name_the_field() {
    let server = Installation::new(BACKEND).await.start();
    let row = |more: Value| {
        let mut row = json!({ "name": "n", "provider": "openai", "isActive": true, "isGlobal": true });
        row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "source": "env", "rows": [row] })
    };
    for (path, body, field) in [
        ("tokens", json!({ "name": "x" }), "role"),
        ("tokens", json!({ "role": "reader" }), "name"),
        ("tokens", json!({ "name": "", "role": "reader" }), "name"),
        ("tokens", json!({ "name": "a\u{0}b", "role": "reader" }), "name"),
        ("tokens", json!({ "name": "x".repeat(200), "role": "reader" }), "name"),
        ("tokens", json!({ "name": "x", "role": "root" }), "role"),
        ("tokens", json!({ "name": "x", "role": "reader", "expiresAt": "soon" }), "expiresAt"),
        (
            "tokens",
            json!({ "name": "x", "role": "reader", "expiresAt": "2001-01-01T00:00:00Z" }),
            "expiresAt",
        ),
        ("tokens", json!({ "name": "x", "role": "reader", "scope": { "all": true } }), "all"),
        (
            "tokens",
            json!({ "name": "x", "role": "reader", "scope": { "credentials": ["none"] } }),
            "scope.credentials",
        ),
        (
            "tokens",
            json!({ "name": "x", "role": "reader", "scope": { "credentials": ["a\u{0}"] } }),
            "scope.credentials",
        ),
        ("tokens", json!({ "name": "x", "role": "reader", "scope": { "providers": ["../"] } }), "provider"),
        ("tokens", json!({ "name": "x", "role": "reader", "userId": 4711 }), "userId"),
        ("users", json!({ "name": "x", "role": "" }), "role"),
        ("users", json!({ "name": " x", "role": "reader" }), "name"),
        ("users", json!({ "name": "x\u{0}", "role": "reader" }), "name"),
        ("users", json!({ "name": "x", "role": "reader", "id": 0 }), "id"),
        ("users", json!({ "name": "x", "role": "reader", "id": i64::MAX }), "id"),
        ("users", json!({ "name": "x", "role": "reader", "admin": true }), "admin"),
        ("credentials/import", json!({ "source": "elsewhere", "rows": [] }), "source"),
        ("credentials/import", json!({ "rows": [] }), "source"),
        ("credentials/import", row(json!({ "isActive": "yes" })), "rows[0].isActive"),
        ("credentials/import", row(json!({ "more": 1 })), "more"),
        ("credentials/import", row(json!({ "lastUsed": "yesterday" })), "rows[0].lastUsed"),
        ("audit-logs/verify", json!({ "anchors": [{ "chainId": "main" }] }), "seq"),
    ] {
        let answer = server.post(&format!("/api/admin/{path}"), body.clone()).await.expect(400);
        assert_eq!(answer.at("field"), field, "{body}: {}", answer.text);
    }
    for (more, field) in [
        (json!({ "name": "" }), "name"),
        (json!({ "name": "a\u{0}b" }), "name"),
        (json!({ "provider": "a b" }), "provider"),
        (json!({ "rateLimit": -1 }), "rateLimit"),
        (json!({ "userId": 0 }), "userId"),
        (json!({ "endpoint": "x\u{0}" }), "endpoint"),
        (json!({ "apiKey": "" }), "apiKey"),
    ] {
        let report = server.post("/api/admin/credentials/import", row(more.clone())).await.expect(200).json();
        assert_eq!(report["failed"], 1, "{more}: {report}");
        assert!(report["rows"][0]["reason"].as_str().unwrap().starts_with(field), "{more}: {report}");
    }
}

#[tokio::test]
async fn numbers_at_the_ends_of_their_range_break_nothing_that_comes_later() {
    let server = Installation::new(BACKEND).await.start();
    let extreme = json!({ "source": "legacy", "rows": [
        { "id": i64::MAX, "name": "at-the-end", "provider": "openai", "apiKey": "sk-end", "isActive": true, "isGlobal": true,
          "priority": i64::MIN, "rateLimit": i64::MAX, "usageCount": i64::MAX, "currentMonthUsage": i64::MAX,
          "userId": i64::MAX, "lastUsed": "9999-12-31T23:59:59Z", "createdAt": "0001-01-01T00:00:00Z" },
        { "id": -5, "name": "below", "provider": "openai", "apiKey": "sk-end", "isActive": true, "isGlobal": true,
          "usageCount": 3, "currentMonthUsage": i64::MAX, "lastUsed": "1969-12-31T23:59:59Z" },
    ] });
    server.post("/api/admin/credentials/import", extreme).await.expect(200);
    server.credential("after", json!({ "priority": i64::MAX, "rateLimit": i64::MAX })).await;
    server.user_of("after", strongroom_model::Role::Reader).await;
    for name in ["at-the-end", "below", "after"] {
        for _ in 0..2 {
            let answer = server.get(&format!("/api/credentials/{name}")).await;
            assert!(answer.status < 500, "{name}: {} {}", answer.status, answer.text);
        }
    }
    server.call("POST", "/api/admin/credentials/reset-monthly-usage").await.expect(200);
    server.get("/api/admin/credentials").await.expect(200).json();
    server.get("/api/admin/users").await.expect(200).json();
    for path in [
        format!("/api/admin/credentials?cursor={}", i64::MAX),
        format!("/api/admin/credentials?limit=5&cursor={}", i64::MIN),
        format!("/api/admin/audit-logs?cursor={}&order=asc", i64::MAX),
        format!("/api/admin/audit-logs?cursor={}", i64::MIN),
        "/api/admin/audit-logs?from=0000-01-01T00:00:00Z&to=9999-12-31T23:59:59Z".to_owned(),
    ] {
        server.get(&path).await.expect(200);
    }
    server.get(&format!("/api/admin/credentials/{}", i64::MIN)).await.expect(404);
    server.get("/api/admin/credentials/99999999999999999999").await.expect(404);
    server.verified_entries().await;
}
