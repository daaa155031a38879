//! Encryption keys on the wire: their status, how they are replaced, and a fresh master key.

use serde::{Deserialize, Serialize};
use strongroom_model::Millis;
use utoipa::ToSchema;

use super::SecretText;

/// A fresh master key. The server does not keep it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct GeneratedKey {
    /// 64 hex digits.
    pub key: SecretText,
    /// A hint how to use it.
    pub message: String,
    /// A warning to heed.
    pub warning: String,
}

/// The keys that there are, what is under each, and what to do next.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyStatus {
    /// The fingerprint of the master key that the answering server was given first.
    pub master_fingerprint: String,
    /// The wrapped keys.
    pub keys: Vec<WrappedKey>,
    /// The master keys that they are wrapped under.
    #[serde(default)]
    pub masters: Vec<MasterKeyState>,
    /// Processes that have the database open.
    #[serde(default)]
    pub servers: Vec<KeyHolder>,
    /// The rotation of the data key that goes on, else the last one.
    #[serde(default)]
    pub rotation: Option<KeyRotation>,
    /// The next steps, in this order; empty when nothing is to be done.
    #[serde(default)]
    pub next: Vec<String>,
}

/// A key that is stored wrapped under a master key.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WrappedKey {
    /// Its uid.
    pub id: String,
    /// `data`, `audit`, `fingerprint` or `token`.
    pub purpose: String,
    /// True when new work is done under it.
    pub is_current: bool,
    /// `current`; `leaving`, when it was replaced and texts may be left under it; or `retired`.
    #[serde(default)]
    pub state: String,
    /// Texts that were sealed under it so far (data keys).
    pub seal_count: i64,
    /// Sealed texts that are under it now (data keys).
    #[serde(default)]
    pub sealed_texts: Option<i64>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Millis,
    /// When it was proved that nothing is left under it.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub retired_at: Option<Millis>,
    /// Fingerprints of the master keys it is wrapped under.
    pub wrapped_under: Vec<String>,
}

/// A master key that keys are wrapped under.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MasterKeyState {
    /// Its fingerprint.
    pub fingerprint: String,
    /// When keys were first wrapped under it.
    #[schema(value_type = String, format = DateTime)]
    pub first_seen: Millis,
    /// Keys that are wrapped under it.
    pub wraps: usize,
    /// True when it is the one that the answering server was given first.
    pub is_first: bool,
    /// True when the answering server holds it.
    pub is_held: bool,
    /// Servers that hold no other one.
    pub needed_by: Vec<String>,
    /// True when it can be retired now.
    pub can_go: bool,
}

/// A process that has the database open.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyHolder {
    /// Its identity while it runs.
    pub id: String,
    /// The machine.
    pub host: String,
    /// The process on that machine.
    pub process_id: i64,
    /// Fingerprints of the master keys that it holds, the one that it was given first at the front.
    pub masters: Vec<String>,
    /// Since when it runs.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Millis,
    /// Until when it counts as alive.
    #[schema(value_type = String, format = DateTime)]
    pub alive_until: Millis,
}

/// A rotation of the data key.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyRotation {
    /// The new key.
    pub key_id: String,
    /// `asked`, `age` or `seals`.
    pub reason: String,
    /// True while it goes on.
    pub is_open: bool,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Millis,
    /// When it was proved that everything opens under the new key.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Millis>,
    /// Sealed texts under other keys when it began.
    pub texts: i64,
    /// Sealed texts under other keys now.
    pub left: i64,
    /// Sealed texts that did not open: they stay as they are, and keep their keys from retiring.
    pub broken: i64,
}

/// Result of a request for a new data key.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyRotationStarted {
    /// True when it began now; otherwise one was going on already.
    pub is_new: bool,
    /// Its state.
    pub rotation: KeyRotation,
}

/// Result of a change of the master key.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MasterKeyChange {
    /// The master key of the answering server, which everything is wrapped under.
    pub fingerprint: String,
    /// Keys that were wrapped under it just now.
    pub wrapped: usize,
    /// The other master keys that everything is wrapped under still.
    pub others: Vec<String>,
    /// The master keys that were retired just now.
    pub retired: Vec<String>,
    /// The next steps, in this order.
    pub next: Vec<String>,
}
