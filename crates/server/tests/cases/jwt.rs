//! JSON web tokens of the original, and those that only look like them.

use jsonwebtoken::Algorithm;
use serde_json::json;
use strongroom_model::Role;

use crate::BACKEND;
use crate::support::principal::{FAR, jwt, jwt_secret};
use crate::support::server::Installation;

#[tokio::test]
async fn without_a_secret_every_jwt_is_refused() {
    let server = Installation::new(BACKEND).await.start();
    let user = server.user_of("somebody", Role::Admin).await;
    for secret in ["", "secret", &jwt_secret()] {
        let token = jwt(secret, Algorithm::HS256, &json!({ "userId": user, "exp": FAR }));
        server.get("/api/admin/status").token(&token).await.expect(401);
    }
}

#[tokio::test]
async fn a_jwt_must_be_hs256_in_time_and_of_an_active_user() {
    let secret = jwt_secret();
    let server = Installation::new(BACKEND).await.set("JWT_SECRET", &secret).start();
    let user = server.user_of("somebody", Role::Admin).await;
    let good = json!({ "userId": user, "exp": FAR });
    let token = jwt(&secret, Algorithm::HS256, &good);
    let status = server.get("/api/admin/status").token(&token).await.expect(200).json();
    assert_eq!((&status["actor"], &status["role"]), (&json!(format!("user:{user}")), &json!("admin")));

    let mut bad = vec![
        jwt(&jwt_secret(), Algorithm::HS256, &good),
        jwt(&secret, Algorithm::HS384, &good),
        jwt(&secret, Algorithm::HS512, &good),
        format!("{}.", token.rsplit_once('.').unwrap().0),
        // {"alg":"none"}
        format!("eyJhbGciOiJub25lIn0.{}.", token.split('.').nth(1).unwrap()),
        format!("{token}x"),
        String::new(),
    ];
    for claims in [
        json!({ "userId": user }),
        json!({ "userId": user, "exp": 1 }),
        json!({ "userId": user, "exp": "never" }),
        json!({ "userId": user, "exp": FAR, "nbf": FAR }),
        json!({ "userId": user.to_string(), "exp": FAR }),
        json!({ "userId": 4711, "exp": FAR }),
        json!({ "userId": -1, "exp": FAR }),
        json!({ "user_id": user, "exp": FAR }),
        json!({ "sub": user.to_string(), "role": "admin", "exp": FAR }),
    ] {
        bad.push(jwt(&secret, Algorithm::HS256, &claims));
    }
    for token in bad {
        let answer = server.get("/api/admin/status").token(&token).await.expect(401);
        assert_eq!(answer.at("error"), "Invalid or expired token", "{token}");
    }

    // The role is the user's of this moment, whatever the token says.
    let path = format!("/api/admin/users/{user}");
    server.patch(&path, json!({ "role": "reader" })).await.expect(200);
    server.get("/api/admin/users").token(&token).await.expect(403);
    server.patch(&path, json!({ "role": "super_admin" })).await.expect(200);
    server.get("/api/admin/users").token(&token).await.expect(200);
    server.patch(&path, json!({ "isActive": false })).await.expect(200);
    server.get("/api/admin/users").token(&token).await.expect(401);
}

#[tokio::test]
async fn a_weak_secret_is_no_secret_and_the_server_does_not_start() {
    for weak in ["", "hunter2-hunter2", "your-super-secret-jwt-key-change-this-in-production"] {
        let installation = Installation::new(BACKEND).await.set("JWT_SECRET", weak);
        let (status, said) = std::sync::Arc::new(installation).try_start().err().expect("a refusal");
        assert_eq!(status.code(), Some(2), "{said}");
        assert!(said.contains("JWT_SECRET"), "{said}");
        assert!(weak.is_empty() || !said.contains(weak), "{said}");
    }
}
