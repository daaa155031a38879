//! What each token reaches: by role, by scope, by user, and until it is revoked.

use serde_json::json;
use strongroom_model::Role;
use strongroom_testkit::Backend;

use crate::BACKEND;
use crate::support::principal::public_id;
use crate::support::server::{Installation, STEP};

#[tokio::test]
async fn a_token_reaches_the_credentials_and_providers_of_its_scope_and_no_others() {
    let server = Installation::new(BACKEND).await.start();
    server.credential("a", json!({})).await;
    server.credential("b", json!({})).await;
    server.credential("g", json!({ "provider": "groq" })).await;
    let by_name = json!({ "name": "t", "role": "reader", "scope": { "credentials": ["b"] } });
    let by_provider = json!({ "name": "t", "role": "reader", "scope": { "providers": ["GROQ"] } });
    let by_both = json!({ "name": "t", "role": "reader", "scope": { "credentials": ["b", "g"], "providers": ["groq"] } });
    for (request, reached) in [(by_name, vec!["b"]), (by_provider, vec!["g"]), (by_both, vec!["g"])] {
        let token = server.token(request.clone()).await;
        for name in ["a", "b", "g", "nothing"] {
            let status = if reached.contains(&name) { 200 } else { 403 };
            server.get(&format!("/api/credentials/{name}")).token(&token).await.expect(status);
            server.get(&format!("/api/credentials/{name}/rate-limit")).token(&token).await.expect(status);
        }
        for (provider, first) in [("openai", "b"), ("groq", "g")] {
            let path = format!("/api/providers/{provider}/credential");
            let answer = server.get(&path).token(&token).await;
            if reached.contains(&first) {
                assert_eq!(answer.expect(200).at("name"), first, "{request}");
            } else {
                assert!([403, 404].contains(&answer.status), "{request}: {}", answer.text);
            }
        }
    }
}

#[tokio::test]
async fn a_later_credential_of_the_same_name_is_not_reached_by_an_old_token() {
    let server = Installation::new(BACKEND).await.start();
    let id = server.credential("reborn", json!({})).await;
    let token =
        server.token(json!({ "name": "t", "role": "reader", "scope": { "credentials": ["reborn"] } })).await;
    server.get("/api/credentials/reborn").token(&token).await.expect(200);
    server.delete(&format!("/api/admin/credentials/{id}")).await.expect(200);
    server.credential("reborn", json!({})).await;
    server.get("/api/credentials/reborn").token(&token).await.expect(403);
    server.get("/api/providers/openai/credential").token(&token).await.expect(404);
}

#[tokio::test]
async fn the_gateway_role_reads_no_key_and_the_auditor_sees_metadata_only() {
    let server = Installation::new(BACKEND).await.set("GROQ_API_KEY", "gsk_from-the-environment").start();
    let id = server.credential("kept", json!({ "apiSecret": "second-of-kept" })).await;
    let reveals =
        ["/api/credentials/kept", "/api/providers/openai/credential", "/api/providers/groq/credential"];
    let gateway = server.token_of(Role::Gateway).await;
    let auditor = server.token_of(Role::Auditor).await;
    for token in [&gateway, &auditor] {
        for path in reveals {
            let answer = server.get(path).token(token).await.expect(403);
            assert_eq!(answer.at("error"), "Reader or admin access required");
        }
        server.get("/api/admin/status").token(token).await.expect(200);
    }
    for path in [
        "/api/admin/credentials".to_owned(),
        format!("/api/admin/credentials/{id}"),
        "/api/admin/tokens".to_owned(),
        "/api/admin/users".to_owned(),
        "/api/admin/audit-logs".to_owned(),
        "/api/admin/audit-logs/verify".to_owned(),
        "/api/admin/encryption-keys".to_owned(),
        "/api/credentials/kept/rate-limit".to_owned(),
    ] {
        let text = server.get(&path).token(&auditor).await.expect(200).text;
        for secret in ["sk-of-kept", "second-of-kept", "gsk_from-the-environment", &gateway, &auditor] {
            assert!(!text.contains(secret), "{path}: {text}");
        }
    }
    assert_eq!(server.get(&format!("/api/admin/credentials/{id}")).await.expect(200).at("usageCount"), 0);
}

#[tokio::test]
async fn a_revoked_token_is_refused_everywhere_within_a_second() {
    let server = Installation::new(BACKEND).await.start();
    let second = match BACKEND {
        Backend::Postgres => Some(server.installation.second_node().start()),
        Backend::Sqlite => None,
    };
    let other = second.as_ref().unwrap_or(&server);
    let token = server.token_of(Role::Reader).await;
    for node in [&server, other] {
        node.get("/api/admin/status").token(&token).await.expect(200);
    }
    server.delete(&format!("/api/admin/tokens/{}", public_id(&token))).await.expect(200);
    server.get("/api/admin/status").token(&token).await.expect(401);
    // A second, in steps: whether a node may be late is the promise, and it need not be.
    let mut is_refused = false;
    for _ in 0..50 {
        is_refused = other.get("/api/admin/status").token(&token).await.status == 401;
        if is_refused {
            break;
        }
        tokio::time::sleep(STEP).await;
    }
    assert!(is_refused, "another node went on accepting the token");
    server.delete(&format!("/api/admin/tokens/{}", public_id(&token))).await.expect(404);
}

#[tokio::test]
async fn a_users_token_sees_that_users_own_credentials_first_and_nobody_elses() {
    let server = Installation::new(BACKEND).await.start();
    let (ann, ben) = (server.user_of("ann", Role::Reader).await, server.user_of("ben", Role::Reader).await);
    server.credential("everybodys", json!({})).await;
    server.credential("anns", json!({ "userId": ann })).await;
    server.credential("bens", json!({ "userId": ben })).await;
    let token = server.token(json!({ "name": "ann's", "role": "reader", "userId": ann })).await;
    let nobodys = server.token_of(Role::Reader).await;
    let read = |path: &str, token: &str| server.get(path).token(token);
    assert_eq!(read("/api/providers/openai/credential", &token).await.expect(200).at("name"), "anns");
    assert_eq!(read("/api/providers/openai/credential", &nobodys).await.expect(200).at("name"), "everybodys");
    for (name, by_ann, by_nobody) in [("everybodys", 200, 200), ("anns", 200, 404), ("bens", 404, 404)] {
        read(&format!("/api/credentials/{name}"), &token).await.expect(by_ann);
        read(&format!("/api/credentials/{name}"), &nobodys).await.expect(by_nobody);
    }
    read(&format!("/api/credentials/bens?userId={ben}"), &token).await.expect(403);
    read(&format!("/api/credentials/anns?userId={ann}"), &token).await.expect(200);
    server.get(&format!("/api/credentials/bens?userId={ben}")).await.expect(200);
    server.get("/api/credentials/bens").await.expect(404);

    server.patch(&format!("/api/admin/users/{ann}"), json!({ "isActive": false })).await.expect(200);
    read("/api/admin/status", &token).await.expect(401);
    server.delete(&format!("/api/admin/users/{ann}")).await.expect(409);
}

#[tokio::test]
async fn a_token_or_user_that_was_edited_in_the_database_is_refused() {
    let server = Installation::new(BACKEND).await.start();
    let token = server.token_of(Role::Reader).await;
    let sql = format!("UPDATE tokens SET role = 'admin' WHERE id = '{}'", public_id(&token));
    assert_eq!(server.installation.database.execute(&sql).await, 1);
    server.get("/api/admin/status").token(&token).await.expect(401);
    let own = server.token_of(Role::Reader).await;
    let sql =
        format!("UPDATE tokens SET revoked_at_ms = NULL, expires_at_ms = 1 WHERE id = '{}'", public_id(&own));
    server.installation.database.execute(&sql).await;
    server.get("/api/admin/status").token(&own).await.expect(401);
}
