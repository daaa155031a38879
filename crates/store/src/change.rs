//! The change counter: moves with every change of a credential, a token, a user or a limit, so that a server that holds
//! some of them in memory knows when to look again.

use crate::dispatch::{execute, fetch_optional};
use crate::error::StoreError;
use crate::session::{Backend, Session, Write};

/// Its value.
///
/// # Errors
/// [`StoreError`].
pub async fn current(session: &mut Session) -> Result<i64, StoreError> {
    let row = fetch_optional!(session, (i64,), "SELECT value FROM changes WHERE id = 1")?;
    Ok(row.map_or(0, |(value,)| value))
}

/// Whether another transaction has moved it since this one found this value.
///
/// # Errors
/// [`StoreError`].
pub async fn has_moved(tx: &mut Write, found: i64) -> Result<bool, StoreError> {
    // SQLite has one writer, which is us.
    Ok(tx.backend() == Backend::Postgres && current(tx).await? != found)
}

/// Moves it: the last step of every transaction that changes something, see [`Write::commit`]. Limits that were set in it
/// count the calls that are admitted from the new value on.
pub(crate) async fn advance(tx: &mut Write) -> Result<(), StoreError> {
    const MOVE: &str = "UPDATE changes SET value = value + 1 WHERE id = 1 RETURNING value";
    let Some((value,)) = fetch_optional!(tx, (i64,), MOVE)? else { return Ok(()) };
    execute!(tx, "UPDATE limits SET since_change = $1 WHERE since_change < 0", value).map(|_| ())
}
