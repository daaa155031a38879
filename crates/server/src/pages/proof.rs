//! Proofs of who somebody is: tokens, and fresh one-time codes.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use strongroom_model::{Actor, Millis, Problem, Secret};

use crate::state::AppState;

/// Returns the actor that shows this token or fresh code. A code is spent by it.
pub(super) async fn check(state: &AppState, proof: Secret) -> Result<Actor, Problem> {
    if proof.expose().starts_with("sr_") || proof.expose().contains('.') {
        return check_token(state, proof).await.map(|(actor, _)| actor);
    }
    state.room.sign_ins().spend_code(&proof).await
}

/// Returns the actor that shows this token, and the end of a signed one.
pub(super) async fn check_token(state: &AppState, token: Secret) -> Result<(Actor, Option<Millis>), Problem> {
    let end = end_of_jwt(token.expose());
    Ok((state.authenticator.authenticate(Some(token), None).await?, end))
}

/// The claim `exp` of a signed token, to be looked at once its signature is found right.
fn end_of_jwt(token: &str) -> Option<Millis> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&claims).ok()?;
    let seconds = claims.get("exp")?.as_f64()?;
    // What does not fit is later than any session ends.
    Some(Millis((seconds * 1000.0) as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_signed_token_is_read_and_nothing_else_is_one() {
        let token = |claims: &str| format!("h.{}.s", URL_SAFE_NO_PAD.encode(claims));
        assert_eq!(end_of_jwt(&token(r#"{"exp":1700000000.5}"#)), Some(Millis(1_700_000_000_500)));
        assert_eq!(end_of_jwt(&token(r#"{"exp":1e300}"#)), Some(Millis(i64::MAX)));
        for odd in ["", "a.b", &token("{}"), &token(r#"{"exp":"1"}"#), "sr_x"] {
            assert_eq!(end_of_jwt(odd), None, "{odd}");
        }
    }
}
