//! Hashes of tokens, and MACs over rows that grant authority: whoever can write to the database alone gains none.

use strongroom_model::actor::Scope;
pub use strongroom_model::authority_mac::AuthorityMac;
use strongroom_model::credential::Credential;
use strongroom_model::token::Token;
use strongroom_model::user::User;
use strongroom_model::{Millis, Provider, Secret, Uid, UserId};

use crate::canonical::Canonical;
use crate::hex;
use crate::key::Purpose;
use crate::keyring::Keyring;

fn make(keyring: &Keyring, fields: &Canonical) -> AuthorityMac {
    let (key_id, mac) = keyring.mac(Purpose::Token, fields);
    AuthorityMac { key_id, mac }
}

fn secret_fields(text: &Secret) -> Canonical {
    Canonical::of("strongroom/token-hash/v1").text(text.expose())
}

/// The hash under which a token's secret is stored.
#[must_use]
pub fn hash_token(keyring: &Keyring, text: &Secret) -> AuthorityMac {
    make(keyring, &secret_fields(text))
}

/// The hash of a token, read once so that comparing is all that a call costs. What cannot be read is no token's hash.
#[derive(Debug, Clone, Copy)]
pub struct TokenHash(Option<(Uid, [u8; 32])>);

impl TokenHash {
    /// Reads a stored hash.
    #[must_use]
    pub fn read(stored: &AuthorityMac) -> Self {
        let mac = || hex::decode(&stored.mac)?.try_into().ok();
        Self(stored.key_id.parse().ok().zip(mac()))
    }

    /// A hash that no token has, of the key in use: comparing with it takes as long as with another.
    #[must_use]
    pub fn of_nobody(keyring: &Keyring) -> Self {
        Self(Some((keyring.current(Purpose::Token).0, [0; 32])))
    }
}

/// Tells whether this is the token with that hash, compared in constant time.
#[must_use]
pub fn is_token(keyring: &Keyring, text: &Secret, hash: &TokenHash) -> bool {
    hash.0.is_some_and(|(key, mac)| keyring.verifies_raw(Purpose::Token, key, &secret_fields(text), &mac))
}

/// Fields of a token's row that decide what the token may do. Its name and birth say nothing about that.
fn grant_fields(token: &Token, hash: &str) -> Canonical {
    let Scope { credentials, providers, models } = &token.scope;
    let has_terms = !models.is_empty() || !token.tags.is_empty();
    // That it has to be prolonged again and again, not until when it was. One of before knew of nothing of the kind.
    let format = match (token.leased_until, has_terms) {
        (None, false) => "strongroom/token-grant/v1",
        (Some(_), false) => "strongroom/token-grant/v2-leased",
        (None, true) => "strongroom/token-grant/v3",
        (Some(_), true) => "strongroom/token-grant/v3-leased",
    };
    let mut fields = Canonical::of(format)
        .text(&token.id)
        .text(hash)
        .text(token.role.as_str())
        .optional(token.user.map(|user| user.to_string()).as_deref())
        .optional(token.expires_at.map(|at| at.0.to_string()).as_deref())
        .optional(token.revoked_at.map(|at| at.0.to_string()).as_deref())
        .number(i64::try_from(credentials.len()).unwrap_or(i64::MAX));
    for credential in credentials {
        fields = fields.text(&credential.to_string());
    }
    let count = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
    if has_terms {
        fields = fields.number(count(providers.len()));
    }
    for provider in providers {
        fields = fields.text(provider.as_str());
    }
    if has_terms {
        fields = fields.number(count(models.len()));
        for model in models {
            fields = fields.text(model);
        }
        for (key, value) in token.tags.pairs() {
            fields = fields.text(key).text(value);
        }
    }
    fields
}

/// The MAC of what a token grants.
#[must_use]
pub fn token_mac(keyring: &Keyring, token: &Token, hash: &AuthorityMac) -> AuthorityMac {
    make(keyring, &grant_fields(token, &hash.mac))
}

/// Tells whether a token's row says what we wrote.
#[must_use]
pub fn token_verifies(keyring: &Keyring, token: &Token, hash: &AuthorityMac, mac: &AuthorityMac) -> bool {
    keyring.verifies(Purpose::Token, &mac.key_id, &grant_fields(token, &hash.mac), &mac.mac)
}

/// Fields of a credential's row that decide which key is handed out under which name, where it goes, and to whom.
#[derive(Debug, Clone, Copy)]
pub struct CredentialGrant<'a> {
    /// The credential.
    pub credential: Uid,
    /// The name it is asked for by.
    pub name: &'a str,
    /// The provider it is asked for by.
    pub provider: &'a Provider,
    /// Base URL that its key is sent to.
    pub endpoint: Option<&'a str>,
    /// `true` when it is handed out.
    pub is_active: bool,
    /// `true` when it is frozen.
    pub is_frozen: bool,
    /// `true` when it is everybody's.
    pub is_global: bool,
    /// Its owner.
    pub user: Option<UserId>,
    /// The version that is handed out.
    pub version: Uid,
    /// Changes in its life so far.
    pub life: Life<'a>,
}

/// Changes in a credential's life that bear on what is handed out. A row to which none of it has come has the
/// MAC of the first format, which knew of nothing of the kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Life<'a> {
    /// A version that waits to come into use, and its share of the calls in percent.
    pub staged: Option<(Uid, i64)>,
    /// Time from which on it is not handed out.
    pub expires_at: Option<Millis>,
    /// Time of its deletion.
    pub deleted_at: Option<Millis>,
    /// The credential whose key makes new keys for it, and in which project of the provider.
    pub minter: Option<(Uid, Option<&'a str>)>,
}

impl<'a> From<&'a Credential> for CredentialGrant<'a> {
    fn from(credential: &'a Credential) -> Self {
        Self {
            credential: credential.uid,
            name: &credential.name,
            provider: &credential.provider,
            endpoint: credential.endpoint.as_deref(),
            is_active: credential.is_active,
            is_frozen: credential.frozen_at.is_some(),
            is_global: credential.is_global,
            user: credential.user,
            version: credential.version,
            life: Life {
                staged: credential.staged.map(|staged| (staged.version, staged.percent)),
                expires_at: credential.expires_at,
                deleted_at: credential.deleted_at,
                minter: credential.minter.as_ref().map(|it| (it.credential, it.project.as_deref())),
            },
        }
    }
}

impl CredentialGrant<'_> {
    fn fields(&self) -> Canonical {
        let is_plain = self.life == Life::default();
        let first =
            if is_plain { "strongroom/credential-grant/v1" } else { "strongroom/credential-grant/v2" };
        let fields = Canonical::of(first)
            .text(&self.credential.to_string())
            .text(self.name)
            .text(self.provider.as_str())
            .optional(self.endpoint)
            .text(match (self.is_frozen, self.is_active) {
                (false, true) => "active",
                (false, false) => "inactive",
                (true, true) => "frozen",
                (true, false) => "inactive frozen",
            })
            .text(if self.is_global { "global" } else { "owned" })
            .optional(self.user.map(|user| user.to_string()).as_deref())
            .text(&self.version.to_string());
        if is_plain {
            return fields;
        }
        let Life { staged, expires_at, deleted_at, minter } = self.life;
        let instant = |at: Option<Millis>| at.map(|at| at.0.to_string());
        fields
            .optional(staged.map(|(version, _)| version.to_string()).as_deref())
            .number(staged.map_or(0, |(_, percent)| percent))
            .optional(instant(expires_at).as_deref())
            .optional(instant(deleted_at).as_deref())
            .optional(minter.map(|(minter, _)| minter.to_string()).as_deref())
            .optional(minter.and_then(|(_, project)| project))
    }
}

/// The MAC of what a credential's row says.
#[must_use]
pub fn credential_mac(keyring: &Keyring, grant: &CredentialGrant<'_>) -> AuthorityMac {
    make(keyring, &grant.fields())
}

/// Tells whether this grant is what we wrote.
#[must_use]
pub fn grant_verifies(keyring: &Keyring, grant: &CredentialGrant<'_>, mac: &AuthorityMac) -> bool {
    keyring.verifies(Purpose::Token, &mac.key_id, &grant.fields(), &mac.mac)
}

/// Tells whether a credential's row says what we wrote.
#[must_use]
pub fn credential_verifies(keyring: &Keyring, credential: &Credential) -> bool {
    grant_verifies(keyring, &CredentialGrant::from(credential), &credential.mac)
}

fn user_fields(user: &User) -> Canonical {
    Canonical::of("strongroom/user-grant/v1")
        .number(user.id.0)
        .text(user.role.as_str())
        .text(if user.is_active { "active" } else { "disabled" })
}

/// The MAC of what a user may do.
#[must_use]
pub fn user_mac(keyring: &Keyring, user: &User) -> AuthorityMac {
    make(keyring, &user_fields(user))
}

/// Tells whether a user's row says what we wrote.
#[must_use]
pub fn user_verifies(keyring: &Keyring, user: &User, mac: &AuthorityMac) -> bool {
    keyring.verifies(Purpose::Token, &mac.key_id, &user_fields(user), &mac.mac)
}

#[cfg(test)]
mod tests {
    use strongroom_model::tag::TagSet;
    use strongroom_model::{CredentialId, Role};

    use super::*;

    fn token() -> Token {
        Token {
            id: "abc".into(),
            name: "ci".into(),
            role: Role::Reader,
            scope: Scope { credentials: vec![Uid::from_bytes([1; 16])], ..Scope::default() },
            tags: TagSet::default(),
            user: None,
            created_at: Millis(0),
            expires_at: Some(Millis(10)),
            leased_until: None,
            revoked_at: None,
        }
    }

    #[test]
    fn models_and_tags_are_under_the_mac_and_change_nothing_where_there_are_none() {
        let keyring = Keyring::generate();
        let hash = hash_token(&keyring, &Secret::from("sr_x"));
        let with = |models: &[&str], tags: &[(&str, &str)]| Token {
            scope: Scope { models: models.iter().map(ToString::to_string).collect(), ..token().scope },
            tags: TagSet::stored(
                tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            ),
            ..token()
        };
        let tokens = [
            with(&[], &[]),
            with(&["a"], &[]),
            with(&["a", "b"], &[]),
            with(&["a"], &[("b", "c")]),
            with(&[], &[("b", "c")]),
            with(&[], &[("b", "d")]),
        ];
        for (place, one) in tokens.iter().enumerate() {
            let mac = token_mac(&keyring, one, &hash);
            for (other_place, other) in tokens.iter().enumerate() {
                assert_eq!(token_verifies(&keyring, other, &hash, &mac), place == other_place);
                let leased = Token { leased_until: Some(Millis(1)), ..other.clone() };
                assert!(!token_verifies(&keyring, &leased, &hash, &mac));
            }
        }
    }

    #[test]
    fn only_the_same_text_under_the_same_key_is_the_token() {
        let keyring = Keyring::generate();
        let hash = hash_token(&keyring, &Secret::from("sr_x"));
        let read = TokenHash::read(&hash);
        assert!(is_token(&keyring, &Secret::from("sr_x"), &read));
        assert!(!is_token(&keyring, &Secret::from("sr_y"), &read));
        assert!(!is_token(&Keyring::generate(), &Secret::from("sr_x"), &read));
        assert!(!is_token(&keyring, &Secret::from("sr_x"), &TokenHash::of_nobody(&keyring)));
        let spoilt = [
            AuthorityMac { mac: String::new(), ..hash.clone() },
            AuthorityMac { mac: hash.mac.to_uppercase(), ..hash.clone() },
            AuthorityMac { mac: hash.mac[2..].to_owned(), ..hash.clone() },
            AuthorityMac { key_id: String::new(), ..hash.clone() },
        ];
        for hash in spoilt {
            assert!(!is_token(&keyring, &Secret::from("sr_x"), &TokenHash::read(&hash)), "{hash:?}");
        }
    }

    #[test]
    fn whatever_a_token_grants_is_under_its_mac() {
        let keyring = Keyring::generate();
        let hash = hash_token(&keyring, &Secret::from("sr_x"));
        let mac = token_mac(&keyring, &token(), &hash);
        assert!(token_verifies(&keyring, &token(), &hash, &mac));
        let edits: [fn(&mut Token); 8] = [
            |t| t.id.push('x'),
            |t| t.role = Role::Admin,
            |t| t.scope.credentials.clear(),
            |t| t.scope.providers.push(Provider::parse("openai").unwrap()),
            |t| t.user = Some(UserId(1)),
            |t| t.expires_at = None,
            |t| t.revoked_at = Some(Millis(1)),
            |t| t.leased_until = Some(Millis(1)),
        ];
        for (n, edit) in edits.into_iter().enumerate() {
            let mut edited = token();
            edit(&mut edited);
            assert!(!token_verifies(&keyring, &edited, &hash, &mac), "edit {n}");
        }
        let leased = |at| Token { leased_until: at, ..token() };
        let mac = token_mac(&keyring, &leased(Some(Millis(1))), &hash);
        assert!(
            token_verifies(&keyring, &leased(Some(Millis(2))), &hash, &mac),
            "it is prolonged without a key"
        );
        assert!(
            !token_verifies(&keyring, &leased(None), &hash, &mac),
            "that it has to be cannot be taken away"
        );
    }

    #[test]
    fn whatever_a_credential_hands_out_and_to_whom_is_under_its_mac() {
        let keyring = Keyring::generate();
        let (one, other) = (Provider::parse("openai").unwrap(), Provider::parse("groq").unwrap());
        let grant = CredentialGrant {
            credential: Uid::from_bytes([1; 16]),
            name: "private",
            provider: &one,
            endpoint: None,
            is_active: true,
            is_frozen: false,
            is_global: false,
            user: Some(UserId(7)),
            version: Uid::from_bytes([2; 16]),
            life: Life::default(),
        };
        let mac = credential_mac(&keyring, &grant);
        let edits = [
            CredentialGrant { credential: Uid::from_bytes([3; 16]), ..grant },
            CredentialGrant { name: "public", ..grant },
            CredentialGrant { provider: &other, ..grant },
            CredentialGrant { endpoint: Some("https://evil.example.com"), ..grant },
            CredentialGrant { is_active: false, ..grant },
            CredentialGrant { is_frozen: true, ..grant },
            CredentialGrant { is_active: false, is_frozen: true, ..grant },
            CredentialGrant { is_global: true, ..grant },
            CredentialGrant { user: Some(UserId(8)), ..grant },
            CredentialGrant { version: Uid::from_bytes([3; 16]), ..grant },
        ];
        for edit in edits {
            assert_ne!(credential_mac(&keyring, &edit), mac, "{edit:?}");
        }
        assert_eq!(credential_mac(&keyring, &grant), mac);
    }

    #[test]
    fn a_credentials_row_verifies_as_it_was_written_and_in_no_other_way() {
        let keyring = Keyring::generate();
        let mut credential = Credential {
            uid: Uid::from_bytes([1; 16]),
            id: CredentialId(1),
            name: "one".into(),
            provider: Provider::parse("openai").unwrap(),
            endpoint: None,
            priority: 10,
            is_active: true,
            frozen_at: None,
            is_global: true,
            user: None,
            revision: 1,
            version: Uid::from_bytes([2; 16]),
            version_number: 1,
            rate_limit: None,
            usage_count: 0,
            usage_before_this_month: 0,
            current_month_usage: 0,
            last_used: None,
            created_at: Millis(0),
            updated_at: Millis(0),
            staged: None,
            version_since: Millis(0),
            expires_at: None,
            rotate_after_days: None,
            minter: None,
            deleted_at: None,
            tags: strongroom_model::tag::TagSet::none(),
            mac: AuthorityMac { key_id: String::new(), mac: String::new() },
        };
        assert!(!credential_verifies(&keyring, &credential), "no MAC at all");
        credential.mac = credential_mac(&keyring, &CredentialGrant::from(&credential));
        assert!(credential_verifies(&keyring, &credential));
        let used = Credential { usage_count: 5, priority: 1, ..credential.clone() };
        assert!(credential_verifies(&keyring, &used), "use and order grant nothing");
        assert!(!credential_verifies(&keyring, &Credential { is_active: false, ..credential.clone() }));
        assert!(!credential_verifies(
            &keyring,
            &Credential { frozen_at: Some(Millis(1)), ..credential.clone() }
        ));
        assert!(!credential_verifies(&Keyring::generate(), &credential));
    }

    #[test]
    fn whatever_came_to_a_credential_is_under_its_mac_and_can_be_neither_added_nor_taken_away() {
        let keyring = Keyring::generate();
        let provider = Provider::parse("openai").unwrap();
        let of = |life| {
            credential_mac(
                &keyring,
                &CredentialGrant {
                    credential: Uid::from_bytes([1; 16]),
                    name: "one",
                    provider: &provider,
                    endpoint: None,
                    is_active: true,
                    is_frozen: false,
                    is_global: true,
                    user: None,
                    version: Uid::from_bytes([2; 16]),
                    life,
                },
            )
        };
        let staged = |byte, percent| Some((Uid::from_bytes([byte; 16]), percent));
        let lives = [
            Life::default(),
            Life { staged: staged(3, 0), ..Life::default() },
            Life { staged: staged(3, 10), ..Life::default() },
            Life { staged: staged(4, 10), ..Life::default() },
            Life { expires_at: Some(Millis(5)), ..Life::default() },
            Life { expires_at: Some(Millis(6)), ..Life::default() },
            Life { deleted_at: Some(Millis(5)), ..Life::default() },
            Life { minter: Some((Uid::from_bytes([3; 16]), None)), ..Life::default() },
            Life { minter: Some((Uid::from_bytes([4; 16]), None)), ..Life::default() },
            Life { minter: Some((Uid::from_bytes([3; 16]), Some("project"))), ..Life::default() },
            Life { expires_at: Some(Millis(5)), deleted_at: Some(Millis(5)), ..Life::default() },
        ];
        for (n, one) in lives.into_iter().enumerate() {
            for (m, other) in lives.into_iter().enumerate() {
                assert_eq!(of(one) == of(other), n == m, "{one:?} and {other:?}");
            }
        }
    }

    #[test]
    fn a_user_cannot_be_promoted_or_enabled_in_the_database() {
        let keyring = Keyring::generate();
        let user = User {
            id: UserId(7),
            name: "a".into(),
            role: Role::Reader,
            is_active: false,
            created_at: Millis(0),
            updated_at: Millis(0),
        };
        let mac = user_mac(&keyring, &user);
        assert!(user_verifies(&keyring, &user, &mac));
        assert!(!user_verifies(&keyring, &User { role: Role::Admin, ..user.clone() }, &mac));
        assert!(!user_verifies(&keyring, &User { is_active: true, ..user.clone() }, &mac));
        assert!(!user_verifies(&keyring, &User { id: UserId(8), ..user }, &mac));
    }
}
