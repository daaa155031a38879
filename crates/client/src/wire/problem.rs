//! The body of every error.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A failure. `error` is for people, `code` for programs.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProblemBody {
    /// The failure and its remedy.
    pub error: String,
    /// A stable code: `invalid_request`, `unprocessable`, `unauthenticated`, `denied`, `not_found`, `conflict`,
    /// `precondition_failed`, `limit_reached`, `integrity_failure`, `bad_gateway`, `unavailable`, `internal_error`.
    pub code: String,
    /// The field of the request that is at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The request's id, as in the log and the audit trail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// An answer that only says that it is done.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Message {
    /// The change that was made.
    pub message: String,
}
