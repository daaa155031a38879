//! Backups.

use serde::{Deserialize, Serialize};
use strongroom_model::Millis;
use utoipa::ToSchema;

/// A backup that somebody has proven.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(examples(json!({ "madeAt": "2026-01-31T00:00:00Z" })))]
pub struct ProvenBackup {
    /// When the backup was made.
    #[schema(value_type = String, format = DateTime)]
    pub made_at: Millis,
}
