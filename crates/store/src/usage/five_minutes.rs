//! Sums of five minutes, by what there are few of: the finest grain of charts, written in the transaction of the records.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

use strongroom_model::latency::{CLASSES, FIRST_BYTE_BOUNDS_MS, TOTAL_BOUNDS_MS, class};
use strongroom_model::{Amount, Millis};

use super::{DAY_MS, Record};
use crate::REGION;
use crate::dispatch::execute;
use crate::dynamic::{Rows, Value};
use crate::error::StoreError;
use crate::session::{Backend, Write};
use crate::sum::{bounded, saturating_all};

/// The length of a slot.
pub(crate) const SLOT_MS: i64 = 300_000;
/// Rows of a slot among which servers share themselves out, so that the commit of one does not wait for that of another.
const SHARDS: u64 = 16;

/// Figures of a slot, in the order of their columns.
pub(crate) const FIGURES: [&str; 15 + 2 * CLASSES] = [
    "records",
    "requests",
    "client_requests",
    "input_tokens",
    "cached_input_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cost_nano_usd",
    "unpriced",
    "first_byte_ms_sum",
    "first_byte_count",
    "total_ms_sum",
    "total_count",
    "streamed_ms_sum",
    "first_byte_0",
    "first_byte_1",
    "first_byte_2",
    "first_byte_3",
    "first_byte_4",
    "first_byte_5",
    "first_byte_6",
    "first_byte_7",
    "first_byte_8",
    "first_byte_9",
    "first_byte_10",
    "first_byte_11",
    "total_0",
    "total_1",
    "total_2",
    "total_3",
    "total_4",
    "total_5",
    "total_6",
    "total_7",
    "total_8",
    "total_9",
    "total_10",
    "total_11",
];

/// What the sums of a slot are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Slot<'a> {
    start_ms: i64,
    kind: &'static str,
    provider: &'a str,
    model: &'a str,
    source: &'static str,
    status_class: i64,
}

/// The first digit of a status; 0 when there was none, 6 for what is above all that HTTP knows.
pub(crate) fn status_class(status: u16) -> i64 {
    match status {
        0 => 0,
        1..200 => 1,
        600.. => 6,
        _ => i64::from(status / 100),
    }
}

impl<'a> Slot<'a> {
    fn of(record: &'a Record) -> Self {
        Self {
            start_ms: start_of(record.at),
            kind: record.kind.as_str(),
            provider: record.provider.as_str(),
            model: record.model.as_str(),
            source: record.source.as_str(),
            status_class: status_class(record.status),
        }
    }
}

/// The first instant of the slot that holds this one.
pub(crate) fn start_of(at: Millis) -> i64 {
    at.0 - at.0.rem_euclid(SLOT_MS)
}

#[derive(Debug, Clone)]
struct Sums([i64; FIGURES.len()]);

impl Default for Sums {
    fn default() -> Self {
        Self([0; FIGURES.len()])
    }
}

impl Sums {
    fn add(&mut self, record: &Record) {
        let Record { tokens, first_byte_ms, total_ms, .. } = record;
        let streamed = first_byte_ms.zip(*total_ms).map_or(0, |(first, total)| total.saturating_sub(first));
        let parts = [
            1,
            record.requests,
            record.client_requests,
            tokens.input.get(),
            tokens.cached_input.get(),
            tokens.cache_write.get().saturating_add(tokens.cache_write_long.get()),
            tokens.output.get(),
            tokens.reasoning.get(),
            record.cost_nano_usd.map_or(0, Amount::get),
            i64::from(record.cost_nano_usd.is_none()),
            first_byte_ms.unwrap_or(0).max(0),
            i64::from(first_byte_ms.is_some()),
            total_ms.unwrap_or(0).max(0),
            i64::from(total_ms.is_some()),
            streamed.max(0),
        ];
        for (sum, part) in self.0.iter_mut().zip(parts) {
            *sum = bounded(sum.saturating_add(part));
        }
        let (first_bytes, totals) = self.0[parts.len()..].split_at_mut(CLASSES);
        if let Some(time) = first_byte_ms {
            first_bytes[class(&FIRST_BYTE_BOUNDS_MS, *time)] += 1;
        }
        if let Some(time) = total_ms {
            totals[class(&TOTAL_BOUNDS_MS, *time)] += 1;
        }
    }
}

/// The rows that this process writes to. On SQLite there is one writer, and no need for more.
fn shard(tx: &Write) -> i64 {
    static SHARD: OnceLock<i64> = OnceLock::new();
    match tx.backend() {
        Backend::Sqlite => 0,
        Backend::Postgres => {
            *SHARD.get_or_init(|| i64::try_from(RandomState::new().hash_one(0_u8) % SHARDS).unwrap_or(0))
        }
    }
}

/// Adds records to the sums of their slots.
pub(super) async fn add(tx: &mut Write, records: &[Record]) -> Result<(), StoreError> {
    static UPSERT: Rows = Rows::new();
    // In the order of the key: two servers that share a row do not wait for each other in a circle.
    let mut slots: BTreeMap<Slot<'_>, Sums> = BTreeMap::new();
    for record in records {
        slots.entry(Slot::of(record)).or_default().add(record);
    }
    let shard = shard(tx);
    let row = |(slot, sums): (Slot<'_>, Sums)| {
        let mut row: Vec<Value> = vec![
            slot.start_ms.into(),
            REGION.into(),
            shard.into(),
            slot.kind.into(),
            slot.provider.into(),
            slot.model.into(),
            slot.source.into(),
            slot.status_class.into(),
        ];
        row.extend(sums.0.map(Value::from));
        row
    };
    let rows: Vec<_> = slots.into_iter().map(row).collect();
    let text = || {
        let before = format!(
            "INSERT INTO usage_5m (start_ms, region, shard, kind, provider, model, source, status_class, {}) VALUES",
            FIGURES.join(", ")
        );
        let after = format!(
            "ON CONFLICT (start_ms, region, shard, kind, provider, model, source, status_class) DO UPDATE SET {}",
            saturating_all("usage_5m", &FIGURES)
        );
        (before, after)
    };
    UPSERT.insert(tx, &rows, text).await?;
    let days: BTreeSet<i64> = records.iter().map(|record| record.at.0.div_euclid(DAY_MS) * DAY_MS).collect();
    for day in days {
        note_write(tx, REGION, day).await?;
    }
    Ok(())
}

/// Notes that a day was written to, so that its roll-ups are behind.
pub(crate) async fn note_write(tx: &mut Write, region: &str, day_start_ms: i64) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO usage_day_writes (region, day_start_ms, shard, writes) VALUES ($1, $2, $3, 1) \
                       ON CONFLICT (region, day_start_ms, shard) DO UPDATE SET writes = usage_day_writes.writes + 1";
    let shard = shard(tx);
    execute!(tx, SQL, region, day_start_ms, shard).map(|_| ())
}
