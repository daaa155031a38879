//! Marks that move when something was written: whoever keeps a page open asks for nothing else.

use crate::REGION;
use crate::dispatch::fetch_optional;
use crate::error::StoreError;
use crate::session::Session;

/// The newest line of the ledger, the newest entry of the audit trail, and the newest alert.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    /// The identity of the newest line; empty when there is none.
    pub last_line: String,
    /// The place of the newest entry.
    pub last_entry: i64,
    /// When an alert fired the last time, and when one was over.
    pub last_alerts: (i64, i64),
}

/// Reads them. All are the ends of indexes.
///
/// # Errors
/// [`StoreError`].
pub async fn marks(session: &mut Session) -> Result<Marks, StoreError> {
    let line = fetch_optional!(
        session,
        (Option<String>,),
        "SELECT (SELECT uid FROM usage_lines ORDER BY uid DESC LIMIT 1)"
    )?;
    let entry = fetch_optional!(session, (i64,), "SELECT seq FROM audit_heads WHERE chain_id = $1", REGION)?;
    const ALERTS: &str = "SELECT COALESCE((SELECT MAX(fired_at_ms) FROM alert_incidents), 0), \
                          COALESCE((SELECT MAX(resolved_at_ms) FROM alert_incidents), 0)";
    let alerts = fetch_optional!(session, (i64, i64), ALERTS)?;
    Ok(Marks {
        last_line: line.and_then(|(uid,)| uid).unwrap_or_default(),
        last_entry: entry.map_or(0, |(seq,)| seq),
        last_alerts: alerts.unwrap_or_default(),
    })
}
