//! Credentials: the metadata of a provider's key, and the rules for names and values.

use crate::authority_mac::AuthorityMac;
use crate::clock::Millis;
use crate::id::{CredentialId, Uid, UserId};
use crate::limit::RateLimitStatus;
use crate::problem::Problem;
use crate::provider::Provider;
use crate::secret::Secret;
use crate::secret_form::{self, Purpose};
use crate::tag::TagSet;

/// Characters that a name may have, at the most.
pub const MAX_NAME: usize = 128;
/// Bytes that a secret may have, at the most.
pub const MAX_SECRET: usize = 16 * 1024;
/// Characters that an endpoint may have, at the most.
pub const MAX_ENDPOINT: usize = 2048;

/// The metadata of a credential; its secret is stored elsewhere and not part of it.
#[derive(Debug, Clone)]
pub struct Credential {
    /// The identity that never changes.
    pub uid: Uid,
    /// The public integer.
    pub id: CredentialId,
    /// Unique among undeleted credentials.
    pub name: String,
    /// Provider whose API it opens.
    pub provider: Provider,
    /// A base URL in place of the provider's own.
    pub endpoint: Option<String>,
    /// Lower is tried first; among equals the lowest id.
    pub priority: i64,
    /// An inactive credential is not handed out.
    pub is_active: bool,
    /// Time since which nobody is served from it, for its key has leaked or may have.
    pub frozen_at: Option<Millis>,
    /// A global credential is everybody's.
    pub is_global: bool,
    /// Its owner when it is not global.
    pub user: Option<UserId>,
    /// Moves with every change an admin makes, never with usage.
    pub revision: i64,
    /// The version whose values are in use.
    pub version: Uid,
    /// The number of that version, from 1.
    pub version_number: i64,
    /// Monthly requests allowed.
    pub rate_limit: Option<i64>,
    /// Uses since ever.
    pub usage_count: i64,
    /// Of these, uses before this month.
    pub usage_before_this_month: i64,
    /// Uses of this month that count against the limit.
    pub current_month_usage: i64,
    /// Time of its last use.
    pub last_used: Option<Millis>,
    /// Time of its creation.
    pub created_at: Millis,
    /// Time of the last change by an admin.
    pub updated_at: Millis,
    /// A version that waits to come into use.
    pub staged: Option<Staged>,
    /// Time since which the version in use is in use.
    pub version_since: Millis,
    /// From then on it is not handed out.
    pub expires_at: Option<Millis>,
    /// Days after which a key is to be replaced by a new one.
    pub rotate_after_days: Option<i64>,
    /// Credential that mints new keys for it.
    pub minter: Option<Minter>,
    /// Time of its deletion.
    pub deleted_at: Option<Millis>,
    /// What its uses are booked to, where neither the call nor its token says so. They confer nothing, and are under no MAC.
    pub tags: TagSet,
    /// Over what it hands out and to whom.
    pub mac: AuthorityMac,
}

/// A version that waits to come into use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Staged {
    /// The version.
    pub version: Uid,
    /// Its number.
    pub number: i64,
    /// Of a hundred calls through the gateway so many go to it.
    pub percent: i64,
}

/// A credential whose key makes new keys for another one at their provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minter {
    /// The credential.
    pub credential: Uid,
    /// Its public integer.
    pub id: CredentialId,
    /// The provider's project in which the keys are made, where it has such.
    pub project: Option<String>,
}

impl Credential {
    /// Tells whether its time is over.
    #[must_use]
    pub fn is_expired(&self, now: Millis) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    /// Returns the time at which its key is to be replaced.
    #[must_use]
    pub fn rotation_due(&self) -> Option<Millis> {
        self.rotate_after_days.map(|days| self.version_since.plus_seconds(days.saturating_mul(86_400)))
    }

    /// Tells whether its key is handed out.
    #[must_use]
    pub const fn is_served(&self) -> bool {
        self.is_active && self.frozen_at.is_none()
    }

    /// Returns its position against its monthly limit.
    #[must_use]
    pub fn rate_limit_status(&self, resets_at: Millis) -> RateLimitStatus {
        RateLimitStatus { limit: self.rate_limit, used: self.current_month_usage, resets_at }
    }
}

/// The fields of a credential that hold secrets. The names stand in AAD and never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// The provider's key.
    ApiKey,
    /// A second secret, where a provider has one.
    ApiSecret,
}

impl Field {
    /// The name in the database and in AAD.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::ApiSecret => "api_secret",
        }
    }

    /// The field with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::ApiKey, Self::ApiSecret].into_iter().find(|field| field.as_str() == name)
    }
}

/// Request to create a credential.
#[derive(Debug, Clone)]
pub struct NewCredential {
    /// Its name.
    pub name: String,
    /// Provider whose API it opens.
    pub provider: Provider,
    /// The key; a credential may be made without one and filled later.
    pub api_key: Option<Secret>,
    /// A second secret.
    pub api_secret: Option<Secret>,
    /// A base URL in place of the provider's own.
    pub endpoint: Option<String>,
    /// `None` takes the provider's default.
    pub priority: Option<i64>,
    /// `true` when it is handed out.
    pub is_active: bool,
    /// `true` when it is everybody's.
    pub is_global: bool,
    /// Its owner when it is not global.
    pub user: Option<UserId>,
    /// Monthly requests allowed.
    pub rate_limit: Option<i64>,
    /// From then on it is not handed out.
    pub expires_at: Option<Millis>,
    /// Days after which the key is to be replaced by a new one.
    pub rotate_after_days: Option<i64>,
    /// What its uses are booked to.
    pub tags: TagSet,
}

impl NewCredential {
    /// An active, global credential with a key and nothing else said.
    #[must_use]
    pub fn new(name: impl Into<String>, provider: Provider, api_key: impl Into<Secret>) -> Self {
        Self {
            name: name.into(),
            provider,
            api_key: Some(api_key.into()),
            api_secret: None,
            endpoint: None,
            priority: None,
            is_active: true,
            is_global: true,
            user: None,
            rate_limit: None,
            expires_at: None,
            rotate_after_days: None,
            tags: TagSet::default(),
        }
    }
}

/// Changes to a credential: `None` leaves a field as it is, `Some(None)` empties it.
#[derive(Debug, Clone, Default)]
pub struct CredentialPatch {
    /// A new name.
    pub name: Option<String>,
    /// Another provider; re-seals.
    pub provider: Option<Provider>,
    /// A new key: a new version.
    pub api_key: Option<Secret>,
    /// A new second secret: a new version.
    pub api_secret: Option<Option<Secret>>,
    /// Another base URL; re-seals.
    pub endpoint: Option<Option<String>>,
    /// Another priority.
    pub priority: Option<i64>,
    /// `true` when it is handed out.
    pub is_active: Option<bool>,
    /// `true` when nobody is served from it, whatever else it says.
    pub is_frozen: Option<bool>,
    /// `true` when it is everybody's.
    pub is_global: Option<bool>,
    /// Its owner.
    pub user: Option<Option<UserId>>,
    /// Another monthly limit.
    pub rate_limit: Option<Option<i64>>,
    /// Another instant from which on it is not handed out.
    pub expires_at: Option<Option<Millis>>,
    /// Another number of days after which the key is to be replaced.
    pub rotate_after_days: Option<Option<i64>>,
    /// Another credential that makes new keys for it, and in which project.
    pub minter: Option<Option<(CredentialId, Option<String>)>>,
    /// Other tags, in place of all that it has.
    pub tags: Option<TagSet>,
}

/// Conditions for listing credentials. All that are set must hold.
#[derive(Debug, Clone, Default)]
pub struct CredentialFilter {
    /// Of this provider.
    pub provider: Option<Provider>,
    /// Active, or not.
    pub is_active: Option<bool>,
    /// Beginning of its name, case-sensitive.
    pub name_prefix: Option<String>,
    /// Its exact name.
    pub name: Option<String>,
}

/// Source of a handed-out key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// Sealed in the database.
    Database,
    /// The environment of the server, because the database has nothing for the provider.
    Environment,
}

impl Source {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Environment => "environment",
        }
    }
}

/// Checks a name that somebody gives now: safe in a path, a shell and a log.
///
/// # Errors
/// [`Problem`] on the field `name`.
pub fn check_name(name: &str) -> Result<(), Problem> {
    let mut bytes = name.bytes();
    let starts_well = bytes.next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    let goes_on_well = bytes.all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    let only_digits = name.bytes().all(|byte| byte.is_ascii_digit());
    if !starts_well || !goes_on_well || only_digits || name.len() > MAX_NAME {
        return Err(Problem::invalid(
            "name",
            format!(
                "name must be 1 to {MAX_NAME} of A-Z, a-z, 0-9, '.', '_' or '-', start with a letter or digit, \
                 and not be a number"
            ),
        ));
    }
    Ok(())
}

/// Checks a secret that somebody gives now.
///
/// # Errors
/// [`Problem`] on that field when it is empty, too long, wrapped in something, or no key; see [`secret_form`].
pub fn check_secret(field: &'static str, secret: &Secret) -> Result<(), Problem> {
    let text = secret.expose();
    if text.is_empty() {
        return Err(Problem::invalid(field, "Cannot encrypt empty text"));
    }
    if text.len() > MAX_SECRET {
        return Err(Problem::invalid(field, format!("{field} must not be longer than {MAX_SECRET} bytes")));
    }
    let purpose = if field == "apiSecret" { Purpose::ApiSecret } else { Purpose::ApiKey };
    secret_form::check(secret, purpose).map_err(|fault| Problem::invalid(field, format!("{field} {fault}")))
}

/// Checks a monthly limit.
///
/// # Errors
/// [`Problem`] on the field `rateLimit` when it is negative.
pub fn check_rate_limit(limit: i64) -> Result<(), Problem> {
    if limit < 0 {
        return Err(Problem::invalid(
            "rateLimit",
            "rateLimit must be 0 or more monthly requests, or null for no limit",
        ));
    }
    Ok(())
}

/// Days that a key may be in use until it is to be replaced, at the most: ten years.
pub const MAX_ROTATION_DAYS: i64 = 3660;

/// Checks a number of days after which a key is to be replaced.
///
/// # Errors
/// [`Problem`] on the field `rotateAfterDays`.
pub fn check_rotation(days: i64) -> Result<(), Problem> {
    if (1..=MAX_ROTATION_DAYS).contains(&days) {
        return Ok(());
    }
    Err(Problem::invalid(
        "rotateAfterDays",
        format!("rotateAfterDays must be 1 to {MAX_ROTATION_DAYS} days, or null for no reminder"),
    ))
}

/// Checks an instant of expiry: one that is over already is a slip.
///
/// # Errors
/// [`Problem`] on the field `expiresAt`.
pub fn check_expiry(at: Millis, now: Millis) -> Result<(), Problem> {
    if at > now {
        return Ok(());
    }
    Err(Problem::invalid("expiresAt", "expiresAt must be in the future, or null for no end"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_in_a_path() {
        for good in ["gemini-primary", "a", "openai.2", "A_b-c", "2fast"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        let long = "x".repeat(MAX_NAME + 1);
        for bad in ["", ".", "..", "a/b", "a%2eb", "ä", "a b", "-a", "a\0b", "42", "a*", "a\n", &long] {
            assert_eq!(check_name(bad).unwrap_err().field.as_deref(), Some("name"), "{bad:?}");
        }
    }

    #[test]
    fn secrets_fit_a_header_and_are_not_empty() {
        assert!(check_secret("apiSecret", &Secret::from("pä ss-ünïcødé-🔑")).is_ok());
        assert_eq!(
            check_secret("apiKey", &Secret::from("")).unwrap_err().message,
            "Cannot encrypt empty text"
        );
        for bad in [" a", "a\n", "a\r\nb", "a\0", "\"a\"", "KEY_1=a", "sk-ant-ünïcødé-🔑"] {
            assert!(check_secret("apiKey", &Secret::from(bad)).is_err(), "{bad:?}");
        }
    }
}
