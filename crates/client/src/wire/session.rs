//! Sign-in with a browser on the wire.

use serde::{Deserialize, Serialize};
use strongroom_model::Millis;
use utoipa::ToSchema;

use super::SecretText;

/// A one-time code that was just made: the only answer that ever holds it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedLoginCode {
    /// Its public identity, to ask whether it was used.
    pub id: String,
    /// The code. It begins one session of whoever asked for it.
    pub code: SecretText,
    /// From when on it is worth nothing.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Millis,
    /// The address of the dashboard; absent when the server does not know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// The state of a one-time code.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LoginCodeState {
    /// Set while it can be used: neither spent nor over.
    pub is_waiting: bool,
}
