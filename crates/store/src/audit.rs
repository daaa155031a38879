//! The audit trail: entries are added behind the head of a chain and never changed.

use strongroom_model::Millis;
use strongroom_model::audit::{Entry, Filter, Head, NewEntry, Outcome, Target};

use crate::dispatch::{execute, execute_rows, fetch_all, fetch_optional};
use crate::error::StoreError;
use crate::session::{Backend, Session, Write};

#[derive(Debug, sqlx::FromRow)]
struct HeadRow {
    chain_id: String,
    seq: i64,
    link: String,
    key_id: String,
    mac: String,
}

impl From<HeadRow> for Head {
    fn from(row: HeadRow) -> Self {
        Self { chain_id: row.chain_id, seq: row.seq, link: row.link, key_id: row.key_id, mac: row.mac }
    }
}

/// The head of a chain, locked until the transaction ends. Lock it last: everybody who writes waits for it.
///
/// # Errors
/// [`StoreError`].
pub async fn lock_head(tx: &mut Write, chain_id: &str) -> Result<Option<Head>, StoreError> {
    const PLAIN: &str = "SELECT chain_id, seq, link, key_id, mac FROM audit_heads WHERE chain_id = $1";
    const LOCK: &str =
        "SELECT chain_id, seq, link, key_id, mac FROM audit_heads WHERE chain_id = $1 FOR UPDATE";
    // SQLite has one writer, which is us, and no row locks to ask for.
    let sql = if tx.backend() == Backend::Postgres { LOCK } else { PLAIN };
    Ok(fetch_optional!(tx, HeadRow, sql, chain_id)?.map(Head::from))
}

/// The heads of all chains.
///
/// # Errors
/// [`StoreError`].
pub async fn heads(session: &mut Session) -> Result<Vec<Head>, StoreError> {
    const SQL: &str = "SELECT chain_id, seq, link, key_id, mac FROM audit_heads ORDER BY chain_id";
    Ok(fetch_all!(session, HeadRow, SQL)?.into_iter().map(Head::from).collect())
}

/// Starts a chain.
///
/// # Errors
/// [`StoreError::Taken`] when it has a head.
pub async fn insert_head(tx: &mut Write, head: &Head) -> Result<(), StoreError> {
    const SQL: &str =
        "INSERT INTO audit_heads (chain_id, seq, link, key_id, mac) VALUES ($1, $2, $3, $4, $5)";
    execute!(tx, SQL, &head.chain_id, head.seq, &head.link, &head.key_id, &head.mac).map(|_| ())
}

/// Adds linked entries and moves the head behind them. The head must be locked by this transaction.
///
/// # Errors
/// [`StoreError`].
pub async fn append(tx: &mut Write, entries: &[Entry], head: &Head) -> Result<(), StoreError> {
    const MOVE: &str =
        "UPDATE audit_heads SET seq = $2, link = $3, key_id = $4, mac = $5 WHERE chain_id = $1";
    execute_rows!(
        tx,
        15,
        "INSERT INTO audit_logs (chain_id, seq, uid, at_ms, action, actor, target_kind, target_id, target_name, outcome, \
         detail, request_id, remote_address, key_id, link)",
        "",
        entries,
        |linked| linked.chain_id.as_str(),
        linked.seq,
        linked.entry.uid.to_string(),
        linked.entry.at.0,
        linked.entry.action.as_str(),
        linked.entry.actor.as_str(),
        linked.entry.target.kind.as_str(),
        linked.entry.target.id.as_deref(),
        linked.entry.target.name.as_deref(),
        linked.entry.outcome.as_str(),
        linked.entry.detail.as_str(),
        linked.entry.request_id.as_deref(),
        linked.entry.remote_address.as_deref(),
        linked.key_id.as_str(),
        linked.link.as_str()
    )?;
    execute!(tx, MOVE, &head.chain_id, head.seq, &head.link, &head.key_id, &head.mac).map(|_| ())
}

#[derive(Debug, sqlx::FromRow)]
struct Row {
    chain_id: String,
    seq: i64,
    uid: String,
    at_ms: i64,
    action: String,
    actor: String,
    target_kind: String,
    target_id: Option<String>,
    target_name: Option<String>,
    outcome: String,
    detail: String,
    request_id: Option<String>,
    remote_address: Option<String>,
    key_id: String,
    link: String,
}

/// An entry as it stands in the database, or the place of one that holds what we never write.
#[derive(Debug, Clone)]
pub enum Found {
    /// A readable entry; whether it verifies is for the holder of the key to say.
    Entry(Box<Entry>),
    /// A row that cannot be one of ours.
    Unreadable {
        /// Its place.
        seq: i64,
        /// The column that is wrong.
        column: &'static str,
    },
}

impl From<Row> for Found {
    fn from(row: Row) -> Self {
        let seq = row.seq;
        let Ok(uid) = row.uid.parse() else { return Self::Unreadable { seq, column: "uid" } };
        let outcome = match row.outcome.as_str() {
            "success" => Outcome::Success,
            "denied" => Outcome::Denied,
            "failed" => Outcome::Failed,
            _ => return Self::Unreadable { seq, column: "outcome" },
        };
        Self::Entry(Box::new(Entry {
            chain_id: row.chain_id,
            seq,
            entry: NewEntry {
                uid,
                at: Millis(row.at_ms),
                action: row.action,
                actor: row.actor,
                target: Target { kind: row.target_kind, id: row.target_id, name: row.target_name },
                outcome,
                detail: row.detail,
                request_id: row.request_id,
                remote_address: row.remote_address,
            },
            key_id: row.key_id,
            link: row.link,
        }))
    }
}

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT chain_id, seq, uid, at_ms, action, actor, target_kind, target_id, target_name, outcome, detail, ",
            "request_id, remote_address, key_id, link FROM audit_logs WHERE chain_id = $1 ",
            $tail
        )
    };
}

/// The chains that have entries, whether they have a head or not.
///
/// # Errors
/// [`StoreError`].
pub async fn chains(session: &mut Session) -> Result<Vec<String>, StoreError> {
    let rows = fetch_all!(session, (String,), "SELECT DISTINCT chain_id FROM audit_logs ORDER BY chain_id")?;
    Ok(rows.into_iter().map(|(chain_id,)| chain_id).collect())
}

/// Up to `limit` entries of a chain from the place `from` on, in their order. Places of ours begin at 1.
///
/// # Errors
/// [`StoreError`].
pub async fn read_on(
    session: &mut Session,
    chain_id: &str,
    from: i64,
    limit: i64,
) -> Result<Vec<Found>, StoreError> {
    let rows =
        fetch_all!(session, Row, select!("AND seq >= $2 ORDER BY seq LIMIT $3"), chain_id, from, limit)?;
    Ok(rows.into_iter().map(Found::from).collect())
}

/// The action of the entries that begin a replacement of the data key.
pub const KEY_ROTATION: &str = "key.rotate";

/// The beginnings of replacements of the data key, newest first. The action stands in the text, as in the index that it is
/// answered from.
///
/// # Errors
/// [`StoreError`].
pub async fn key_rotations(session: &mut Session, chain_id: &str) -> Result<Vec<Found>, StoreError> {
    let rows = fetch_all!(session, Row, select!("AND action = 'key.rotate' ORDER BY seq DESC"), chain_id)?;
    Ok(rows.into_iter().map(Found::from).collect())
}

/// The places and links of the entries that stand right before those of [`key_rotations`].
///
/// # Errors
/// [`StoreError`].
pub async fn links_before_key_rotations(
    session: &mut Session,
    chain_id: &str,
) -> Result<Vec<(i64, String)>, StoreError> {
    fetch_all!(
        session,
        (i64, String),
        "SELECT seq, link FROM audit_logs WHERE chain_id = $1 AND seq IN \
         (SELECT seq - 1 FROM audit_logs WHERE chain_id = $1 AND action = 'key.rotate')",
        chain_id
    )
}

/// Up to `limit` entries that pass the filter, beyond `cursor` in the direction of the list.
///
/// # Errors
/// [`StoreError`].
pub async fn list(
    session: &mut Session,
    chain_id: &str,
    filter: &Filter,
    newest_first: bool,
    cursor: Option<i64>,
    limit: i64,
) -> Result<Vec<Found>, StoreError> {
    const DESCENDING: &str = select!(
        "AND (CAST($2 AS TEXT) IS NULL OR action = $2) AND (CAST($3 AS TEXT) IS NULL OR substr(action, 1, length($3)) = $3) \
         AND (CAST($4 AS TEXT) IS NULL OR actor = $4) AND (CAST($5 AS TEXT) IS NULL OR target_name = $5) \
         AND (CAST($6 AS TEXT) IS NULL OR outcome = $6) AND at_ms >= $7 AND at_ms < $8 \
         AND seq < $9 AND seq > $11 ORDER BY seq DESC LIMIT $10"
    );
    const ASCENDING: &str = select!(
        "AND (CAST($2 AS TEXT) IS NULL OR action = $2) AND (CAST($3 AS TEXT) IS NULL OR substr(action, 1, length($3)) = $3) \
         AND (CAST($4 AS TEXT) IS NULL OR actor = $4) AND (CAST($5 AS TEXT) IS NULL OR target_name = $5) \
         AND (CAST($6 AS TEXT) IS NULL OR outcome = $6) AND at_ms >= $7 AND at_ms < $8 \
         AND seq > $9 AND seq > $11 ORDER BY seq LIMIT $10"
    );
    let (exact, prefix) = match filter.action.as_deref() {
        Some(noun) if noun.ends_with('.') => (None, Some(noun)),
        other => (other, None),
    };
    let sql = if newest_first { DESCENDING } else { ASCENDING };
    let cursor = cursor.unwrap_or(if newest_first { i64::MAX } else { 0 });
    let rows = fetch_all!(
        session,
        Row,
        sql,
        chain_id,
        exact,
        prefix,
        filter.actor.as_deref(),
        filter.target.as_deref(),
        filter.outcome.map(Outcome::as_str),
        filter.from.map_or(i64::MIN, |at| at.0),
        filter.to.map_or(i64::MAX, |at| at.0),
        cursor,
        limit,
        filter.above.unwrap_or(0)
    )?;
    Ok(rows.into_iter().map(Found::from).collect())
}
