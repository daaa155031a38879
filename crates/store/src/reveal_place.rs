//! From which networks and browsers somebody was shown keys, and when.

use strongroom_model::Millis;

use crate::dispatch::{execute, fetch_optional};
use crate::error::StoreError;
use crate::session::{Session, Write};

/// Notes that somebody was shown a key there. Tells whether that is known of the time since an instant.
///
/// # Errors
/// [`StoreError`].
pub async fn note(
    tx: &mut Write,
    actor: &str,
    kind: &str,
    value: &str,
    since: Millis,
    at: Millis,
) -> Result<bool, StoreError> {
    const KNOWN: &str = "SELECT seen_at_ms FROM reveal_places WHERE actor = $1 AND kind = $2 AND value = $3 AND seen_at_ms >= $4";
    const NOTE: &str = "INSERT INTO reveal_places (actor, kind, value, seen_at_ms) VALUES ($1, $2, $3, $4) \
                        ON CONFLICT (actor, kind, value) DO UPDATE SET seen_at_ms = $4";
    let known = fetch_optional!(tx, (i64,), KNOWN, actor, kind, value, since.0)?;
    execute!(tx, NOTE, actor, kind, value, at.0)?;
    Ok(known.is_some())
}

/// How many of a kind were noted of somebody since an instant.
///
/// # Errors
/// [`StoreError`].
pub async fn count(session: &mut Session, actor: &str, kind: &str, since: Millis) -> Result<i64, StoreError> {
    const SQL: &str = "SELECT CAST(COUNT(*) AS BIGINT) FROM reveal_places WHERE actor = $1 AND kind = $2 AND seen_at_ms >= $3";
    let row = fetch_optional!(session, (i64,), SQL, actor, kind, since.0)?;
    Ok(row.map_or(0, |(count,)| count))
}

/// Forgets what was seen before an instant.
///
/// # Errors
/// [`StoreError`].
pub async fn forget(tx: &mut Write, before: Millis) -> Result<u64, StoreError> {
    execute!(tx, "DELETE FROM reveal_places WHERE seen_at_ms < $1", before.0)
}
