//! Where a credential's key was used: what stands in the audit trail and in the sums of usage about it.

use strongroom_model::{Millis, Uid};

use crate::dispatch::fetch_all;
use crate::error::StoreError;
use crate::session::Session;
use crate::sum::total;

/// An address that a key was handed out to.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Address {
    /// The address.
    pub address: String,
    /// How often.
    pub reads: i64,
    /// The last time.
    pub last_ms: i64,
}

/// Spending of one actor with a credential.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Spent {
    /// The actor.
    pub actor: String,
    /// Uses.
    pub requests: i64,
    /// The cost as far as it is known, in billionths of a US dollar.
    pub cost_nano_usd: i64,
    /// The first instant of the last day.
    pub last_day_ms: i64,
}

/// The addresses that read a credential from an instant on, those that read most first.
///
/// # Errors
/// [`StoreError`].
pub async fn addresses(
    session: &mut Session,
    credential: Uid,
    from: Millis,
) -> Result<Vec<Address>, StoreError> {
    const SQL: &str = "SELECT remote_address AS address, COUNT(*) AS reads, MAX(at_ms) AS last_ms FROM audit_logs \
                       WHERE target_kind = 'credential' AND target_id = $1 AND action = 'credential.read' \
                       AND outcome = 'success' AND remote_address IS NOT NULL AND at_ms >= $2 \
                       GROUP BY remote_address ORDER BY COUNT(*) DESC, remote_address";
    fetch_all!(session, Address, SQL, credential.to_string(), from.0)
}

/// Returns the spending of each actor with a credential, from the day on that holds an instant; the most requests first.
///
/// # Errors
/// [`StoreError`].
pub async fn spent(session: &mut Session, credential: Uid, from: Millis) -> Result<Vec<Spent>, StoreError> {
    const SQL: &str = concat!(
        "SELECT m.actor, ",
        total!("d.requests"),
        " AS requests, ",
        total!("d.cost_nano_usd"),
        " AS cost_nano_usd, MAX(d.day_start_ms) AS last_day_ms \
         FROM usage_dims m JOIN usage_days d ON d.dims_uid = m.uid WHERE m.credential_uid = $1 \
         AND d.day_start_ms > $2 - 86400000 GROUP BY m.actor ORDER BY 2 DESC, m.actor"
    );
    fetch_all!(session, Spent, SQL, credential.to_string(), from.0)
}
