//! What the server says about itself and about the caller.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whether the server can do its work.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Readiness {
    /// `ready` or `unavailable`.
    pub status: String,
    /// The dependencies and `ok` or what ails them, in general words.
    pub checks: std::collections::BTreeMap<String, String>,
}

/// Who the server takes the caller for, and what it is.
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
    /// Whether keys from the environment may stand in.
    pub environment_fallback: bool,
    /// Where the server listens, as scheme, address and port; nothing when it does not, or does not tell.
    #[serde(default)]
    pub listening: Option<String>,
}
