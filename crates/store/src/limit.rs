//! Limits: at most one per scope, unit and window.

use strongroom_model::limit::{Unit, Window};
use strongroom_model::{Millis, Uid};

use crate::dispatch::execute;
use crate::error::StoreError;
use crate::session::Write;

/// Sets or removes a credential's limit.
///
/// # Errors
/// [`StoreError`].
pub async fn set_for_credential(
    tx: &mut Write,
    credential: Uid,
    (unit, window): (Unit, Window),
    amount: Option<i64>,
    now: Millis,
) -> Result<(), StoreError> {
    const PUT: &str = "INSERT INTO limits (scope_kind, scope_uid, unit, window_kind, amount, created_at_ms, \
                       updated_at_ms) VALUES ('credential', $1, $2, $3, $4, $5, $5) \
                       ON CONFLICT (scope_kind, scope_uid, unit, window_kind) DO UPDATE SET amount = $4, updated_at_ms = $5";
    const REMOVE: &str = "DELETE FROM limits WHERE scope_kind = 'credential' AND scope_uid = $1 AND unit = $2 \
                          AND window_kind = $3";
    let credential = credential.to_string();
    match amount {
        Some(amount) => execute!(tx, PUT, &credential, unit.as_str(), window.as_str(), amount, now.0)?,
        None => execute!(tx, REMOVE, &credential, unit.as_str(), window.as_str())?,
    };
    Ok(())
}
