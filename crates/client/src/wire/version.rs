//! Versions of credentials on the wire, and credentials that are deleted.

use serde::{Deserialize, Serialize};
use strongroom_model::Millis;
use utoipa::{IntoParams, ToSchema};

use super::SecretText;

/// A version that waits to come into use.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StagedVersion {
    /// Its number.
    pub version: i64,
    /// Of a hundred calls through the gateway so many go to it.
    pub percent: i64,
}

/// A version without its values.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    /// Its number, from 1.
    pub number: i64,
    /// `current`, `staged`, `draining` (replaced, with calls under way), `retired`, `revoked`, `aborted`, `refused`, `destroyed`,
    /// `pruned` or `purged`.
    pub state: String,
    /// `new`, `rolled_back` or `staged`.
    pub origin: String,
    /// The number of the version whose values it took over.
    pub copied_from: Option<i64>,
    /// The share of the gateway's calls that go to a staged version.
    pub percent: Option<i64>,
    /// The actor that made it.
    pub created_by: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Millis,
    /// When it came into use.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub activated_at: Option<Millis>,
    /// When another one took its place.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub replaced_at: Option<Millis>,
    /// When no call used it any more after that: its key can be revoked at the provider, unless `sameKeyIn` names somebody.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub retired_at: Option<Millis>,
    /// When the provider, which had made its key, revoked it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<Millis>,
    /// When a staged version was aborted or refused.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Millis>,
    /// Why that was.
    pub reason: Option<String>,
    /// When its values were erased.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub erased_at: Option<Millis>,
    /// Answer of the provider when it was last asked about it: `ok`, `bad_key`, `empty_account`, `rate_limited`,
    /// `unreachable` or `unexpected`.
    pub probe_outcome: Option<String>,
    /// When that was.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub probed_at: Option<Millis>,
    /// Other versions that serve, or may do so again, with the same key; as long as there are any, it is not to be revoked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub same_key_in: Vec<SameKey>,
}

/// Another version with the same key.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SameKey {
    /// Its credential's name.
    pub name: String,
    /// Its number.
    pub version: i64,
    /// True when the credential was deleted, and can be restored.
    pub is_deleted: bool,
}

/// Versions to compare.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CompareVersions {
    /// The number of the first.
    pub from: i64,
    /// The number of the second.
    pub to: i64,
}

/// Differences between two versions, without their values.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VersionComparison {
    /// The first.
    pub from: Version,
    /// The second.
    pub to: Version,
    /// The fields that one of them has or had.
    pub fields: Vec<FieldComparison>,
}

/// Difference of a field between two versions.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FieldComparison {
    /// `apiKey` or `apiSecret`.
    pub field: String,
    /// `same`, `changed`, `added`, `removed`, or `unknown` when their fingerprints cannot be compared.
    pub difference: String,
}

/// A key that is to wait.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(examples(json!({ "apiKey": "sk-…" })))]
pub struct StageVersion {
    /// The provider's new key.
    pub api_key: SecretText,
    /// A new second secret; the one in use when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_secret: Option<SecretText>,
}

/// The share of calls of a staged version.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(examples(json!({ "percent": 10 })))]
pub struct SetCanary {
    /// Of a hundred calls through the gateway so many go to it, 0 to 100.
    #[schema(minimum = 0, maximum = 100)]
    pub percent: i64,
    /// Do not ask the provider about the key first.
    #[serde(default)]
    pub skip_test: bool,
}

/// Choices for a promotion.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PromoteQuery {
    /// Do not ask the provider about the key first.
    #[serde(default)]
    pub skip_test: bool,
}

/// A credential that is deleted and can be taken back.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeletedCredential {
    /// Its number.
    pub id: i64,
    /// The name that it had.
    pub name: String,
    /// Its provider.
    pub provider: String,
    /// Uses since ever.
    pub usage_count: i64,
    /// Its revision, for `If-Match`.
    pub revision: i64,
    /// When it was deleted.
    #[schema(value_type = String, format = DateTime)]
    pub deleted_at: Millis,
    /// From then on it is purged and cannot be taken back.
    #[schema(value_type = String, format = DateTime)]
    pub purge_at: Millis,
}

/// For how long nobody used it.
#[derive(Debug, Clone, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UnusedQuery {
    /// In so many days, 1 to 3660.
    #[param(minimum = 1, maximum = 3660)]
    pub days: i64,
}
