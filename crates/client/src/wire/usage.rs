//! Usage on the wire. Money is billionths of a US dollar.

use serde::{Deserialize, Serialize};
use strongroom_model::Millis;
use utoipa::{IntoParams, ToSchema};

/// Usage to sum up. All conditions hold.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ShowUsage {
    /// `credential`, `version`, `provider`, `model`, `token`, `user`, `source`, `operation`, `day`, `hour`, `status`, or `tag:` and the
    /// key of a tag, such as `tag:project`; `credential` when absent. With `hour` and `status` go `provider`, `model` and `source`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_by: Option<String>,
    /// The dimension that each group is split by, of the same list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split_by: Option<String>,
    /// The first day (UTC), as `2026-01-31`; the first of this month when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The last day (UTC); today when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Only of this provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Only of this model, by the provider's name of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Only with the credential of this name; of a deleted one its `uid` is its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// Only of the token with this public id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Only of the user with this number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<i64>,
    /// Only with keys from `database`, or from `environment`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Only with this tag, as `project=search`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// `previous` adds the sums of as many days before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compare: Option<String>,
    /// `true` adds what this month is going to cost. It is of everything, whatever the conditions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forecast: Option<bool>,
    /// `csv` for lines of comma-separated values; `json` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

/// What the caller used, to sum up.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ShowOwnUsage {
    /// `provider`, `model`, `credential`, `version`, `source`, `operation`, `day`, or `tag:` and the key of a tag; `provider` when
    /// absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_by: Option<String>,
    /// The dimension that each group is split by, of the same list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split_by: Option<String>,
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
    /// The dimension that groups are split by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split_by: Option<String>,
    /// The first day.
    pub from: String,
    /// The last day.
    pub to: String,
    /// The sums.
    pub rows: Vec<UsageRow>,
    /// The sums of as many days before, when they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<PreviousUsage>,
    /// What this month is going to cost, when that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forecast: Option<UsageForecast>,
}

/// Sums of the days before.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PreviousUsage {
    /// The first day.
    pub from: String,
    /// The last day.
    pub to: String,
    /// The sums.
    pub rows: Vec<UsageRow>,
}

/// What a month is going to cost, at the rate of the last days.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsageForecast {
    /// The month, as `2026-01`.
    pub month: String,
    /// Its cost so far.
    pub spent_nano_usd: i64,
    /// Its cost at its end; null while there are less than 24 hours of calls to tell by.
    pub expected_nano_usd: Option<i64>,
    /// The lower end of the band that it lies in, when the days to come are like those of the last two weeks.
    pub low_nano_usd: Option<i64>,
    /// The upper end.
    pub high_nano_usd: Option<i64>,
}

/// Sums of usage.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsageRow {
    /// The credential's name (with `version`, as `openai-primary v3`; of a deleted one, as `openai-primary (deleted, 63818d8e)`), the
    /// provider, the model, the token's id, the user's number, the day, the instant at which the hour begins, the class of the
    /// status as `4xx`, or the tag's value; empty for what has none, such as calls that the environment's key served.
    pub key: String,
    /// The same of the dimension that groups are split by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split_key: Option<String>,
    /// Requests of clients.
    pub requests: i64,
    /// Uses of keys for it: more than `requests` where one key was refused and another served.
    pub key_uses: i64,
    /// Uses that failed, without an answer or with a status of 400 and above.
    pub errors: i64,
    /// Of these, answers with a status of 400 to 499.
    #[serde(default)]
    pub client_errors: i64,
    /// Of these, answers with a status of 500 and above, and calls without one.
    #[serde(default)]
    pub provider_errors: i64,
    /// Tokens of prompts.
    pub input_tokens: i64,
    /// Of these, tokens that were read from a cache.
    pub cached_input_tokens: i64,
    /// Of these, tokens that were written to a cache.
    #[serde(default)]
    pub cache_write_tokens: i64,
    /// Tokens of answers.
    pub output_tokens: i64,
    /// Of these, tokens that were spent on reasoning.
    pub reasoning_tokens: i64,
    /// The cost, as far as it is known.
    pub cost_nano_usd: i64,
    /// Uses of which no price is known.
    pub unpriced: i64,
    /// Milliseconds to the head of an answer, on average; null where no answer came.
    #[serde(default)]
    pub mean_first_byte_ms: Option<i64>,
    /// Milliseconds to the end of an answer, on average.
    #[serde(default)]
    pub mean_total_ms: Option<i64>,
    /// Percentiles, where rows are told apart by nothing but provider, model, source, day, hour and status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<UsageLatency>,
}

/// Percentiles of how long answers took, in milliseconds, and how fast they came. They are read from twelve classes of times, and
/// are exact to the class.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsageLatency {
    /// Half of the answers began within this time.
    pub first_byte_p50_ms: Option<i64>,
    /// 95 of 100 answers began within this time.
    pub first_byte_p95_ms: Option<i64>,
    /// Half of the answers were over within this time.
    pub total_p50_ms: Option<i64>,
    /// 95 of 100 answers were over within this time.
    pub total_p95_ms: Option<i64>,
    /// Tokens of answers per second from the first byte to the last.
    pub output_tokens_per_second: Option<f64>,
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

/// Result of making roll-ups again.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsageRebuilt {
    /// Days whose hours were summed up from their records.
    pub days_of_records: u64,
    /// Days whose roll-ups were made from their sums.
    pub days: u64,
}

/// The dearest subjects to list.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListTopUsage {
    /// `credential`, `token`, `user`, `team` or `tag`; `credential` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// `24h`, `7d` or `30d`; `30d` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<String>,
}

/// A subject and its place among the dearest.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TopUsage {
    /// From 1 on.
    pub place: i64,
    /// The credential's `uid`, the token's id, the user's number, the team's `uid`, or a tag and its value.
    pub subject: String,
    /// Requests of clients.
    pub requests: i64,
    /// The cost, as far as it is known.
    pub cost_nano_usd: i64,
    /// When this was made: up to some minutes ago.
    #[schema(value_type = String, format = DateTime)]
    pub as_of: Millis,
}
