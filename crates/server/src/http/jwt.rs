//! JSON web tokens of the original: HS256 under `JWT_SECRET`, with a claim `userId` (RFC 7519).

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use strongroom_model::{Secret, UserId};

/// Checks tokens. The algorithm is pinned, and a token without an end is refused.
pub struct JwtVerifier {
    key: DecodingKey,
    validation: Validation,
}

impl std::fmt::Debug for JwtVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JwtVerifier(****)")
    }
}

#[derive(serde::Deserialize)]
struct Claims {
    #[serde(rename = "userId")]
    user_id: i64,
}

impl JwtVerifier {
    /// A verifier under this secret, whose strength the configuration has checked.
    #[must_use]
    pub fn new(secret: &Secret) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_required_spec_claims(&["exp"]);
        validation.validate_nbf = true;
        // The original never set an audience; one that is there was meant for somebody else's check.
        validation.validate_aud = false;
        validation.leeway = 0;
        Self { key: DecodingKey::from_secret(secret.expose().as_bytes()), validation }
    }

    /// The user that a token names, when it is genuine and has not ended.
    #[must_use]
    pub fn user_of(&self, token: &str) -> Option<UserId> {
        let token = jsonwebtoken::decode::<Claims>(token, &self.key, &self.validation).ok()?;
        Some(UserId(token.claims.user_id))
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{EncodingKey, Header};
    use serde_json::json;

    use super::*;

    const SECRET: &str = "a-jwt-secret-of-more-than-32-bytes-for-this-test";
    const FAR: i64 = 4_102_444_800;

    fn sign(algorithm: Algorithm, claims: &serde_json::Value, secret: &str) -> String {
        let key = EncodingKey::from_secret(secret.as_bytes());
        jsonwebtoken::encode(&Header::new(algorithm), claims, &key).unwrap()
    }

    #[test]
    fn only_a_genuine_token_with_an_end_in_the_future_names_a_user() {
        let verifier = JwtVerifier::new(&Secret::from(SECRET));
        let good = json!({ "userId": 7, "exp": FAR });
        assert_eq!(verifier.user_of(&sign(Algorithm::HS256, &good, SECRET)), Some(UserId(7)));
        assert_eq!(
            verifier.user_of(&sign(Algorithm::HS256, &good, "another-secret-of-more-than-32-bytes")),
            None
        );
        assert_eq!(verifier.user_of(&sign(Algorithm::HS384, &good, SECRET)), None);
        for bad in [
            json!({ "userId": 7 }),
            json!({ "userId": 7, "exp": 1 }),
            json!({ "userId": "7", "exp": FAR }),
            json!({ "exp": FAR }),
            json!({ "userId": 7, "exp": FAR, "nbf": FAR }),
        ] {
            assert_eq!(verifier.user_of(&sign(Algorithm::HS256, &bad, SECRET)), None, "{bad}");
        }
        // {"alg":"none"} with the same claims.
        assert_eq!(verifier.user_of("eyJhbGciOiJub25lIn0.eyJ1c2VySWQiOjcsImV4cCI6NDEwMjQ0NDgwMH0."), None);
    }
}
