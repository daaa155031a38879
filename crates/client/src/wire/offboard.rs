//! Offboarding on the wire: whether keys that stood elsewhere are still used.

use serde::{Deserialize, Serialize};
use strongroom_model::Millis;
use utoipa::ToSchema;

/// Hours without a use after which a key is idle, when nothing is said.
pub const IDLE_HOURS: i64 = 24;

const fn idle_hours() -> i64 {
    IDLE_HOURS
}

/// Keys to ask about.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OffboardRequest {
    /// Names of credentials; without any all keys that were replaced or came out of a `.env` file.
    #[serde(default)]
    pub credentials: Vec<String>,
    /// Idle is a key that nobody has used for so many hours; 24 when absent, at most 8784.
    #[serde(default = "idle_hours")]
    pub idle_hours: i64,
}

impl Default for OffboardRequest {
    fn default() -> Self {
        Self { credentials: Vec::new(), idle_hours: IDLE_HOURS }
    }
}

/// Facts about those keys.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OffboardReport {
    /// One per key.
    pub keys: Vec<OffboardedKey>,
}

/// Facts about a key.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OffboardedKey {
    /// Its credential's name.
    pub credential: String,
    /// Its credential's number.
    pub credential_id: i64,
    /// The provider.
    pub provider: String,
    /// The version that it is the key of.
    pub version: i64,
    /// `serving`: strongroom hands it out, so it needs a new key first. `in_use`: somebody used it too lately. `idle`: nobody
    /// has used it for long enough, revoke it. `gone`: its provider does not accept it any more. `unknown`: the provider could
    /// tell and has not; `problem` says why.
    pub state: String,
    /// The last use, where it is known to the instant.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used: Option<Millis>,
    /// Nobody has used it from this instant on.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub idle_since: Option<Millis>,
    /// The source of that: `provider`, or `strongroom`, which knows of its own uses only.
    pub told_by: String,
    /// The last use through strongroom.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub used_here: Option<Millis>,
    /// True when somebody used it elsewhere, where that can be told.
    pub used_elsewhere: Option<bool>,
    /// True when strongroom will revoke it by itself.
    pub is_revoked_here: bool,
    /// Why the provider has not told.
    pub problem: Option<String>,
}
