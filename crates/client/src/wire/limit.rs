//! Limits on the wire. Amounts are whole numbers of requests, tokens, or billionths of a US dollar (`nano_usd`).

use serde::{Deserialize, Serialize};
use strongroom_model::Millis;
use utoipa::{IntoParams, ToSchema};

/// A limit and where it stands.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Limit {
    /// Its identity.
    pub id: String,
    /// The subject that it binds.
    pub scope: LimitScope,
    /// `requests`, `tokens` or `nano_usd`.
    pub unit: String,
    /// `minute`, `hour`, `day` or `month`, aligned to the calendar in UTC, or `prepaid`, which never starts over.
    pub window: String,
    /// The most that may be used in a window.
    pub amount: i64,
    /// The amount consumed in this window, corrections included.
    pub used: i64,
    /// The amount that calls under way may still consume.
    pub held: i64,
    /// The amount that is left.
    pub remaining: i64,
    /// When the window ends; null when it never does.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub resets_at: Option<Millis>,
    /// When it was set.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Millis,
    /// When its amount last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Millis,
}

/// Subject that a limit binds.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LimitScope {
    /// `credential`, `token` or `user`.
    pub kind: String,
    /// The identity within its kind.
    pub id: String,
    /// The name; the identity when it is gone.
    pub name: String,
}

/// A limit to set, on exactly one of `credential`, `token` and `userId`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(examples(json!({ "credential": "openai-primary", "unit": "tokens", "window": "day", "amount": 1_000_000 })))]
pub struct SetLimit {
    /// The name of the credential that it binds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// The public id of the token that it binds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The user that it binds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<i64>,
    /// `requests`, `tokens` or `nano_usd`.
    pub unit: String,
    /// `minute`, `hour`, `day`, `month` or `prepaid`.
    pub window: String,
    /// The most that may be used in a window; 0 refuses everything.
    pub amount: i64,
}

/// A change of a limit.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(examples(json!({ "amount": 2_000_000 })))]
pub struct ChangeLimit {
    /// The new amount; what was used stays used.
    pub amount: i64,
}

/// A call that might be made.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(examples(json!({ "credential": "openai-primary", "model": "gpt-4o-mini", "inputTokens": 1000, "outputTokens": 500 })))]
pub struct TestLimits {
    /// With this credential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// By the token with this public id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// By this user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<i64>,
    /// Of this model of the credential's provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// With so many tokens in the prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<i64>,
    /// With so many tokens in the answer at the most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<i64>,
}

/// Limits that a call would meet.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LimitsTest {
    /// True when all limits let it through, and the token may ask for the model.
    pub allowed: bool,
    /// Why the token may not make it, whatever limits say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// Every limit that binds it.
    pub limits: Vec<TestedLimit>,
}

/// A limit that binds a call.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestedLimit {
    /// True when it lets the call through.
    pub allowed: bool,
    /// The amount that the call needs of it; null when nothing bounds that, which refuses the call.
    pub needs: Option<i64>,
    /// The limit.
    pub limit: Limit,
}

/// How far back the history of a limit is wanted.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ShowLimitHistory {
    /// Since this instant; for the last 24 hours when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>, format = DateTime)]
    pub from: Option<Millis>,
}

/// How a limit came to where it stands.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LimitHistory {
    /// Where it stands.
    pub limit: Limit,
    /// Where it stood whenever it had moved: by the minute for two days, and by the hour before that.
    pub samples: Vec<LimitSample>,
    /// Calls that it refused, by five minutes.
    pub refusals: Vec<LimitRefusals>,
    /// When it is going to be used up at the rate of the last 24 hours of this window; null when that is not before it starts over.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub used_up_at: Option<Millis>,
}

/// Where a limit stood.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LimitSample {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Millis,
    /// When the window began.
    #[schema(value_type = String, format = DateTime)]
    pub window_start: Millis,
    /// The most that could be used.
    pub amount: i64,
    /// The amount consumed, corrections included.
    pub used: i64,
    /// The amount that calls under way held, and that servers had taken ahead.
    pub held: i64,
    /// Calls that it had refused in this window.
    pub refused: i64,
}

/// Calls that a limit refused within five minutes.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LimitRefusals {
    /// When the five minutes began.
    #[schema(value_type = String, format = DateTime)]
    pub from: Millis,
    /// How many.
    pub refused: i64,
}
