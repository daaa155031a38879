//! What the server tells of itself, and to whom.

use serde_json::json;
use strongroom_model::Role;
use strongroom_testkit::fake_upstream::Mode;

use crate::BACKEND;
use crate::cases::stage::Stage;
use crate::support::call::Call;
use crate::support::server::Installation;

#[tokio::test]
async fn providers_are_named_in_metrics_to_those_alone_who_may_know() {
    let stage = Stage::new().await;
    stage.credential("one", "openai", Mode::Ok, json!({})).await;
    stage.chat().await.expect(200);
    let metrics = || Call::new(&stage.server.url, "GET", "/metrics");
    let told = metrics().await.expect(200).text;
    assert!(told.contains("strongroom_gateway_attempts_total{status=\"200\"} 1"), "{told}");
    assert!(!told.contains("openai"), "{told}");
    for role in [Role::Admin, Role::Auditor] {
        let token = stage.server.token_of(role).await;
        let told = metrics().token(&token).await.expect(200).text;
        assert!(told.contains("provider=\"openai\",status=\"200\"} 1"), "{told}");
    }
    for role in [Role::Gateway, Role::Reader] {
        let token = stage.server.token_of(role).await;
        assert!(!metrics().token(&token).await.expect(200).text.contains("openai"), "{role:?}");
    }
    assert!(!metrics().token("sr_000000000000_nobody").await.expect(200).text.contains("openai"));
}

#[tokio::test]
async fn where_other_machines_can_connect_metrics_need_a_token() {
    let installation = Installation::new(BACKEND).await.set("STRONGROOM_ALLOW_PLAINTEXT", "true");
    let server = installation.start_on("0.0.0.0:0");
    let url = server.url.replace("0.0.0.0", "127.0.0.1");
    let metrics = || Call::new(&url, "GET", "/metrics");
    metrics().await.expect(401);
    metrics().token("sr_000000000000_nobody").await.expect(401);
    assert!(metrics().token(&server.admin).await.expect(200).text.contains("# EOF"));
    for (role, status) in [(Role::Auditor, 200), (Role::Reader, 403), (Role::Gateway, 403)] {
        let made = Call::new(&url, "POST", "/api/admin/tokens").token(&server.admin);
        let made = made.json(json!({ "name": role.as_str(), "role": role.as_str() })).await.expect(201);
        metrics().token(made.at("token").as_str().unwrap()).await.expect(status);
    }
    for path in ["/livez", "/readyz"] {
        Call::new(&url, "GET", path).await.expect(200);
    }
}

#[tokio::test]
async fn the_master_keys_fingerprint_is_told_to_admins_and_auditors() {
    let server = Installation::new(BACKEND).await.start();
    for (role, is_told) in
        [(Role::Admin, true), (Role::Auditor, true), (Role::Reader, false), (Role::Gateway, false)]
    {
        let token = server.token_of(role).await;
        let status = server.get("/api/admin/status").token(&token).await.expect(200).json();
        assert_eq!(status["masterFingerprint"].is_string(), is_told, "{status}");
    }
}
