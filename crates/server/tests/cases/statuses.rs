//! The statuses and bodies that programs written for the original rely on.

use serde_json::{Value, json};
use strongroom_model::Role;

use crate::BACKEND;
use crate::support::server::Installation;

/// Whether every one of these members is there.
fn has(body: &Value, members: &[&str]) -> bool {
    members.iter().all(|member| body.get(member).is_some())
}

#[tokio::test]
async fn the_table_of_the_original_holds_word_for_word() {
    let server = Installation::new(BACKEND).await.start();
    let list = "/api/admin/credentials";

    let refused = server.get(list).anonymous().await.expect(401);
    assert_eq!(refused.at("error"), "Authentication required");
    assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
    for bad in ["nonsense", "sr_000000000000_nonsense", "eyJhbGciOiJIUzI1NiJ9.e30.x"] {
        assert_eq!(server.get(list).token(bad).await.expect(401).at("error"), "Invalid or expired token");
    }
    for role in [Role::Reader, Role::Gateway] {
        let token = server.token_of(role).await;
        assert_eq!(server.get(list).token(&token).await.expect(403).at("error"), "Admin access required");
    }
    for (method, path) in [
        ("GET", "/api/admin/credentials/77"),
        ("DELETE", "/api/admin/credentials/77"),
        ("POST", "/api/admin/credentials/77/test"),
        ("GET", "/api/admin/credentials/not-a-number"),
        ("GET", "/api/credentials/nobody"),
        ("GET", "/api/providers/groq/credential"),
    ] {
        assert_eq!(server.call(method, path).await.expect(404).at("error"), "Credential not found");
    }
    let patched = server.patch("/api/admin/credentials/77", json!({ "isActive": false })).await;
    assert_eq!(patched.expect(404).at("error"), "Credential not found");

    for body in [
        json!({}),
        json!({ "name": "a" }),
        json!({ "provider": "openai" }),
        json!({ "name": "", "provider": "openai" }),
    ] {
        let answer = server.post(list, body).await.expect(400);
        assert_eq!(answer.at("error"), "Name and provider are required");
    }
    let created = server
        .post(
            list,
            json!({ "name": "openai-secondary", "provider": "openai", "apiKey": "sk-...", "isGlobal": true, "rateLimit": 5000 }),
        )
        .await
        .expect(201)
        .json();
    assert!(has(&created, &["id", "name", "provider", "priority", "isActive", "isGlobal", "createdAt"]));
    assert_eq!((&created["priority"], &created["isActive"]), (&json!(40), &json!(true)));

    let path = format!("{list}/{}", created["id"]);
    let updated =
        server.patch(&path, json!({ "isActive": false, "rateLimit": 15000 })).await.expect(200).json();
    assert!(has(&updated, &["id", "name", "provider", "priority", "isActive", "updatedAt"]));
    assert_eq!((&updated["isActive"], &updated["rateLimit"]), (&json!(false), &json!(15000)));

    let unserved = server.call("POST", &format!("{path}/test")).await.expect(404);
    assert!(unserved.error().contains("is inactive"), "{}", unserved.text);
    server.patch(&path, json!({ "isActive": true })).await.expect(200);
    let tested = server.call("POST", &format!("{path}/test")).await.expect(200).json();
    assert_eq!(
        tested,
        json!({ "message": "Credential is valid and within rate limits", "provider": "openai", "usageCount": 0,
            "currentMonthUsage": 0, "rateLimit": 15000 })
    );
    server.patch(&path, json!({ "rateLimit": 0 })).await.expect(200);
    let over = server.call("POST", &format!("{path}/test")).await.expect(429);
    assert_eq!(over.at("error"), "Rate limit exceeded");

    let reset = server.call("POST", "/api/admin/credentials/reset-monthly-usage").await.expect(200).json();
    assert_eq!(reset, json!({ "message": "Monthly usage counters reset successfully" }));
    let deleted = server.delete(&path).await.expect(200).json();
    assert_eq!(deleted, json!({ "message": "Credential deleted successfully" }));
    server.get(&path).await.expect(404);
}

#[tokio::test]
async fn the_bodies_of_the_missions_examples_have_their_fields_and_forms() {
    let server = Installation::new(BACKEND).await.start();
    let id = server.credential("gemini-primary", json!({ "provider": "google", "rateLimit": 10000 })).await;
    server.get("/api/credentials/gemini-primary").await.expect(200);
    let listed = server.get("/api/admin/credentials").await.expect(200).json();
    let row = &listed[0];
    assert_eq!(
        [&row["id"], &row["name"], &row["provider"], &row["endpoint"], &row["isActive"], &row["isGlobal"]],
        [&json!(id), &json!("gemini-primary"), &json!("gemini"), &Value::Null, &json!(true), &json!(true)]
    );
    assert_eq!(
        [&row["usageCount"], &row["currentMonthUsage"], &row["rateLimit"]],
        [&json!(1), &json!(1), &json!(10000)]
    );
    for time in ["lastUsed", "createdAt", "updatedAt"] {
        let text = row[time].as_str().unwrap_or_default();
        assert!(strongroom_model::Millis::parse(text).is_ok() && text.ends_with('Z'), "{time}: {row}");
    }
    for secret in ["apiKey", "api_key", "apiSecret"] {
        assert!(row.get(secret).is_none(), "{row}");
    }

    let generated = server.call("POST", "/api/admin/credentials/generate-key").await.expect(200).json();
    let key = generated["key"].as_str().unwrap();
    assert!(
        key.len() == 64 && key.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase())
    );
    assert_eq!(generated["message"], "Add this key to your .env file as ENCRYPTION_KEY=<key>");
    assert_eq!(
        generated["warning"],
        "Store this key securely. If lost, encrypted credentials cannot be recovered."
    );
}

#[tokio::test]
async fn a_name_that_is_taken_is_409_and_free_again_after_a_deletion() {
    let server = Installation::new(BACKEND).await.start();
    let id = server.credential("once", json!({})).await;
    let body = json!({ "name": "once", "provider": "groq" });
    let taken = server.post("/api/admin/credentials", body.clone()).await.expect(409).json();
    assert_eq!((&taken["code"], &taken["field"]), (&json!("conflict"), &json!("name")));
    server.delete(&format!("/api/admin/credentials/{id}")).await.expect(200);
    let again = server.post("/api/admin/credentials", body).await.expect(201).id();
    assert_ne!(again, id, "a number is never given twice");
}

#[tokio::test]
async fn an_inactive_credential_reads_as_404_and_one_without_a_key_says_so() {
    let server = Installation::new(BACKEND).await.start();
    let id = server.credential("sleeping", json!({ "isActive": false })).await;
    server.get("/api/credentials/sleeping").await.expect(404);
    server.get("/api/providers/openai/credential").await.expect(404);
    server.patch(&format!("/api/admin/credentials/{id}"), json!({ "isActive": true })).await.expect(200);
    assert_eq!(server.get("/api/credentials/sleeping").await.expect(200).at("apiKey"), "sk-of-sleeping");

    let body = json!({ "name": "empty", "provider": "groq" });
    server.post("/api/admin/credentials", body).await.expect(201);
    let answer = server.get("/api/credentials/empty").await.expect(422);
    assert!(answer.error().starts_with("Cannot decrypt empty text"), "{}", answer.text);
    let body = json!({ "name": "empty-text", "provider": "groq", "apiKey": "" });
    let answer = server.post("/api/admin/credentials", body).await.expect(400);
    assert_eq!((answer.error().as_str(), answer.at("field")), ("Cannot encrypt empty text", json!("apiKey")));
}

#[tokio::test]
async fn what_is_no_route_or_no_method_of_it_is_404_and_405() {
    let server = Installation::new(BACKEND).await.start();
    for path in ["/api", "/api/admin", "/api/admin/credentials/", "/api/credentials/", "/api/credentials/a/b"]
    {
        server.get(path).await.expect(404);
    }
    // The pages' own, which take no token in a header.
    server.get("/").await.expect(401);
    server.delete("/api/admin/credentials").await.expect(405);
    server.call("PUT", "/api/credentials/a").await.expect(405);
}
