//! Encryption keys on the wire: their status, and a fresh master key.

use serde::{Deserialize, Serialize};
use strongroom_model::Millis;
use utoipa::ToSchema;

use super::SecretText;

/// A fresh master key. The server does not keep it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct GeneratedKey {
    /// 64 hex digits.
    pub key: SecretText,
    /// How to use it.
    pub message: String,
    /// What to take care of.
    pub warning: String,
}

/// Which keys there are.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyStatus {
    /// The fingerprint of the master key in use.
    pub master_fingerprint: String,
    /// The wrapped keys.
    pub keys: Vec<WrappedKey>,
}

/// A key that is stored wrapped under a master key.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WrappedKey {
    /// Its uid.
    pub id: String,
    /// `data`, `audit`, `fingerprint` or `token`.
    pub purpose: String,
    /// Whether new work is done under it.
    pub is_current: bool,
    /// Texts that were sealed under it (data keys).
    pub seal_count: i64,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Millis,
    /// Fingerprints of the master keys it is wrapped under.
    pub wrapped_under: Vec<String>,
}
