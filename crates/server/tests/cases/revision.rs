//! Revisions, preconditions and requests that are sent twice.

use serde_json::json;

use crate::BACKEND;
use crate::support::server::Installation;

#[tokio::test]
async fn the_entity_tag_moves_with_admin_changes_and_not_with_reads() {
    let server = Installation::new(BACKEND).await.start();
    let id = server.credential("tagged", json!({ "rateLimit": 100 })).await;
    let path = format!("/api/admin/credentials/{id}");
    let first = server.get(&path).await.expect(200);
    let tag = first.header("etag").expect("a tag").to_owned();
    assert_eq!(tag, format!("\"{}\"", first.at("revision")));
    server.get("/api/credentials/tagged").await.expect(200);
    server.get("/api/providers/openai/credential").await.expect(200);
    server.call("POST", &format!("{path}/test")).await.expect(200);
    server.call("POST", "/api/admin/credentials/reset-monthly-usage").await.expect(200);
    let after = server.get(&path).await.expect(200);
    assert_eq!(after.header("etag"), Some(tag.as_str()));
    assert_eq!((after.at("usageCount"), after.at("updatedAt")), (json!(2), first.at("updatedAt")));
    let changed = server.patch(&path, json!({ "priority": 5 })).await.expect(200);
    assert_ne!(changed.header("etag"), Some(tag.as_str()));
    assert_eq!(server.get(&path).await.expect(200).header("etag"), changed.header("etag"));
}

#[tokio::test]
async fn a_change_based_on_a_passed_revision_is_412_and_changes_nothing() {
    let server = Installation::new(BACKEND).await.start();
    let id = server.credential("guarded", json!({})).await;
    let path = format!("/api/admin/credentials/{id}");
    let old = server.get(&path).await.expect(200).header("etag").unwrap().to_owned();
    let with = |tag: &str, priority: i64| {
        server.patch(&path, json!({ "priority": priority })).header("if-match", tag)
    };
    let new = with(&old, 1).await.expect(200).header("etag").unwrap().to_owned();
    assert_eq!(with(&old, 2).await.expect(412).at("code"), "precondition_failed");
    server.delete(&path).header("if-match", &old).await.expect(412);
    assert_eq!(server.get(&path).await.expect(200).at("priority"), 1);
    with("*", 3).await.expect(200);
    for malformed in ["3", "W/\"1\"", "\"x\"", "\"1\", \"2\""] {
        assert_eq!(with(malformed, 4).await.expect(400).at("field"), "If-Match", "{malformed}");
    }
    server.delete(&path).header("if-match", &new).await.expect(412);
    let present = server.get(&path).await.expect(200).header("etag").unwrap().to_owned();
    server.delete(&path).header("if-match", &present).await.expect(200);
}

#[tokio::test]
async fn of_parallel_changes_with_one_revision_exactly_one_is_made() {
    let server = Installation::new(BACKEND).await.start();
    let id = server.credential("contested", json!({})).await;
    let path = format!("/api/admin/credentials/{id}");
    let tag = server.get(&path).await.expect(200).header("etag").unwrap().to_owned();
    let calls = (0..12).map(|priority| {
        let call = server.patch(&path, json!({ "priority": priority })).header("if-match", &tag);
        async move { call.await.status }
    });
    let mut statuses = futures::future::join_all(calls).await;
    statuses.sort_unstable();
    assert_eq!((statuses[0], statuses[1], statuses[11]), (200, 412, 412));
    assert_eq!(server.get(&path).await.expect(200).at("revision"), 2);
}

#[tokio::test]
async fn a_request_repeated_under_its_key_makes_nothing_and_another_one_is_refused() {
    let server = Installation::new(BACKEND).await.start();
    let create = |key: &str, name: &str| {
        server
            .post(
                "/api/admin/credentials",
                json!({ "name": name, "provider": "openai", "apiKey": "sk-once" }),
            )
            .header("idempotency-key", key)
    };
    let first = create("key-1", "once").await.expect(201);
    let again = create("key-1", "once").await.expect(201);
    assert_eq!(first.json(), again.json());
    assert_eq!(first.header("etag"), again.header("etag"));
    let other = create("key-1", "another").await.expect(422);
    assert!(other.error().contains("Idempotency-Key"), "{}", other.text);
    create("key-2", "once").await.expect(409);
    create("", "empty-key").await.expect(400);
    create(&"k".repeat(256), "long-key").await.expect(400);

    let calls = (0..8).map(|_| {
        let call = create("key-3", "parallel");
        async move { call.await.expect(201).id() }
    });
    let ids = futures::future::join_all(calls).await;
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    let listed = server.get("/api/admin/credentials").await.expect(200).json();
    assert_eq!(listed.as_array().unwrap().len(), 2, "{listed}");

    // Another caller's key of the same text is another key.
    let token = server.token(json!({ "name": "another admin", "role": "admin" })).await;
    create("key-1", "of-another").token(&token).await.expect(201);
}
