//! Section `auth`: the secret that signs JSON Web Tokens, and the first admin token.

use std::collections::BTreeSet;

use strongroom_model::Secret;

use super::reader::{Reader, set_or_unset};
use super::setting::{DefaultValue, Setting, ValueKind};

/// Settings of authentication.
#[derive(Debug, Clone)]
pub struct AuthConfig {
    /// The HS256 secret, 32 bytes at the least; `None`: no JSON Web Token is accepted.
    pub jwt_secret: Option<Secret>,
    /// The first admin token; its shape is for the crypto crate to check. `None`: one is made and shown once.
    pub admin_token: Option<Secret>,
}

const JWT_SECRET: Setting = Setting {
    section: "auth",
    key: "jwt_secret",
    variables: &["JWT_SECRET"],
    flag: None,
    kind: ValueKind::Secret,
    default: DefaultValue::Rule("unset: JSON Web Tokens are refused"),
    sample: r#"jwt_secret_file = "/etc/strongroom/jwt-secret""#,
    doc: "The secret that signs JSON Web Tokens (HS256), at least 32 bytes and random.",
    show: |config| set_or_unset(config.auth.jwt_secret.as_ref()),
};

const ADMIN_TOKEN: Setting = Setting {
    section: "auth",
    key: "admin_token",
    variables: &["STRONGROOM_ADMIN_TOKEN"],
    flag: None,
    kind: ValueKind::Secret,
    default: DefaultValue::Rule(
        "one is made at the first start, and shown once on a terminal, else written to `admin.token` in the data directory",
    ),
    sample: r#"admin_token_file = "/etc/strongroom/admin-token""#,
    doc: "The first admin token, taken at the first start over an empty database.",
    show: |config| set_or_unset(config.auth.admin_token.as_ref()),
};

pub(super) const SETTINGS: &[Setting] = &[JWT_SECRET, ADMIN_TOKEN];

pub(super) fn read(reader: &mut Reader<'_>) -> AuthConfig {
    let jwt_secret = reader.secret(&JWT_SECRET, check_jwt_secret).map(|(secret, _)| secret);
    let admin_token = reader.secret(&ADMIN_TOKEN, |_| Ok(())).map(|(secret, _)| secret);
    AuthConfig { jwt_secret, admin_token }
}

/// RFC 7518, section 3.2: the key of HS256 is at least as long as its hash.
const JWT_SECRET_BYTES: usize = 32;

/// Parts of the secrets that examples and templates come with.
const PLACEHOLDERS: &[&str] = &[
    "production",
    "development",
    "placeholder",
    "environment",
    "generated",
    "strongroom",
    "password",
    "passphrase",
    "changeme",
    "sessions",
    "example",
    "default",
    "replace",
    "minimum",
    "signing",
    "private",
    "change",
    "secret",
    "random",
    "string",
    "secure",
    "strong",
    "please",
    "should",
    "update",
    "insert",
    "github",
    "nextauth",
    "super",
    "token",
    "value",
    "least",
    "chars",
    "char",
    "characters",
    "bytes",
    "this",
    "your",
    "with",
    "that",
    "here",
    "long",
    "some",
    "must",
    "jwt",
    "key",
    "app",
    "api",
    "for",
    "the",
    "not",
    "use",
    "dev",
    "1234567890",
    "123456789",
    "0123456789",
    "abcdefghijklmnopqrstuvwxyz",
    "abcdef",
    "qwerty",
];

fn check_jwt_secret(secret: &Secret) -> Result<(), String> {
    const MEND: &str = "make one with `openssl rand -hex 32`";
    let length = secret.expose().len();
    if length < JWT_SECRET_BYTES {
        return Err(format!(
            "{length} bytes are too short to sign tokens, {JWT_SECRET_BYTES} are the least; {MEND}"
        ));
    }
    if is_guessable(secret) {
        return Err(format!("this looks like a placeholder that others know too; {MEND}"));
    }
    Ok(())
}

/// Tells whether little is left once the words of templates are taken away, or a handful of characters repeats.
fn is_guessable(secret: &Secret) -> bool {
    let mut plain = secret.expose().to_ascii_lowercase();
    plain.retain(|character| !character.is_ascii_punctuation() && !character.is_whitespace());
    let mut rest = zeroize::Zeroizing::new(plain);
    let varied = |text: &str| text.chars().collect::<BTreeSet<_>>().len();
    if varied(&rest) < 6 {
        return true;
    }
    for word in PLACEHOLDERS {
        rest = zeroize::Zeroizing::new(rest.replace(word, ""));
    }
    rest.chars().count() < 16 || varied(&rest) < 6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_everybody_knows_signs_nothing() {
        for known in [
            "secret",
            "changeme",
            "your-secret-key",
            "your-256-bit-secret",
            "your-super-secret-jwt-key-change-this-in-production",
            "your_jwt_secret_key_here_at_least_32_characters_long",
            "CHANGE-ME-CHANGE-ME-CHANGE-ME-CHANGE-ME",
            "change-this-to-a-random-secret-in-production",
            "supersecretsupersecretsupersecret",
            "passwordpasswordpasswordpassword",
            "00000000000000000000000000000000",
            "12345678901234567890123456789012",
            "0123456789abcdef0123456789abcdef",
            "                                ",
        ] {
            assert!(check_jwt_secret(&Secret::from(known)).is_err(), "{known}");
        }
    }

    #[test]
    fn thirty_two_random_bytes_are_enough_and_thirty_one_are_not() {
        let good = "k3VtQz8wXn1LrB5yPd0JmG7sHc2FaU6e";
        assert_eq!(check_jwt_secret(&Secret::from(good)), Ok(()));
        assert!(check_jwt_secret(&Secret::from(&good[1..])).unwrap_err().contains("31 bytes"));
        let hex = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
        assert_eq!(check_jwt_secret(&Secret::from(hex)), Ok(()));
        assert_eq!(check_jwt_secret(&Secret::from("correct horse battery staple, secret of ours")), Ok(()));
    }
}
