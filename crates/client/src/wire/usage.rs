//! Usage on the wire. Money is billionths of a US dollar.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which usage.
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

/// What was used.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// What the rows are told apart by.
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
    /// What clients asked for.
    pub requests: i64,
    /// How often keys were used for it: more than `requests` where one key was refused and another served.
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
    /// What is known of the cost.
    pub cost_nano_usd: i64,
    /// Uses of which no price is known.
    pub unpriced: i64,
}

/// Whether counters equal the ledger.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsageVerification {
    /// Whether all do.
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
    /// What is counted.
    pub unit: String,
    /// Over which window.
    pub window: String,
    /// What the counter says.
    pub counted: i64,
    /// What the ledger sums up to.
    pub recorded: i64,
}

/// From when on to price records anew.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(examples(json!({ "from": "2026-01-01" })))]
pub struct RepriceUsage {
    /// The first day (UTC); the first of this month when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// What pricing anew came to.
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
