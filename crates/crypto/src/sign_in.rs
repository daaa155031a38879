//! Secrets of sessions and one-time codes: hashes to look them up by, MACs over their rows, and tokens in forms.
//!
//! Both secrets are 256 random bits, so that a plain hash of one is nothing to guess from. Whoever can write to the database
//! alone can neither make a session nor change whose it is.

use strongroom_model::Secret;
use strongroom_model::authority_mac::AuthorityMac;
use strongroom_model::sign_in::{LoginCode, PageSession};

use crate::canonical::Canonical;
use crate::digest::Digest;
use crate::key::Purpose;
use crate::keyring::Keyring;
use crate::{hex, random};

/// A fresh secret of a session or a code: 64 hex digits.
#[must_use]
pub fn generate_secret() -> Secret {
    Secret::new(hex::encode(&random::bytes::<32>()))
}

fn hash(format: &str, secret: &Secret) -> String {
    let mut digest = Digest::default();
    digest.update(Canonical::of(format).text(secret.expose()).bytes());
    digest.hex()
}

/// The hash under which a session is found.
#[must_use]
pub fn session_hash(secret: &Secret) -> String {
    hash("strongroom/session-secret/v1", secret)
}

/// The hash under which a one-time code is found.
#[must_use]
pub fn code_hash(secret: &Secret) -> String {
    hash("strongroom/login-code-secret/v1", secret)
}

/// Everything that says what a session is worth; not when it was last used.
fn session_fields(session: &PageSession, hash: &str) -> Canonical {
    Canonical::of("strongroom/session/v1")
        .text(hash)
        .text(&session.uid.to_string())
        .text(&session.holder.label())
        .text(if session.is_shared { "shared" } else { "own" })
        .number(session.made_at.0)
        .number(session.ends_at.0)
        .optional(session.address.as_deref())
        .optional(session.agent.as_deref())
}

fn code_fields(code: &LoginCode, hash: &str) -> Canonical {
    Canonical::of("strongroom/login-code/v1").text(hash).text(&code.holder.label()).number(code.until.0)
}

fn make(keyring: &Keyring, fields: &Canonical) -> AuthorityMac {
    let (key_id, mac) = keyring.mac(Purpose::Token, fields);
    AuthorityMac { key_id, mac }
}

/// The MAC of a session's row.
#[must_use]
pub fn session_mac(keyring: &Keyring, session: &PageSession, hash: &str) -> AuthorityMac {
    make(keyring, &session_fields(session, hash))
}

/// Tells whether a session's row is what we wrote.
#[must_use]
pub fn session_verifies(keyring: &Keyring, session: &PageSession, hash: &str, mac: &AuthorityMac) -> bool {
    keyring.verifies(Purpose::Token, &mac.key_id, &session_fields(session, hash), &mac.mac)
}

/// The MAC of a code's row.
#[must_use]
pub fn code_mac(keyring: &Keyring, code: &LoginCode, hash: &str) -> AuthorityMac {
    make(keyring, &code_fields(code, hash))
}

/// Tells whether a code's row is what we wrote.
#[must_use]
pub fn code_verifies(keyring: &Keyring, code: &LoginCode, hash: &str, mac: &AuthorityMac) -> bool {
    keyring.verifies(Purpose::Token, &mac.key_id, &code_fields(code, hash), &mac.mac)
}

fn form_fields(session_hash: &str) -> Canonical {
    Canonical::of("strongroom/form-token/v1").text(session_hash)
}

/// The token that stands in every form of a session: only a page of that session knows it.
#[must_use]
pub fn form_token(keyring: &Keyring, session_hash: &str) -> String {
    keyring.mac(Purpose::Token, &form_fields(session_hash)).1
}

/// Tells whether a form was made for this session, in constant time.
#[must_use]
pub fn is_form_token(keyring: &Keyring, session_hash: &str, token: &str) -> bool {
    let key_id = keyring.current_id(Purpose::Token);
    keyring.verifies(Purpose::Token, &key_id, &form_fields(session_hash), token)
}

#[cfg(test)]
mod tests {
    use strongroom_model::sign_in::Holder;
    use strongroom_model::{Millis, Uid, UserId};

    use super::*;

    fn session() -> PageSession {
        PageSession {
            uid: Uid::from_bytes([1; 16]),
            holder: Holder::User(UserId(7)),
            is_shared: true,
            made_at: Millis(1),
            seen_at: Millis(2),
            ends_at: Millis(3),
            address: Some("127.0.0.1".into()),
            agent: None,
        }
    }

    #[test]
    fn whatever_a_session_is_worth_is_under_its_mac() {
        let keyring = Keyring::generate();
        let mac = session_mac(&keyring, &session(), "hash");
        let edits: [fn(&mut PageSession); 7] = [
            |s| s.uid = Uid::from_bytes([2; 16]),
            |s| s.holder = Holder::User(UserId(8)),
            |s| s.is_shared = false,
            |s| s.made_at = Millis(0),
            |s| s.ends_at = Millis(4),
            |s| s.address = None,
            |s| s.agent = Some(String::new()),
        ];
        for (n, edit) in edits.into_iter().enumerate() {
            let mut edited = session();
            edit(&mut edited);
            assert!(!session_verifies(&keyring, &edited, "hash", &mac), "edit {n}");
        }
        assert!(!session_verifies(&keyring, &session(), "another", &mac));
        assert!(!session_verifies(&Keyring::generate(), &session(), "hash", &mac));
        let used = PageSession { seen_at: Millis(9), ..session() };
        assert!(session_verifies(&keyring, &used, "hash", &mac), "its use grants nothing");
    }

    #[test]
    fn a_code_is_for_one_holder_and_one_time() {
        let keyring = Keyring::generate();
        let code = LoginCode { holder: Holder::Local("ada".into()), until: Millis(5) };
        let mac = code_mac(&keyring, &code, "hash");
        assert!(code_verifies(&keyring, &code, "hash", &mac));
        assert!(!code_verifies(&keyring, &code, "other", &mac));
        let other = LoginCode { holder: Holder::Local("bob".into()), ..code.clone() };
        assert!(!code_verifies(&keyring, &other, "hash", &mac));
        let later = LoginCode { until: Millis(6), ..code };
        assert!(!code_verifies(&keyring, &later, "hash", &mac));
    }

    #[test]
    fn hashes_and_form_tokens_belong_to_one_secret_and_one_purpose() {
        let (one, other) = (generate_secret(), generate_secret());
        assert_eq!(one.expose().len(), 64);
        assert_ne!(session_hash(&one), session_hash(&other));
        assert_ne!(session_hash(&one), code_hash(&one));
        let keyring = Keyring::generate();
        let token = form_token(&keyring, "hash");
        assert!(is_form_token(&keyring, "hash", &token));
        assert!(!is_form_token(&keyring, "other", &token) && !is_form_token(&keyring, "hash", ""));
        assert!(!is_form_token(&Keyring::generate(), "hash", &token));
    }
}
