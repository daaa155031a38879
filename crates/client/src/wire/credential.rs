//! Credentials on the wire.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use strongroom_model::Millis;
use utoipa::{IntoParams, ToSchema};

use super::version::StagedVersion;
use super::{SecretText, present};

/// A credential without its secrets.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Credential {
    /// The credential's number.
    pub id: i64,
    /// The random identity that never changes, 32 hex digits.
    pub uid: String,
    /// Unique among credentials that are not deleted.
    pub name: String,
    /// The provider whose API it opens, lower case.
    pub provider: String,
    /// A base URL in place of the provider's own.
    pub endpoint: Option<String>,
    /// Lower is tried first.
    pub priority: i64,
    /// An inactive credential is not handed out.
    pub is_active: bool,
    /// Since when nobody is served from it, for its key has leaked or may have; absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub frozen_at: Option<Millis>,
    /// A global credential is everybody's.
    pub is_global: bool,
    /// The user that owns it when it is not global.
    pub user_id: Option<i64>,
    /// Uses since ever.
    pub usage_count: i64,
    /// Uses of this month that count against the limit.
    pub current_month_usage: i64,
    /// Monthly requests allowed; `null` is no limit.
    pub rate_limit: Option<i64>,
    /// When it was last used.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used: Option<Millis>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Millis,
    /// When an admin last changed it.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Millis,
    /// Moves with every change an admin makes, never with usage; also the `ETag`.
    pub revision: i64,
    /// The number of the version in use, from 1.
    pub version: i64,
    /// A version that waits to come into use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staged: Option<StagedVersion>,
    /// From then on it is not handed out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Millis>,
    /// Days after which its key is to be replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotate_after_days: Option<i64>,
    /// When that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub rotation_due: Option<Millis>,
    /// The credential that makes new keys for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotate_with: Option<RotateWith>,
    /// What its uses are booked to, as far as these keys are declared in `usage.tag_keys`, and neither the call nor its token says so.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// A credential whose key makes new keys for another one at their provider: OpenRouter's provisioning key, or OpenAI's admin
/// key.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RotateWith {
    /// The credential's number.
    pub credential_id: i64,
    /// OpenAI's project in which the keys are made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
}

/// A credential to make.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(examples(json!({ "name": "openai-secondary", "provider": "openai", "apiKey": "sk-…", "rateLimit": 5000 })))]
pub struct CreateCredential {
    /// Letters, digits, `.`, `_`, `-`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = true, nullable = false)]
    pub name: Option<String>,
    /// `openai`, `anthropic`, `gemini` (or `google`), `openrouter`, `groq`, `grok` (or `xai`), `deepseek`, `together`, `perplexity`,
    /// `mistral`, `cohere`, or any other with an `endpoint`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = true, nullable = false)]
    pub provider: Option<String>,
    /// The provider's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key: Option<SecretText>,
    /// A second secret, where the provider has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_secret: Option<SecretText>,
    /// A base URL in place of the provider's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Lower is tried first; the provider's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i64>,
    /// Default `true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_active: Option<bool>,
    /// Default `true`, or `false` when `userId` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_global: Option<bool>,
    /// The user that owns it when it is not global.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<i64>,
    /// Monthly requests allowed; no limit when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<i64>,
    /// From then on it is not handed out; no end when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Millis>,
    /// Days after which the key is to be replaced: people are reminded then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 3660)]
    pub rotate_after_days: Option<i64>,
    /// What its uses are booked to, such as `{"project": "search"}`: at most 8.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// A change of a credential. A field that is absent stays; `null` empties those that can be empty.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(examples(json!({ "isActive": false, "rateLimit": 15000 })))]
pub struct UpdateCredential {
    /// A new name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Another provider; the secrets are sealed again for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// A new key: a new version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key: Option<SecretText>,
    /// A new second secret, or `null` for none: a new version.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub api_secret: Option<Option<SecretText>>,
    /// Another base URL, or `null` for the provider's own.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub endpoint: Option<Option<String>>,
    /// Lower is tried first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i64>,
    /// True when it is handed out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_active: Option<bool>,
    /// True when it is everybody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_global: Option<bool>,
    /// The user that owns it, or `null`.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>)]
    pub user_id: Option<Option<i64>>,
    /// Monthly requests allowed, or `null` for no limit.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>)]
    pub rate_limit: Option<Option<i64>>,
    /// From then on it is not handed out, or `null` for no end.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Option<Millis>>,
    /// Days after which the key is to be replaced, or `null` for no reminder.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 3660)]
    pub rotate_after_days: Option<Option<i64>>,
    /// The credential that makes new keys for it when they are due, or `null` for none.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<RotateWith>)]
    pub rotate_with: Option<Option<RotateWith>>,
    /// Other tags, in place of all that it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, String>>,
}

/// Credentials to list.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListCredentials {
    /// Of this provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Active, or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_active: Option<bool>,
    /// Only names that start with this; the list is then by name, and otherwise by id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub q: Option<String>,
    /// Only this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// At most so many, 1 to 1000; the next page is in the header `Link`. Without it the list is whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<i64>,
    /// The start of the page, from the header `Link` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<i64>,
}

/// Choices for a test.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TestQuery {
    /// Also make the cheapest authenticated call that the provider offers.
    #[serde(default)]
    pub live: bool,
}

/// State of a credential. Testing counts no use.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestResult {
    /// `Credential is valid and within rate limits`, or what the live call found.
    pub message: String,
    /// The provider.
    pub provider: String,
    /// Uses since ever.
    pub usage_count: i64,
    /// Uses of this month.
    pub current_month_usage: i64,
    /// Monthly requests allowed.
    pub rate_limit: Option<i64>,
    /// The provider's answer, when it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<LiveTest>,
}

/// The provider's answer to a live test.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LiveTest {
    /// `ok`, `bad_key`, `empty_account`, `rate_limited`, `unreachable` or `unexpected`.
    pub outcome: String,
    /// The HTTP status of the provider's answer, when there was one.
    pub status: Option<u16>,
    /// Its meaning, and what to do.
    pub detail: String,
    /// From the call's start to its answer.
    pub latency_ms: u64,
}

/// A key that was read. Reading it counted one use.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RevealedCredential {
    /// The credential's number; `null` when the key came from the environment.
    pub id: Option<i64>,
    /// Its name; the variable's name when the key came from the environment.
    pub name: String,
    /// The provider whose API it opens.
    pub provider: String,
    /// A base URL in place of the provider's own.
    pub endpoint: Option<String>,
    /// The key.
    pub api_key: SecretText,
    /// The second secret, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_secret: Option<SecretText>,
    /// `database` or `environment`.
    pub source: String,
    /// The number of the version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
    /// Uses since ever, this one included.
    pub usage_count: i64,
    /// Uses of this month, this one included.
    pub current_month_usage: i64,
    /// Monthly requests allowed.
    pub rate_limit: Option<i64>,
}

/// A credential's use of its monthly limit.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RateLimit {
    /// True when one more use is within the limit.
    pub allowed: bool,
    /// Monthly requests allowed.
    pub rate_limit: Option<i64>,
    /// Uses of this month.
    pub current_month_usage: i64,
    /// Uses left; `null` without a limit.
    pub remaining: Option<i64>,
    /// When the month ends.
    #[schema(value_type = String, format = DateTime)]
    pub resets_at: Millis,
}

/// For whom to read.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReadQuery {
    /// This user's own credentials; admins only. Without it: the caller's own first, then the global ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<i64>,
}

/// How far back changes of health are wanted.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListHealthChanges {
    /// Since this instant; for the last 30 days when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>, format = DateTime)]
    pub from: Option<Millis>,
}

/// A change of a credential's health, as one server has seen it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthChange {
    /// When, to some seconds.
    #[schema(value_type = String, format = DateTime)]
    pub at: Millis,
    /// The version's number; null of one that is gone.
    pub version: Option<i64>,
    /// The server.
    pub node: String,
    /// The state before it: `healthy`, `bad_key`, `empty_account`, `rate_limited` or `provider_down`.
    pub before: String,
    /// The state from then on.
    pub state: String,
}

/// A credential's health, as the server that answers has seen it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CredentialHealth {
    /// The credential's number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its provider.
    pub provider: String,
    /// `healthy`, `bad_key`, `empty_account`, `rate_limited` or `provider_down`.
    pub state: String,
    /// Since when; null while healthy.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<Millis>,
    /// Until then the gateway tries others before it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Millis>,
    /// The number of times in a row that a provider has said so.
    pub times: u32,
}
