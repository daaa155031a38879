//! Callers: tokens of every role, users with JSON web tokens, and those that are to be refused.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use strongroom_model::{Clock, Role};

use super::server::{STEP, STEPS, Server};

/// An instant after everybody's retirement, as a JWT's `exp`.
pub(crate) const FAR: i64 = 4_102_444_800;

/// A secret for `JWT_SECRET` that the configuration lets pass.
pub(crate) fn jwt_secret() -> String {
    strongroom_crypto::MasterKey::generate().to_hex().expose().to_owned()
}

/// A signed JSON web token.
pub(crate) fn jwt(secret: &str, algorithm: Algorithm, claims: &Value) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&Header::new(algorithm), claims, &key).expect("a signature")
}

impl Server {
    /// Makes a token from this request.
    pub(crate) async fn token(&self, request: Value) -> String {
        let made = self.post("/api/admin/tokens", request).await.expect(201);
        made.at("token").as_str().expect("a token").to_owned()
    }

    /// A token of this role that reaches everything.
    pub(crate) async fn token_of(&self, role: Role) -> String {
        self.token(json!({ "name": format!("a {}", role.as_str()), "role": role.as_str() })).await
    }

    /// A token that was revoked.
    pub(crate) async fn revoked_token(&self) -> String {
        let token = self.token_of(Role::Admin).await;
        self.delete(&format!("/api/admin/tokens/{}", public_id(&token))).await.expect(200);
        token
    }

    /// A token whose time is over.
    pub(crate) async fn expired_token(&self) -> String {
        let soon = strongroom_model::Millis(Clock::Database.local_now().0 + 1500);
        let request = json!({ "name": "ends soon", "role": "admin", "expiresAt": soon });
        let token = self.token(request).await;
        self.get("/api/admin/status").token(&token).await.expect(200);
        for _ in 0..STEPS {
            if self.get("/api/admin/status").token(&token).await.status == 401 {
                return token;
            }
            tokio::time::sleep(STEP).await;
        }
        panic!("the token did not expire");
    }

    /// A user's number.
    pub(crate) async fn user_of(&self, name: &str, role: Role) -> i64 {
        let request = json!({ "name": name, "role": role.as_str() });
        self.post("/api/admin/users", request).await.expect(201).id()
    }

    /// Makes a credential with a key, and what else is asked for; tells its number.
    pub(crate) async fn credential(&self, name: &str, more: Value) -> i64 {
        let mut request = json!({ "name": name, "provider": "openai", "apiKey": format!("sk-of-{name}") });
        let members = more.as_object().expect("an object").clone();
        request.as_object_mut().expect("an object").extend(members);
        self.post("/api/admin/credentials", request).await.expect(201).id()
    }

    /// The audit entries of one request, by the answer's `x-request-id`.
    pub(crate) async fn entries_of(&self, request_id: &str) -> Vec<Value> {
        let page = self.get("/api/admin/audit-logs?limit=50").await.expect(200).json();
        let entries = page.as_array().expect("a list").iter();
        entries.filter(|entry| entry["requestId"] == request_id).cloned().collect()
    }

    /// Whether the whole chain verifies, and how long it is.
    pub(crate) async fn verified_entries(&self) -> i64 {
        let found = self.get("/api/admin/audit-logs/verify").await.expect(200).json();
        assert_eq!(found["valid"], true, "{found}");
        found["entries"].as_i64().expect("a count")
    }
}

/// The public part of a token.
pub(crate) fn public_id(token: &str) -> &str {
    token.split('_').nth(1).expect("a token")
}
