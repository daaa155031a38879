//! Leaks on the wire: keys that were found somewhere, and how far the trouble reaches.

use serde::{Deserialize, Serialize};
use strongroom_model::Millis;
use utoipa::ToSchema;

use super::SecretText;
use super::credential::Credential;

/// Keys that were found somewhere.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckLeaks {
    /// At most 1000.
    pub keys: Vec<SecretText>,
}

/// Facts about these keys.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeakReport {
    /// One per key, in their order.
    pub keys: Vec<CheckedKey>,
    /// Versions whose row or fingerprint was changed outside strongroom: a key of theirs may not be known to be ours any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed_versions: Vec<ChangedVersion>,
}

/// A version that was changed outside strongroom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangedVersion {
    /// The name of its credential.
    pub name: String,
    /// Its number; nothing when its row is gone.
    pub version: Option<i64>,
}

/// Facts about a key. The key itself is not repeated.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckedKey {
    /// True when it is ours.
    pub is_ours: bool,
    /// The credentials that hold it, or held it.
    pub credentials: Vec<LeakedKey>,
    /// The token of this strongroom that it is.
    pub token: Option<Holder>,
    /// Of a token: `live`, `revoked` or `expired`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_state: Option<String>,
}

/// A place in which a key is stored.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeakedKey {
    /// The credential's identity.
    pub uid: String,
    /// Its number, when it is not deleted.
    pub id: Option<i64>,
    /// Its name.
    pub name: String,
    /// The version that holds the key.
    pub version: i64,
    /// True when that is the version in use.
    pub is_current: bool,
    /// True when the credential serves with this key.
    pub is_served: bool,
    /// True when it is frozen.
    pub is_frozen: bool,
    /// True when it was deleted.
    pub is_deleted: bool,
    /// The user that owns it when it is not everybody's.
    pub user_id: Option<i64>,
    /// When this version was last used through strongroom, as far as it is known; `null` when it never was.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used: Option<Millis>,
    /// Tokens and users that could have had it.
    pub access: Vec<Holder>,
}

/// Somebody who can reach a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Holder {
    /// `token` or `user`.
    pub kind: String,
    /// Its public id or number.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its role.
    pub role: String,
}

/// A response to a leak.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RespondToLeak {
    /// The name of the credential whose key has leaked.
    pub credential: String,
    /// A new key, to go on with at once; without one the credential is frozen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key: Option<SecretText>,
    /// Tell of what happened from here on; since the credential was made when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<Millis>,
}

/// Extent of a leak.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeakResponse {
    /// The credential as it is now.
    pub credential: Credential,
    /// The instant from which on uses are reported.
    #[schema(value_type = String, format = DateTime)]
    pub since: Millis,
    /// Tokens and users that could have had the key.
    pub access: Vec<Holder>,
    /// Addresses that it was handed out to.
    pub addresses: Vec<LeakAddress>,
    /// The actors that spent with it, with the sums.
    pub spent: Vec<LeakSpend>,
}

/// An address that a key was handed out to.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeakAddress {
    /// The address.
    pub address: String,
    /// The number of times.
    pub reads: i64,
    /// The last time.
    #[schema(value_type = String, format = DateTime)]
    pub last: Millis,
}

/// The sum that an actor spent with a credential.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeakSpend {
    /// The actor, as in the audit trail.
    pub actor: String,
    /// Uses.
    pub requests: i64,
    /// The cost as far as it is known, in billionths of a US dollar.
    pub cost_nano_usd: i64,
    /// The first instant of the last day.
    #[schema(value_type = String, format = DateTime)]
    pub last_day: Millis,
}
