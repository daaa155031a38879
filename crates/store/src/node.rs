//! Nodes: servers that hold something, their leases by the database's clock, and what they hold of each counter.

use std::collections::BTreeMap;

use strongroom_model::limit::{Unit, Window};
use strongroom_model::{Millis, Uid};

use crate::REGION;
use crate::counter::{CounterKey, Delta};
use crate::dispatch::{execute, execute_rows, fetch_all, fetch_optional};
use crate::error::StoreError;
use crate::session::{Backend, Session, Write};
use crate::sum::{bounded, saturating};

/// Announces a server with its first batch.
///
/// # Errors
/// [`StoreError`].
pub async fn register(tx: &mut Write, node: Uid, now: Millis, lease_until: Millis) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO nodes (uid, started_at_ms, lease_until_ms, batch) VALUES ($1, $2, $3, 1)";
    execute!(tx, SQL, node.to_string(), now.0, lease_until.0).map(|_| ())
}

/// Extends a server's lease with its batch of this number, and locks it against its recovery until the transaction ends.
/// `false` when the server's last batch is another one, or it is not known any more: see [`last_batch`].
///
/// # Errors
/// [`StoreError`].
pub async fn renew(tx: &mut Write, node: Uid, lease_until: Millis, batch: i64) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE nodes SET lease_until_ms = $2, batch = $3 WHERE uid = $1 AND batch = $3 - 1";
    Ok(execute!(tx, SQL, node.to_string(), lease_until.0, batch)? == 1)
}

/// The number of a server's last batch; `None` when the server is not known: its lease had lapsed, and others have
/// settled what it held.
///
/// # Errors
/// [`StoreError`].
pub async fn last_batch(session: &mut Session, node: Uid) -> Result<Option<i64>, StoreError> {
    let row = fetch_optional!(session, (i64,), "SELECT batch FROM nodes WHERE uid = $1", node.to_string())?;
    Ok(row.map(|(batch,)| batch))
}

/// Takes a server off the list that holds nothing any more.
///
/// # Errors
/// [`StoreError::Dangling`] when it still holds something.
pub async fn remove(tx: &mut Write, node: Uid) -> Result<(), StoreError> {
    execute!(tx, "DELETE FROM nodes WHERE uid = $1", node.to_string()).map(|_| ())
}

/// All servers on the list, whether they live or not.
///
/// # Errors
/// [`StoreError`].
pub async fn list(session: &mut Session) -> Result<Vec<Uid>, StoreError> {
    lapsed(session, Millis(i64::MAX)).await
}

/// Servers whose lease lapsed before `now`.
///
/// # Errors
/// [`StoreError`].
pub async fn lapsed(session: &mut Session, now: Millis) -> Result<Vec<Uid>, StoreError> {
    const SQL: &str = "SELECT uid FROM nodes WHERE lease_until_ms < $1 ORDER BY uid";
    let rows = fetch_all!(session, (String,), SQL, now.0)?;
    rows.into_iter()
        .map(|(uid,)| {
            uid.parse().map_err(|_| StoreError::Corrupt { table: "nodes", column: "uid", row: uid })
        })
        .collect()
}

/// Tells whether the server's lease has lapsed; if so, nobody else can recover or renew it until the transaction ends.
///
/// # Errors
/// [`StoreError`].
pub async fn lock_lapsed(tx: &mut Write, node: Uid, now: Millis) -> Result<bool, StoreError> {
    const PLAIN: &str = "SELECT started_at_ms FROM nodes WHERE uid = $1 AND lease_until_ms < $2";
    const LOCK: &str = "SELECT started_at_ms FROM nodes WHERE uid = $1 AND lease_until_ms < $2 FOR UPDATE";
    // SQLite has one writer, which is us, and no row locks to ask for.
    let sql = if tx.backend() == Backend::Postgres { LOCK } else { PLAIN };
    Ok(fetch_optional!(tx, (i64,), sql, node.to_string(), now.0)?.is_some())
}

#[derive(Debug, sqlx::FromRow)]
struct HoldRow {
    subject_uid: String,
    unit: String,
    window_kind: String,
    window_start_ms: i64,
    held: i64,
    leased: i64,
}

/// Amounts of a counter that a server holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    /// Of which counter.
    pub key: CounterKey,
    /// For calls under way.
    pub held: i64,
    /// Taken ahead.
    pub leased: i64,
}

/// Everything that a server holds, in the order of the counters.
///
/// # Errors
/// [`StoreError`].
pub async fn holds(session: &mut Session, node: Uid) -> Result<Vec<Hold>, StoreError> {
    const SQL: &str = "SELECT subject_uid, unit, window_kind, window_start_ms, held, leased FROM node_holds \
                       WHERE node_uid = $1 AND region = $2";
    let rows = fetch_all!(session, HoldRow, SQL, node.to_string(), REGION)?;
    let read = |row: HoldRow| {
        let corrupt =
            |column| StoreError::Corrupt { table: "node_holds", column, row: row.subject_uid.clone() };
        let key = CounterKey {
            subject: row.subject_uid.parse().map_err(|_| corrupt("subject_uid"))?,
            unit: Unit::from_name(&row.unit).ok_or_else(|| corrupt("unit"))?,
            window: Window::from_name(&row.window_kind).ok_or_else(|| corrupt("window_kind"))?,
            start: Millis(row.window_start_ms),
        };
        Ok(Hold { key, held: row.held, leased: row.leased })
    };
    let mut holds = rows.into_iter().map(read).collect::<Result<Vec<_>, StoreError>>()?;
    holds.sort_unstable_by_key(|hold| hold.key);
    Ok(holds)
}

/// Adds to what a server holds: of each delta its held and leased amounts.
///
/// # Errors
/// [`StoreError`].
pub async fn apply(
    tx: &mut Write,
    node: Uid,
    deltas: &BTreeMap<CounterKey, Delta>,
) -> Result<(), StoreError> {
    let node = node.to_string();
    let rows: Vec<_> = deltas.iter().filter(|(_, delta)| delta.held != 0 || delta.leased != 0).collect();
    execute_rows!(
        tx,
        8,
        "INSERT INTO node_holds (node_uid, subject_uid, unit, window_kind, window_start_ms, region, held, leased)",
        concat!(
            "ON CONFLICT (node_uid, subject_uid, unit, window_kind, window_start_ms, region) DO UPDATE SET ",
            saturating!("node_holds", "held"),
            ", ",
            saturating!("node_holds", "leased")
        ),
        &rows,
        |row| &node,
        row.0.subject.to_string(),
        row.0.unit.as_str(),
        row.0.window.as_str(),
        row.0.start.0,
        REGION,
        bounded(row.1.held),
        bounded(row.1.leased)
    )?;
    Ok(())
}

/// Forgets the holds of a server: all of them when it is gone, else those that are empty.
///
/// # Errors
/// [`StoreError`].
pub async fn clear_holds(tx: &mut Write, node: Uid, even_full: bool) -> Result<(), StoreError> {
    const SQL: &str = "DELETE FROM node_holds WHERE node_uid = $1 AND ($2 OR (held = 0 AND leased = 0))";
    execute!(tx, SQL, node.to_string(), even_full).map(|_| ())
}
