//! Tokens on the wire.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use strongroom_model::Millis;
use utoipa::ToSchema;

use super::SecretText;

/// Scope of a token. Empty lists do not narrow; all lists narrow together.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokenScope {
    /// Names of credentials.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub credentials: Vec<String>,
    /// Providers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub providers: Vec<String>,
    /// Models that calls may ask for, of the role `gateway`: names as providers have them, or behind the provider's as
    /// `openai/gpt-4o`; one that ends in `*` stands for all that begin so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<String>,
}

/// A token to make.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(examples(json!({ "name": "ci", "role": "reader", "scope": { "providers": ["openai"] } })))]
pub struct CreateToken {
    /// Its name, for people.
    pub name: String,
    /// `admin`, `auditor`, `reader` or `gateway`.
    pub role: String,
    /// When it stops working.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Millis>,
    /// It works for so many seconds, 1 to 86400, until somebody prolongs it; nobody has to when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 86400)]
    pub lease_seconds: Option<i64>,
    /// Its scope; everything when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<TokenScope>,
    /// The user it acts for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<i64>,
    /// What its calls are booked to, as far as these keys are declared in `usage.tag_keys`. A call's own tags come first.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Limits that bind it from the start: token and limits are made together or not at all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<TokenLimit>,
}

/// A limit on a token that is being made.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TokenLimit {
    /// `requests`, `tokens` or `nano_usd`.
    pub unit: String,
    /// `minute`, `hour`, `day`, `month` or `prepaid`.
    pub window: String,
    /// The most that may be used in a window.
    pub amount: i64,
}

/// A token without its secret.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Token {
    /// The public part; may be logged.
    pub id: String,
    /// Its name, for people.
    pub name: String,
    /// Its role.
    pub role: String,
    /// Its scope.
    pub scope: TokenScope,
    /// What its calls are booked to.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// The user it acts for.
    pub user_id: Option<i64>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Millis,
    /// When it stops working.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Millis>,
    /// Until when it works unless it is prolonged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub leased_until: Option<Millis>,
    /// When it was revoked.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<Millis>,
}

/// For how long a token is to work from now on.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProlongToken {
    /// 1 to 86400 seconds.
    #[schema(minimum = 1, maximum = 86400)]
    pub lease_seconds: i64,
}

/// Until when it works.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProlongedToken {
    /// Unless it is prolonged again.
    #[schema(value_type = String, format = DateTime)]
    pub leased_until: Millis,
}

/// A token that was just made: the only answer that ever holds its secret.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedToken {
    /// The whole token, `sr_<id>_<secret><checksum>`. It is not stored and cannot be shown again.
    pub token: SecretText,
    /// Its metadata.
    #[serde(flatten)]
    pub metadata: Token,
}
