//! Secrets where they belong: every way to bring one in, and what providers say back about it.

use jsonwebtoken::Algorithm;
use serde_json::json;
use strongroom_testkit::fake_provider::{Api, FakeProvider};

use super::garden::Garden;
use crate::support::principal::{FAR, jwt};
use crate::support::server::Server;

pub(super) async fn bring_in(garden: &mut Garden, server: &Server, secret: &str) {
    let (key, second) = (garden.plant("apiKey"), garden.plant("apiSecret"));
    let create =
        |name: &str, key: &str| json!({ "name": name, "provider": "openai", "apiKey": key, "rateLimit": 9 });
    let mut body = create("kept", &key);
    body["apiSecret"] = json!(second);
    let idempotency = garden.plant("Idempotency-Key");
    for _ in 0..2 {
        let call =
            server.post("/api/admin/credentials", body.clone()).header("idempotency-key", &idempotency);
        garden.hear("create", &call.await.expect(201));
    }
    let path = format!("/api/admin/credentials/{}", 1);
    for (what, call) in [
        ("new key", server.patch(&path, json!({ "apiKey": garden.plant("replaced apiKey") }))),
        (
            "new second secret",
            server.patch(&path, json!({ "apiSecret": garden.plant("replaced apiSecret") })),
        ),
        ("moved", server.patch(&path, json!({ "endpoint": "https://api.example.com/v1" }))),
        (
            "import",
            server.post(
                "/api/admin/credentials/import",
                json!({ "source": "env", "rows": [
            { "name": "moved", "provider": "gemini", "apiKey": garden.plant_with("imported key", "AIza"),
              "apiSecret": garden.plant("imported secret"), "isActive": true, "isGlobal": true }] }),
            ),
        ),
        ("test", server.call("POST", &format!("{path}/test"))),
        (
            "stage",
            server.post(
                &format!("{path}/versions"),
                json!({ "apiKey": garden.plant("staged apiKey"), "apiSecret": garden.plant("staged apiSecret") }),
            ),
        ),
        ("versions", server.get(&format!("{path}/versions"))),
        ("comparison", server.get(&format!("{path}/versions/diff?from=1&to=2"))),
        ("canary", server.post(&format!("{path}/canary"), json!({ "percent": 5, "skipTest": true }))),
        ("promotion", server.call("POST", &format!("{path}/promote?skipTest=true"))),
        ("roll-back", server.call("POST", &format!("{path}/versions/1/rollback"))),
        ("destruction", server.delete(&format!("{path}/versions/1"))),
        ("list", server.get("/api/admin/credentials")),
        ("show", server.get(&path)),
        ("tokens", server.get("/api/admin/tokens")),
        ("keys", server.get("/api/admin/encryption-keys")),
        ("rate limit", server.get("/api/credentials/kept/rate-limit")),
    ] {
        garden.hear(what, &call.await.expect(200));
    }
    // These answers hold secrets on purpose; only they may.
    for path in
        ["/api/credentials/kept", "/api/providers/groq/credential", "/api/providers/openrouter/credential"]
    {
        server.get(path).await.expect(200);
        server.get(path).http2().await.expect(200);
    }
    let generated = server.call("POST", "/api/admin/credentials/generate-key").await.expect(200);
    garden.plant_existing("generated key", generated.at("key").as_str().unwrap());
    for role in strongroom_model::Role::ALL {
        let token = server.token_of(role).await;
        garden.plant_existing("token", token.rsplit('_').next().unwrap());
        server.get("/api/admin/status").token(&token).http2().await.expect(200);
    }
    let user = server.user_of("planted", strongroom_model::Role::Reader).await;
    let signed = jwt(secret, Algorithm::HS256, &json!({ "userId": user, "exp": FAR }));
    garden.plant_existing("signature of a JWT", signed.rsplit('.').next().unwrap());
    server.get("/api/admin/status").token(&signed).await.expect(200);
}

/// What providers say back, with the key in it.
pub(super) async fn ask_providers(garden: &mut Garden, server: &Server) {
    let fake = FakeProvider::start().await.unwrap();
    for api in Api::ALL {
        for behaviour in ["echo", "wrong", "ok", "limited", "empty", "away", "page"] {
            let key = garden.plant_with(&format!("key shown to {api:?}"), &format!("sk-fake-{behaviour}-"));
            let name = format!("{}-{behaviour}", api.provider());
            let more = json!({ "provider": api.provider(), "endpoint": fake.endpoint(api), "apiKey": key });
            let id = server.credential(&name, more).await;
            let answer = server.call("POST", &format!("/api/admin/credentials/{id}/test?live=true")).await;
            garden.hear(&format!("live test of {name}"), &answer);
        }
    }
    assert!(
        fake.seen().iter().all(|request| request.query.as_deref().is_none_or(|it| !it.contains("sk-fake")))
    );
}
