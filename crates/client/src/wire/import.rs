//! Moving credentials in: many at once, each reported on its own.

use serde::{Deserialize, Serialize};
use strongroom_model::Millis;
use utoipa::ToSchema;

use super::SecretText;

/// Credentials to move in. Sent again, it changes nothing.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImportRequest {
    /// Their source, for the audit trail: `env`, `legacy` or `file`.
    pub source: String,
    /// Say what would be done and change nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// Also skip a row whose key is already stored under another name.
    #[serde(default)]
    pub skip_known_secrets: bool,
    /// At most 500 rows.
    pub rows: Vec<ImportRow>,
}

/// One credential to move in. Its name may break today's rules: rows of the original are kept as they are.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImportRow {
    /// The row's id at the source, for the report; kept as the credential's id where it is free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// Its name.
    pub name: String,
    /// Its provider.
    pub provider: String,
    /// Its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key: Option<SecretText>,
    /// Its second secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_secret: Option<SecretText>,
    /// A base URL in place of the provider's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Lower is tried first; the provider's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i64>,
    /// True when it is handed out.
    pub is_active: bool,
    /// True when it is everybody's.
    pub is_global: bool,
    /// The user that owns it; an unknown user is made, disabled, with this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<i64>,
    /// Monthly requests allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<i64>,
    /// From then on it is not handed out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Millis>,
    /// Days after which its key is to be replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 3660)]
    pub rotate_after_days: Option<i64>,
    /// Uses since ever.
    #[serde(default)]
    pub usage_count: i64,
    /// Uses of the month of `lastUsed`; they count against the limit only when that month is the present one.
    #[serde(default)]
    pub current_month_usage: i64,
    /// When it was last used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_used: Option<Millis>,
    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub created_at: Option<Millis>,
    /// When it was last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub updated_at: Option<Millis>,
}

/// Outcomes of the rows, in their order.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportReport {
    /// True when it was a dry run, which changes nothing.
    pub dry_run: bool,
    /// Rows that were (or would be) made.
    pub migrated: usize,
    /// Rows that were there already.
    pub skipped: usize,
    /// Rows that could not be made.
    pub failed: usize,
    /// One per row.
    pub rows: Vec<ImportedRow>,
}

/// Outcome of one row.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportedRow {
    /// The row's name.
    pub name: String,
    /// `migrated`, `skipped` or `failed`.
    pub outcome: String,
    /// Why, when it was not migrated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The credential's id here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// SHA-256 over the row as it is stored here, secrets opened again, 64 hex digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}
