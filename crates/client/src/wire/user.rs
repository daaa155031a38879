//! Users on the wire.

use serde::{Deserialize, Serialize};
use strongroom_model::Millis;
use utoipa::ToSchema;

/// A user.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// The integer of the claim `userId`.
    pub id: i64,
    /// A unique name.
    pub name: String,
    /// `admin`, `auditor`, `reader` or `gateway`.
    pub role: String,
    /// A disabled user is refused everywhere.
    pub is_active: bool,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Millis,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Millis,
}

/// A user to make.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(examples(json!({ "name": "ada", "role": "admin" })))]
pub struct CreateUser {
    /// A unique name.
    pub name: String,
    /// `admin`, `auditor`, `reader` or `gateway`.
    pub role: String,
    /// The integer to use, when users come from elsewhere; the next free one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
}

/// A change of a user. A field that is absent stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(examples(json!({ "role": "auditor" })))]
pub struct UpdateUser {
    /// A new name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A new role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// True when it is let in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_active: Option<bool>,
}
