//! Single records of usage on the wire. Money is billionths of a US dollar.

use serde::{Deserialize, Serialize};
use strongroom_model::Millis;
use utoipa::{IntoParams, ToSchema};

/// Records to list, the newest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListUsageRecords {
    /// Not before this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>, format = DateTime)]
    pub from: Option<Millis>,
    /// Before this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>, format = DateTime)]
    pub to: Option<Millis>,
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
    /// Only records of this kind: `read`, `recorded`, `call`, `attempt` or `late`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Only answers with this status: `429`, all of a class as `4xx`, `none` for calls without an answer, or `failed` for 400 and
    /// above and those without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// At most so many, 1 to 1000, default 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<i64>,
    /// The start of the page: `next` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A page of records.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsageRecords {
    /// The records, the newest first.
    pub records: Vec<UsageRecord>,
    /// The `cursor` of the next page; null at the end.
    pub next: Option<String>,
    /// Set when the search was given up after 50,000 records, with this instant: `next` goes on from there.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub looked_back_to: Option<Millis>,
}

/// One use of a key: a call, an attempt at one, or a key that was handed out. Prompts and answers are not kept.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsageRecord {
    /// Its identity.
    pub id: String,
    /// The request that it belongs to, as `x-strongroom-request-id` and the log name it.
    pub request_id: Option<String>,
    /// When it was admitted.
    #[schema(value_type = String, format = DateTime)]
    pub at: Millis,
    /// `read` (a key was handed out), `recorded` (a program said so), `call`, `attempt` (another credential was tried after it), or
    /// `late` (it was settled without its server).
    pub kind: String,
    /// The operation, such as `chat.completions`.
    pub operation: String,
    /// The actor, such as `token:ID`.
    pub actor: String,
    /// The name of the token.
    pub token_name: Option<String>,
    /// The user behind it.
    pub user_id: Option<i64>,
    /// The name of the credential, of a deleted one as `openai-primary (deleted, 63818d8e)`; null for a key from the environment.
    pub credential: Option<String>,
    /// The number of its version.
    pub version: Option<i64>,
    /// The provider.
    pub provider: String,
    /// The provider's name of the model.
    pub model: Option<String>,
    /// `database` or `environment`.
    pub source: String,
    /// What the call was tagged with.
    #[schema(value_type = Object)]
    pub tags: serde_json::Value,
    /// The HTTP status of the answer; 0 when there was none.
    pub status: i64,
    /// Uses that count on the credential.
    pub requests: i64,
    /// Requests that count on token and user.
    pub client_requests: i64,
    /// Tokens of the prompt.
    pub input_tokens: i64,
    /// Of these, read from a cache.
    pub cached_input_tokens: i64,
    /// Of these, written to a cache.
    pub cache_write_tokens: i64,
    /// Tokens of the answer.
    pub output_tokens: i64,
    /// Of these, spent on reasoning.
    pub reasoning_tokens: i64,
    /// Its cost; null when no price is known.
    pub cost_nano_usd: Option<i64>,
    /// Tokens that limits were charged with.
    pub charged_tokens: i64,
    /// Dollars that limits were charged with.
    pub charged_nano_usd: i64,
    /// The source of the tokens: `reported` by the provider, `held` where nobody knows, or `unmetered`.
    pub metering: String,
    /// Milliseconds from its admission to the head of the answer.
    pub first_byte_ms: Option<i64>,
    /// Milliseconds from its admission to the end of the answer.
    pub total_ms: Option<i64>,
    /// The provider's own figures.
    #[schema(value_type = Option<Object>)]
    pub reported_usage: Option<serde_json::Value>,
}
