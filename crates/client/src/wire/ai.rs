//! The AI service on the wire.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An error to be looked at.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(examples(json!({ "errorText": "ECONNREFUSED 127.0.0.1:5432", "errorType": "database", "severity": "high" })))]
pub struct SuggestionRequest {
    /// What the program said. Of more than 32 KiB the beginning and the end are looked at.
    pub error_text: String,
    /// What kind of error it is, in at most 200 bytes.
    #[serde(default)]
    pub error_type: String,
    /// How bad it is, in at most 200 bytes.
    #[serde(default)]
    pub severity: String,
}

/// What may be done about an error.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Suggestion {
    /// Why it happened.
    pub root_cause: String,
    /// What to do, the first step first.
    pub resolution_steps: Vec<String>,
    /// Code that helps, if some does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_example: Option<String>,
    /// How to keep it from happening again.
    pub prevention_measures: Vec<String>,
    /// How sure the model is, from 0 to 1.
    pub confidence: f64,
}
