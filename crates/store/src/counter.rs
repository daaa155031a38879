//! Counters: what was consumed, held, taken ahead and corrected, one row per subject, unit and window.
//!
//! A decision that rests on a counter locks it first and writes it in the same transaction. A transaction locks all
//! counters that it will write at once, in the order of their keys: two transactions never wait for each other.

use std::collections::BTreeMap;

use strongroom_model::limit::{CounterState, Unit, Window};
use strongroom_model::{Millis, Uid};

use crate::REGION;
use crate::dispatch::{Connection, Places, execute, execute_rows, texts_of_rows};
use crate::error::StoreError;
use crate::session::{Backend, Session, Write};
use crate::sum::{bounded, saturating};

pub mod proof;

pub use proof::Discrepancy;

/// Which counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CounterKey {
    /// A credential, for its monthly requests; else a limit.
    pub subject: Uid,
    /// The unit that is counted.
    pub unit: Unit,
    /// Over which window.
    pub window: Window,
    /// Which window.
    pub start: Millis,
}

impl CounterKey {
    /// The counter of this subject whose window holds `at`.
    #[must_use]
    pub fn at(subject: Uid, unit: Unit, window: Window, at: Millis) -> Self {
        Self { subject, unit, window, start: window.start(at) }
    }

    /// The counter of a credential's requests in the month that holds `at`.
    #[must_use]
    pub fn monthly_requests(credential: Uid, at: Millis) -> Self {
        Self::at(credential, Unit::Requests, Window::Month, at)
    }

    fn order(&self) -> (Uid, &'static str, &'static str, Millis) {
        (self.subject, self.unit.as_str(), self.window.as_str(), self.start)
    }
}

impl Ord for CounterKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.order().cmp(&other.order())
    }
}

impl PartialOrd for CounterKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Amounts that are added to a counter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Delta {
    /// Consumed.
    pub settled: i64,
    /// Held for calls under way.
    pub held: i64,
    /// Taken ahead.
    pub leased: i64,
    /// Corrected.
    pub adjusted: i64,
    /// The latest use among them.
    pub last_used: Option<Millis>,
}

impl Delta {
    /// One more thing that was consumed.
    #[must_use]
    pub fn used(amount: i64, at: Millis) -> Self {
        Self { settled: amount, last_used: Some(at), ..Self::default() }
    }

    /// Puts another one on top.
    pub fn add(&mut self, other: &Self) {
        self.settled = self.settled.saturating_add(other.settled);
        self.held = self.held.saturating_add(other.held);
        self.leased = self.leased.saturating_add(other.leased);
        self.adjusted = self.adjusted.saturating_add(other.adjusted);
        self.last_used = self.last_used.max(other.last_used);
    }
}

#[derive(Debug, sqlx::FromRow)]
struct Row {
    subject_uid: String,
    unit: String,
    window_kind: String,
    window_start_ms: i64,
    settled: i64,
    held: i64,
    leased: i64,
    adjusted: i64,
}

impl Row {
    fn read(self) -> Result<(CounterKey, CounterState), StoreError> {
        let corrupt =
            |column| StoreError::Corrupt { table: "counters", column, row: self.subject_uid.clone() };
        let key = CounterKey {
            subject: self.subject_uid.parse().map_err(|_| corrupt("subject_uid"))?,
            unit: Unit::from_name(&self.unit).ok_or_else(|| corrupt("unit"))?,
            window: Window::from_name(&self.window_kind).ok_or_else(|| corrupt("window_kind"))?,
            start: Millis(self.window_start_ms),
        };
        let state = CounterState {
            settled: self.settled,
            held: self.held,
            leased: self.leased,
            adjusted: self.adjusted,
        };
        Ok((key, state))
    }
}

/// Where these counters stand; one that has no row yet stands at zero.
///
/// # Errors
/// [`StoreError`].
pub async fn read_all(
    session: &mut Session,
    keys: &[CounterKey],
) -> Result<BTreeMap<CounterKey, CounterState>, StoreError> {
    select(session, keys).await
}

/// The same, locked until the transaction ends: nobody else changes them meanwhile.
///
/// # Errors
/// [`StoreError`].
pub async fn lock_all(
    tx: &mut Write,
    keys: &[CounterKey],
) -> Result<BTreeMap<CounterKey, CounterState>, StoreError> {
    // SQLite has one writer, which is us, and no row locks to ask for.
    if tx.backend() == Backend::Sqlite {
        return select(tx, keys).await;
    }
    let mut sorted = keys.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    // One pass in the order of the keys, whether a row is there or not. Locking those that are there first and making the
    // others behind them would be two orders. A row that is not there has to be made: it cannot be locked, and whoever
    // reads it as zero would count on alone. PostgreSQL locks a row in conflict also where it then changes nothing
    // (<https://www.postgresql.org/docs/current/sql-insert.html#SQL-ON-CONFLICT>).
    execute_rows!(
        tx,
        9,
        "INSERT INTO counters (subject_uid, unit, window_kind, window_start_ms, region, settled, held, leased, adjusted)",
        "ON CONFLICT (subject_uid, unit, window_kind, window_start_ms, region) DO UPDATE SET region = excluded.region \
         WHERE false",
        &sorted,
        |key| key.subject.to_string(),
        key.unit.as_str(),
        key.window.as_str(),
        key.start.0,
        REGION,
        0_i64,
        0_i64,
        0_i64,
        0_i64
    )?;
    select(tx, &sorted).await
}

async fn select(
    session: &mut Session,
    keys: &[CounterKey],
) -> Result<BTreeMap<CounterKey, CounterState>, StoreError> {
    const BEFORE: &str = "SELECT subject_uid, unit, window_kind, window_start_ms, settled, held, leased, adjusted \
                          FROM counters WHERE (subject_uid, unit, window_kind, window_start_ms, region) IN (VALUES";
    static NAMELESS: std::sync::OnceLock<Vec<String>> = std::sync::OnceLock::new();
    static NUMBERED: std::sync::OnceLock<Vec<String>> = std::sync::OnceLock::new();
    let texts = match session.backend() {
        Backend::Sqlite => NAMELESS.get_or_init(|| texts_of_rows(Places::Nameless, BEFORE, 5, ")")),
        Backend::Postgres => NUMBERED.get_or_init(|| texts_of_rows(Places::Numbered, BEFORE, 5, ")")),
    };
    let mut sorted = keys.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let has_names = session.has_names();
    let mut found = BTreeMap::new();
    let mut rest = sorted.as_slice();
    for (size, text) in crate::dispatch::CHUNKS.iter().zip(texts) {
        while rest.len() >= *size {
            let (chunk, behind) = rest.split_at(*size);
            rest = behind;
            macro_rules! send {
                ($database:ty, $connection:expr) => {{
                    let mut query = sqlx::query_as::<$database, Row>(text.as_str()).persistent(has_names);
                    for key in chunk {
                        query = query
                            .bind(key.subject.to_string())
                            .bind(key.unit.as_str())
                            .bind(key.window.as_str())
                            .bind(key.start.0)
                            .bind(REGION);
                    }
                    query.fetch_all($connection).await
                }};
            }
            let rows = match session.connection() {
                Connection::Sqlite(connection) => send!(sqlx::Sqlite, connection),
                Connection::Postgres(connection) => send!(sqlx::Postgres, connection),
            }?;
            for row in rows {
                let (key, state) = row.read()?;
                found.insert(key, state);
            }
        }
    }
    Ok(found)
}

/// Adds to counters, in the order of their keys. No sum goes beyond [`CEILING`](crate::CEILING), either way.
///
/// # Errors
/// [`StoreError`].
pub async fn apply(tx: &mut Write, deltas: &BTreeMap<CounterKey, Delta>) -> Result<(), StoreError> {
    let rows: Vec<_> = deltas.iter().collect();
    execute_rows!(
        tx,
        10,
        "INSERT INTO counters (subject_uid, unit, window_kind, window_start_ms, region, settled, held, leased, adjusted, \
         last_used_ms)",
        concat!(
            "ON CONFLICT (subject_uid, unit, window_kind, window_start_ms, region) DO UPDATE SET ",
            saturating!("counters", "settled"),
            ", ",
            saturating!("counters", "held"),
            ", ",
            saturating!("counters", "leased"),
            ", ",
            saturating!("counters", "adjusted"),
            ", last_used_ms = CASE WHEN counters.last_used_ms IS NULL OR excluded.last_used_ms > counters.last_used_ms \
             THEN excluded.last_used_ms ELSE counters.last_used_ms END"
        ),
        &rows,
        |row| row.0.subject.to_string(),
        row.0.unit.as_str(),
        row.0.window.as_str(),
        row.0.start.0,
        REGION,
        bounded(row.1.settled),
        bounded(row.1.held),
        bounded(row.1.leased),
        bounded(row.1.adjusted),
        row.1.last_used.map(|at| at.0)
    )?;
    Ok(())
}

/// Why a line about a counter was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// Usage from before the credential was moved in.
    Imported,
    /// A server was gone with what it held: it counts as consumed.
    Recovered,
    /// The database took no line of a call; what the call was charged with counts all the same.
    SetAside,
    /// The window of a restored counter is closed: use after the backup is not known.
    Restored,
}

impl EntryKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Imported => "imported",
            Self::Recovered => "recovered",
            Self::SetAside => "set_aside",
            Self::Restored => "restored",
        }
    }
}

/// A line of the ledger that is about a counter and about no call.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// Its identity.
    pub uid: Uid,
    /// When.
    pub at: Millis,
    /// Why.
    pub kind: EntryKind,
    /// The actor.
    pub actor: &'a str,
    /// Which counter.
    pub key: CounterKey,
    /// Added to what was consumed.
    pub settled: i64,
    /// Added to what is corrected.
    pub adjusted: i64,
}

/// Writes lines into the ledger. The counters themselves are changed by [`apply`], in the same transaction.
///
/// # Errors
/// [`StoreError`].
pub async fn insert_entries(tx: &mut Write, entries: &[Entry<'_>]) -> Result<(), StoreError> {
    execute_rows!(
        tx,
        11,
        "INSERT INTO counter_entries (uid, region, at_ms, kind, actor, subject_uid, unit, window_kind, window_start_ms, \
         settled, adjusted)",
        "",
        entries,
        |entry| entry.uid.to_string(),
        REGION,
        entry.at.0,
        entry.kind.as_str(),
        entry.actor,
        entry.key.subject.to_string(),
        entry.key.unit.as_str(),
        entry.key.window.as_str(),
        entry.key.start.0,
        bounded(entry.settled),
        bounded(entry.adjusted)
    )?;
    Ok(())
}

/// Sets what counts against the limits of a month to zero: a signed adjustment on the monthly requests of every
/// credential, and a line about each. Tells how many counters it touched.
///
/// Three statements, however many credentials there are: a loop would hold the writer for as long as it takes.
///
/// # Errors
/// [`StoreError`].
pub async fn reset_month(
    tx: &mut Write,
    window_start: Millis,
    actor: &str,
    now: Millis,
) -> Result<u64, StoreError> {
    // What calls under way hold is not given back: they may still consume it.
    macro_rules! record {
        ($uid:literal) => {
            concat!(
                "INSERT INTO counter_entries (uid, region, at_ms, kind, actor, subject_uid, unit, window_kind, ",
                "window_start_ms, settled, adjusted) SELECT ",
                $uid,
                ", n.region, $3, 'reset', $4, n.subject_uid, n.unit, n.window_kind, n.window_start_ms, 0, ",
                "-(n.settled + n.adjusted) FROM counters n WHERE n.unit = 'requests' ",
                "AND n.window_kind = 'month' AND n.window_start_ms = $1 AND n.region = $2 ",
                "AND n.settled + n.adjusted <> 0 AND n.subject_uid IN (SELECT uid FROM api_credentials)"
            )
        };
    }
    // The whole table, and not only the rows there are: a first use between the two statements would be set to zero
    // without a record. In a mode that conflicts with what whoever locks rows has already, so that PostgreSQL lets them
    // go on before this waits for them.
    const LOCK: &str = "LOCK TABLE counters IN EXCLUSIVE MODE";
    const ADJUST: &str = "UPDATE counters SET adjusted = -settled WHERE unit = 'requests' \
                          AND window_kind = 'month' AND window_start_ms = $1 AND region = $2 \
                          AND settled + adjusted <> 0 AND subject_uid IN (SELECT uid FROM api_credentials)";
    // The two databases make random identities in different words.
    let sql = match tx.backend() {
        Backend::Sqlite => record!("lower(hex(randomblob(16)))"),
        Backend::Postgres => {
            execute!(tx, LOCK)?;
            record!("replace(CAST(gen_random_uuid() AS TEXT), '-', '')")
        }
    };
    execute!(tx, sql, window_start.0, REGION, now.0, actor)?;
    execute!(tx, ADJUST, window_start.0, REGION)
}
