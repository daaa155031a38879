//! The audit trail on the wire.

use serde::{Deserialize, Serialize};
use strongroom_model::Millis;
use utoipa::{IntoParams, ToSchema};

/// An entry of the audit trail.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// The chain it stands in, one per region.
    pub chain_id: String,
    /// Its place, from 1 without gaps.
    pub seq: i64,
    /// Its identity, 32 hex digits.
    pub uid: String,
    /// When it was written.
    #[schema(value_type = String, format = DateTime)]
    pub at: Millis,
    /// `noun.verb`, such as `credential.create`.
    pub action: String,
    /// `token:ID`, `user:N`, `local:NAME`, `library` or `system`.
    pub actor: String,
    /// The kind of its target.
    pub target_kind: String,
    /// The thing's identity.
    pub target_id: Option<String>,
    /// The thing's name at the time.
    pub target_name: Option<String>,
    /// `success`, `denied` or `failed`.
    pub outcome: String,
    /// Details; never a secret.
    pub detail: serde_json::Value,
    /// The request it belongs to.
    pub request_id: Option<String>,
    /// The address it came from.
    pub remote_address: Option<String>,
    /// The audit key that linked it.
    pub key_id: String,
    /// HMAC-SHA-256 over the entry and the link before it, 64 hex digits.
    pub link: String,
}

/// Entries to list, the newest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListAudit {
    /// Exactly this action, or all of a noun when it ends in a dot (`credential.`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Exactly this actor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Exactly this target name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// `success`, `denied` or `failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Not before this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>, format = DateTime)]
    pub from: Option<Millis>,
    /// Before this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>, format = DateTime)]
    pub to: Option<Millis>,
    /// At most so many, 1 to 1000, default 100; the next page is in the header `Link`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<i64>,
    /// The start of the page, from the header `Link` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<i64>,
    /// `asc` lists the oldest first; default `desc`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
}

/// The end of a chain, to be kept elsewhere: a later chain must contain it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditAnchor {
    /// The chain.
    pub chain_id: String,
    /// The place of its last entry.
    pub seq: i64,
    /// The link of that entry.
    pub link: String,
}

/// Anchors to verify against.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VerifyAudit {
    /// Heads that were exported earlier.
    #[serde(default)]
    pub anchors: Vec<AuditAnchor>,
}

/// Result of a verification.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditVerification {
    /// True when every entry, every head and every anchor verifies.
    pub valid: bool,
    /// Entries that were read.
    pub entries: i64,
    /// The heads of the chains as they are now.
    pub heads: Vec<AuditAnchor>,
    /// The first fault of each chain.
    pub faults: Vec<AuditFault>,
}

/// The place at which a chain breaks.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditFault {
    /// The chain.
    pub chain_id: String,
    /// The place of the entry at fault.
    pub seq: i64,
    /// The fault.
    pub fault: String,
}
