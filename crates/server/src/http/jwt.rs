//! JSON web tokens of the original: HS256 under `JWT_SECRET`, with a claim `userId` (RFC 7519).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use strongroom_model::{Clock, Secret, UserId};

/// The seconds by which the clock of whoever signs tokens may be ahead of ours. A token that has ended has ended.
const MAX_SKEW_SECONDS: f64 = 30.0;

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
    /// Seconds since 1970 before which it is not to be taken; may have a fraction (RFC 7519, section 2).
    #[serde(default)]
    nbf: Option<f64>,
}

impl JwtVerifier {
    /// A verifier under this secret, whose strength the configuration has checked.
    #[must_use]
    pub fn new(secret: &Secret) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_required_spec_claims(&["exp"]);
        // Looked at below: its leeway would be for `exp` as well.
        validation.validate_nbf = false;
        // The original never set an audience; one that is there was meant for somebody else's check.
        validation.validate_aud = false;
        validation.leeway = 0;
        Self { key: DecodingKey::from_secret(secret.expose().as_bytes()), validation }
    }

    /// The user that a token names, when it is genuine and has not ended.
    #[must_use]
    pub fn user_of(&self, token: &str) -> Option<UserId> {
        // Checked before the signature, for it is the header that says how that is to be understood.
        if has_critical_extensions(token) {
            return None;
        }
        let token = jsonwebtoken::decode::<Claims>(token, &self.key, &self.validation).ok()?;
        let now = Clock::default().local_now().0 as f64 / 1000.0;
        let is_early = token.claims.nbf.is_some_and(|nbf| nbf > now + MAX_SKEW_SECONDS);
        (!is_early).then_some(UserId(token.claims.user_id))
    }
}

/// Tells whether the header names extensions that must be understood: we know none (RFC 7515, section 4.1.11).
fn has_critical_extensions(token: &str) -> bool {
    let header = token.split('.').next().and_then(|header| URL_SAFE_NO_PAD.decode(header).ok());
    let header = header.and_then(|header| serde_json::from_slice::<serde_json::Value>(&header).ok());
    header.is_some_and(|header| header.get("crit").is_some())
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
    fn a_header_that_must_be_understood_and_is_not_refuses_the_token() {
        let verifier = JwtVerifier::new(&Secret::from(SECRET));
        let claims = URL_SAFE_NO_PAD.encode(json!({ "userId": 7, "exp": FAR }).to_string());
        let with_header = |header: &str| {
            let message = format!("{}.{claims}", URL_SAFE_NO_PAD.encode(header));
            let key = EncodingKey::from_secret(SECRET.as_bytes());
            let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
            verifier.user_of(&format!("{message}.{signature}"))
        };
        assert_eq!(with_header(r#"{"alg":"HS256","typ":"JWT"}"#), Some(UserId(7)));
        for header in [
            r#"{"alg":"HS256","crit":["exp"],"exp":1}"#,
            r#"{"alg":"HS256","crit":["b64"],"b64":false}"#,
            r#"{"alg":"HS256","crit":[]}"#,
            r#"{"alg":"HS256","crit":null}"#,
        ] {
            assert_eq!(with_header(header), None, "{header}");
        }
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
        let now = Clock::default().local_now().0 / 1000;
        for (nbf, user) in [
            (json!(now + 10), Some(UserId(7))),
            (json!(now as f64 - 0.5), Some(UserId(7))),
            (json!(now + 120), None),
            (json!(FAR), None),
            (json!("soon"), None),
        ] {
            let claims = json!({ "userId": 7, "exp": FAR, "iat": now + 10, "nbf": nbf });
            assert_eq!(verifier.user_of(&sign(Algorithm::HS256, &claims, SECRET)), user, "{claims}");
        }
        let ended = json!({ "userId": 7, "exp": now - 2 });
        assert_eq!(verifier.user_of(&sign(Algorithm::HS256, &ended, SECRET)), None, "skew is no more time");
        // {"alg":"none"} with the same claims.
        assert_eq!(verifier.user_of("eyJhbGciOiJub25lIn0.eyJ1c2VySWQiOjcsImV4cCI6NDEwMjQ0NDgwMH0."), None);
    }
}
