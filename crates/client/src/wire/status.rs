//! State of the server, and its view of the caller.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Readiness of the server.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Readiness {
    /// `ready` or `unavailable`.
    pub status: String,
    /// The dependencies and `ok` or what ails them, in general words.
    pub checks: std::collections::BTreeMap<String, String>,
}

/// The server's version and parts, and its view of the caller.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The server's version.
    pub version: String,
    /// `sqlite` or `postgres`.
    pub database: String,
    /// The fingerprint of the master key in use; told to admins and auditors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub master_fingerprint: Option<String>,
    /// The caller, as in the audit trail.
    pub actor: String,
    /// The caller's role.
    pub role: String,
    /// True when keys from the environment may stand in.
    pub environment_fallback: bool,
    /// The address on which the server listens, as scheme, address and port; nothing when it does not, or does not tell.
    #[serde(default)]
    pub listening: Option<String>,
}
