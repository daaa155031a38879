//! Secrets in paths, queries and headers that are refused.

use jsonwebtoken::Algorithm;
use serde_json::json;

use super::garden::Garden;
use crate::support::call::{Call, get_raw};
use crate::support::principal::{jwt, jwt_secret};
use crate::support::server::Server;

pub(super) async fn refuse(garden: &mut Garden, server: &Server) {
    for path in [
        "/api/credentials/$",
        "/api/credentials/$/rate-limit",
        "/api/credentials/kept?userId=$",
        "/api/credentials/kept?$=1",
        "/api/providers/$/credential",
        "/api/providers/x$%2f/credential",
        "/api/admin/credentials/$",
        "/api/admin/credentials?limit=$",
        "/api/admin/credentials?provider=$%20x",
        "/api/admin/credentials?$",
        "/api/admin/users/$",
        "/api/admin/audit-logs?outcome=$",
        "/api/admin/audit-logs?from=$",
        "/api/$",
        "/$?key=$",
    ] {
        let path = path.replace('$', &garden.plant(&format!("path {path}")));
        garden.fail(&path.clone(), server.get(&path)).await;
        garden.fail(&path.clone(), server.get(&path).http2()).await;
        garden.fail(&path.clone(), server.get(&path).anonymous()).await;
        let narrow = json!({ "name": "narrow", "role": "reader", "scope": { "credentials": ["kept"], "providers": ["openai"] } });
        let narrow = server.token(narrow).await;
        garden.fail(&path.clone(), server.get(&path).token(&narrow)).await;
        let (status, answer) = get_raw(server.address(), &path, "x");
        assert!(status >= 400, "{path}: {answer}");
        garden.heard.push((format!("raw {path}"), answer.into_bytes()));
    }
    for (method, path) in
        [("DELETE", "/api/admin/tokens/$"), ("DELETE", "/api/admin/users/$"), ("PUT", "/api/$")]
    {
        let path = path.replace('$', &garden.plant(&format!("{method} {path}")));
        garden.fail(path.clone().as_str(), server.call(method, &path)).await;
    }
    // A well-formed prefix finds nothing and is not repeated.
    let secret = garden.plant("q");
    garden.hear("q", &server.get(&format!("/api/admin/credentials?q={secret}&limit=5")).await.expect(200));
    for shown in ["$", "sr_$", "sr_000000000000_$", "$.$.$", "eyJhbGciOiJIUzI1NiJ9.$.x"] {
        let token = shown.replace('$', &garden.plant(&format!("token {shown}")));
        garden.fail(shown, server.get("/api/admin/status").token(&token)).await;
        garden.fail(shown, server.get("/api/admin/status").token(&token).http2()).await;
    }
    for (name, value) in [
        ("authorization", "Basic $"),
        ("authorization", "$"),
        ("x-api-key", "$"),
        ("x-goog-api-key", "$"),
        ("cookie", "session=$"),
        ("user-agent", "$"),
        ("referer", "https://example.com/?key=$"),
        ("x-request-id", "$"),
        ("x-forwarded-for", "$"),
        ("content-type", "$"),
        ("if-match", "$"),
        ("idempotency-key", "$"),
    ] {
        let value = value.replace('$', &garden.plant(&format!("header {name}")));
        let call = Call::new(&server.url, "PATCH", "/api/admin/credentials/4711").header(name, &value);
        let call = if name == "authorization" { call } else { call.token(&server.admin) };
        garden.fail(name, call.clone()).await;
        garden.fail(name, call.http2()).await;
    }
    let claims = garden.plant("claims of a JWT");
    for secret in [jwt_secret(), garden.plant("another JWT secret")] {
        let token = jwt(&secret, Algorithm::HS256, &json!({ "userId": 1, "exp": 1, "note": claims }));
        garden.fail("JWT", server.get("/api/admin/status").token(&token)).await;
    }
}
