//! The caller, as the server knows them.

use serde::{Deserialize, Serialize};
use strongroom_model::Millis;
use utoipa::ToSchema;

use super::token::TokenScope;

/// Whoever asks.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Me {
    /// The name in the audit trail: `token:ID`, `user:N` or `local:NAME`.
    pub actor: String,
    /// The name of the token or user.
    pub name: Option<String>,
    /// `admin`, `auditor`, `reader` or `gateway`.
    pub role: String,
    /// What it may reach; everything when empty.
    pub scope: TokenScope,
    /// The user that it acts for.
    pub user_id: Option<i64>,
    /// The name of that user.
    pub user_name: Option<String>,
    /// When it stops working.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Millis>,
    /// Until when it works unless it is prolonged.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub leased_until: Option<Millis>,
}
