//! Usage on the wire. Money is billionths of a US dollar.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Usage to sum up.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ShowUsage {
    /// `credential`, `version`, `provider`, `model`, `token`, `user` or `day`; `credential` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_by: Option<String>,
    /// Only what the token with this public id used; by provider alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The first day (UTC), as `2026-01-31`; the first of this month when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The last day (UTC); today when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// Sums of usage.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// The dimension that rows are grouped by.
    pub group_by: String,
    /// The first day.
    pub from: String,
    /// The last day.
    pub to: String,
    /// The sums.
    pub rows: Vec<UsageRow>,
}

/// Sums of usage.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsageRow {
    /// The credential's name (with `version`, as `openai-primary v3`; of a deleted one, as `openai-primary (deleted, 63818d8e)`), the
    /// provider, the model, the token's id, the user's number or the day; empty for what has none, such as calls that the
    /// environment's key served.
    pub key: String,
    /// Requests of clients.
    pub requests: i64,
    /// Uses of keys for it: more than `requests` where one key was refused and another served.
    pub key_uses: i64,
    /// Uses that failed, without an answer or with a status of 400 and above.
    pub errors: i64,
    /// Tokens of prompts.
    pub input_tokens: i64,
    /// Of these, tokens that were read from a cache.
    pub cached_input_tokens: i64,
    /// Tokens of answers.
    pub output_tokens: i64,
    /// Of these, tokens that were spent on reasoning.
    pub reasoning_tokens: i64,
    /// The cost, as far as it is known.
    pub cost_nano_usd: i64,
    /// Uses of which no price is known.
    pub unpriced: i64,
}

/// Comparison of the counters with the ledger.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsageVerification {
    /// True when all are equal.
    pub valid: bool,
    /// Those that do not.
    pub discrepancies: Vec<UsageDiscrepancy>,
}

/// A counter that does not equal the ledger.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsageDiscrepancy {
    /// The credential or limit, by its identity.
    pub subject: String,
    /// The unit that is counted.
    pub unit: String,
    /// Over which window.
    pub window: String,
    /// The amount by the counter.
    pub counted: i64,
    /// The amount by the ledger.
    pub recorded: i64,
}

/// The day from which on records are priced again.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(examples(json!({ "from": "2026-01-01" })))]
pub struct RepriceUsage {
    /// The first day (UTC); the first of this month when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// Result of pricing records again.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsageRepriced {
    /// Records that were looked at.
    pub records: u64,
    /// Of these, those whose cost is another one now.
    pub changed: u64,
    /// By how much the sum of all costs has changed.
    pub nano_usd: i64,
}
