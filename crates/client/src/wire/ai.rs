//! The AI service on the wire.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An error to be looked at.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(examples(json!({ "errorText": "ECONNREFUSED 127.0.0.1:5432", "errorType": "database", "severity": "high" })))]
pub struct SuggestionRequest {
    /// The output of the program. Of more than 32 KiB the beginning and the end are looked at.
    pub error_text: String,
    /// The kind of error, in at most 200 bytes.
    #[serde(default)]
    pub error_type: String,
    /// Its severity, in at most 200 bytes.
    #[serde(default)]
    pub severity: String,
}

/// A suggestion about an error.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Suggestion {
    /// Why it happened.
    pub root_cause: String,
    /// The steps to take, the first step first.
    pub resolution_steps: Vec<String>,
    /// Code that helps, if some does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_example: Option<String>,
    /// Measures that keep it from happening again.
    pub prevention_measures: Vec<String>,
    /// The model's confidence, from 0 to 1.
    pub confidence: f64,
}
