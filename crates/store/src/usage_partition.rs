//! Partitions of the ledger, one a day, on PostgreSQL. SQLite has none, and none of this does anything there.
//!
//! The server's role may not make or drop tables: functions of the migration do it with the rights of the owner.

use std::collections::BTreeSet;

use strongroom_model::Millis;

use crate::dispatch::fetch_optional;
use crate::error::StoreError;
use crate::session::{Backend, Write};
use crate::usage::DAY_MS;

/// Days that have their partitions ahead, today among them.
const AHEAD: i32 = 8;
/// Days of the past that get partitions of their own when records of them are restored.
const BACK: i64 = 400;

/// Makes the partitions of today and the days to come, where they are missing. Tells how many.
///
/// # Errors
/// [`StoreError`].
pub async fn make_ahead(tx: &mut Write, now: Millis) -> Result<i64, StoreError> {
    make(tx, now.0, AHEAD).await
}

async fn make(tx: &mut Write, first_ms: i64, days: i32) -> Result<i64, StoreError> {
    const SQL: &str = "SELECT usage_lines_make_partitions($1, $2)";
    if tx.backend() == Backend::Sqlite {
        return Ok(0);
    }
    let made = fetch_optional!(tx, (i64,), SQL, first_ms, days)?;
    Ok(made.map_or(0, |(made,)| made))
}

/// Outcome of a look at the oldest partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    /// It is gone with so many records.
    Records(u64),
    /// It is in use: to wait for it would have every call wait.
    Busy,
    /// There is none that is old enough.
    None,
}

/// Drops the oldest partition, if its day had ended before an instant.
///
/// # Errors
/// [`StoreError`].
pub async fn drop_oldest(tx: &mut Write, before: Millis) -> Result<Dropped, StoreError> {
    const SQL: &str = "SELECT usage_lines_drop_partition($1)";
    if tx.backend() == Backend::Sqlite {
        return Ok(Dropped::None);
    }
    let row = fetch_optional!(tx, (Option<i64>,), SQL, before.0)?;
    Ok(match row.and_then(|(records,)| records) {
        None => Dropped::None,
        Some(records) => u64::try_from(records).map_or(Dropped::Busy, Dropped::Records),
    })
}

/// Makes the partitions that records with these uids belong into, as far as they are of the last [`BACK`] days: for rows of a
/// backup, which would all lie in the one partition for everything else.
pub(crate) async fn make_for(tx: &mut Write, uids: impl Iterator<Item = &str>) -> Result<(), StoreError> {
    if tx.backend() == Backend::Sqlite {
        return Ok(());
    }
    let day =
        |uid: &str| uid.get(..12).and_then(|at| i64::from_str_radix(at, 16).ok()).map(|at| at - at % DAY_MS);
    let days: BTreeSet<i64> = uids.filter_map(day).collect();
    let now = tx.now().await?.0;
    for first_ms in days.range(now - BACK * DAY_MS..now + i64::from(AHEAD) * DAY_MS) {
        make(tx, *first_ms, 1).await?;
    }
    Ok(())
}
