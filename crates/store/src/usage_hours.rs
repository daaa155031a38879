//! Sums of hours by what there are few of, with the classes of how long answers took: of the last days in slots of five minutes, of
//! days from before that by the hour. Every record is in one of them.

use std::collections::BTreeMap;

use strongroom_model::Millis;
use strongroom_model::latency::CLASSES;

use crate::dispatch::execute;
use crate::dynamic::{Rows, Statement, Value};
use crate::error::StoreError;
use crate::session::{Backend, Session, Write};
use crate::sum::{bounded, saturating_all};
use crate::usage::DAY_MS;
use crate::usage::five_minutes::{FIGURES, note_write, start_of, status_class};
use crate::usage_figures::{COLUMNS, Figures, total_of, totals};

pub(crate) const HOUR_MS: i64 = 3_600_000;
/// Figures before the classes.
const SUMS: usize = FIGURES.len() - 2 * CLASSES;

/// Figures of a slot or an hour, in the order of [`FIGURES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HourFigures(pub(crate) [i64; FIGURES.len()]);

impl Default for HourFigures {
    fn default() -> Self {
        Self([0; FIGURES.len()])
    }
}

impl<'r, R: sqlx::Row> sqlx::FromRow<'r, R> for HourFigures
where
    for<'a> &'a str: sqlx::ColumnIndex<R>,
    i64: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        let mut figures = [0; FIGURES.len()];
        for (figure, name) in figures.iter_mut().zip(FIGURES) {
            *figure = row.try_get(name)?;
        }
        Ok(Self(figures))
    }
}

impl HourFigures {
    fn add(&mut self, other: &Self) {
        for (sum, more) in self.0.iter_mut().zip(other.0) {
            *sum = bounded(sum.saturating_add(more));
        }
    }
}

/// What hours are told apart by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, sqlx::FromRow)]
pub(crate) struct HourKey {
    pub(crate) start_ms: i64,
    pub(crate) region: String,
    pub(crate) kind: String,
    pub(crate) provider: String,
    pub(crate) model: String,
    pub(crate) source: String,
    pub(crate) status_class: i64,
}

#[derive(Debug, sqlx::FromRow)]
pub(crate) struct HourRow {
    #[sqlx(flatten)]
    pub(crate) key: HourKey,
    #[sqlx(flatten)]
    pub(crate) figures: HourFigures,
}

async fn add(tx: &mut Write, hours: BTreeMap<HourKey, HourFigures>) -> Result<(), StoreError> {
    static UPSERT: Rows = Rows::new();
    let row = |(key, figures): (HourKey, HourFigures)| {
        let mut row: Vec<Value> = vec![
            key.start_ms.into(),
            key.region.into(),
            key.kind.into(),
            key.provider.into(),
            key.model.into(),
            key.source.into(),
            key.status_class.into(),
        ];
        row.extend(figures.0.map(Value::from));
        row
    };
    let rows: Vec<_> = hours.into_iter().map(row).collect();
    let text = || {
        let columns = FIGURES.join(", ");
        let before = format!(
            "INSERT INTO usage_hours (start_ms, region, kind, provider, model, source, status_class, {columns}) VALUES"
        );
        let after = format!(
            "ON CONFLICT (start_ms, region, kind, provider, model, source, status_class) DO UPDATE SET {}",
            saturating_all("usage_hours", &FIGURES)
        );
        (before, after)
    };
    UPSERT.insert(tx, &rows, text).await.map(|_| ())
}

/// Adds the slots of the oldest hour to that hour, if it ended before an instant. `false` when there is none.
///
/// # Errors
/// [`StoreError`].
pub async fn fold_oldest(tx: &mut Write, before: Millis) -> Result<bool, StoreError> {
    let before = before.0 - before.0.rem_euclid(HOUR_MS);
    let mut oldest = Statement::new("SELECT MIN(start_ms) FROM usage_5m WHERE start_ms < ");
    oldest.bind(before);
    let oldest: Vec<(Option<i64>,)> = oldest.fetch_all(tx).await?;
    let Some(oldest) = oldest.first().and_then(|(oldest,)| *oldest) else { return Ok(false) };
    let hour = oldest - oldest.rem_euclid(HOUR_MS);
    // Taken out as they are at this very moment: what is added to one meanwhile waits, and makes a new one.
    let mut sql = Statement::new("DELETE FROM usage_5m WHERE start_ms >= ");
    sql.bind(hour).push(" AND start_ms < ").bind(hour + HOUR_MS);
    sql.push(" RETURNING start_ms, region, kind, provider, model, source, status_class, ")
        .push(&FIGURES.join(", "));
    let mut hours: BTreeMap<HourKey, HourFigures> = BTreeMap::new();
    for HourRow { key, figures } in sql.fetch_all(tx).await? {
        hours.entry(HourKey { start_ms: hour, ..key }).or_default().add(&figures);
    }
    add(tx, hours).await?;
    Ok(true)
}

/// Deletes hours from before an instant. Tells how many rows.
///
/// # Errors
/// [`StoreError`].
pub async fn delete(tx: &mut Write, before: Millis) -> Result<u64, StoreError> {
    execute!(tx, "DELETE FROM usage_hours WHERE start_ms < $1", before.0)
}

#[derive(Debug, sqlx::FromRow)]
struct Place {
    at_ms: i64,
    region: String,
    kind: String,
    provider: String,
    model: String,
    source: String,
    status: i64,
}

/// Changes the cost of a record, and how many of it have no price, in the slot or the hour that it is in.
pub(crate) async fn move_cost(
    tx: &mut Write,
    uid: &str,
    more_nano_usd: i64,
    more_unpriced: i64,
) -> Result<(), StoreError> {
    const PLACE: &str = "SELECT l.at_ms, l.region, m.kind, m.provider, m.model, m.source, c.status FROM usage_lines l \
        JOIN usage_contexts c ON c.uid = l.context_uid JOIN usage_dims m ON m.uid = c.dims_uid WHERE l.uid = ";
    let mut sql = Statement::new(PLACE);
    sql.bind(uid);
    let Some(place) = sql.fetch_all::<Place>(tx).await?.into_iter().next() else { return Ok(()) };
    let class = status_class(u16::try_from(place.status).unwrap_or(u16::MAX));
    let condition = |sql: &mut Statement, start: i64, table: &str| {
        sql.push(table).push(".start_ms = ").bind(start);
        for (column, value) in [
            ("region", &place.region),
            ("kind", &place.kind),
            ("provider", &place.provider),
            ("model", &place.model),
            ("source", &place.source),
        ] {
            sql.push(" AND ").push(table).push(".").push(column).push(" = ").bind(value.as_str());
        }
        sql.push(" AND ").push(table).push(".status_class = ").bind(class);
    };
    // One row of the slot may fall below zero, which the others make up for: only their sum is a figure.
    let set = |table: &str| {
        let mut sql = Statement::new(format!("UPDATE {table} SET cost_nano_usd = cost_nano_usd + "));
        sql.bind(bounded(more_nano_usd)).push(", unpriced = unpriced + ").bind(more_unpriced);
        sql
    };
    let slot = start_of(Millis(place.at_ms));
    let mut sql = set("usage_5m");
    sql.push(" WHERE ");
    condition(&mut sql, slot, "usage_5m");
    sql.push(" AND shard = (SELECT MIN(o.shard) FROM usage_5m o WHERE ");
    condition(&mut sql, slot, "o");
    sql.push(")");
    if sql.execute(tx).await? == 0 {
        // It was added to its hour, before or just now.
        let mut sql = set("usage_hours");
        sql.push(" WHERE ");
        condition(&mut sql, place.at_ms - place.at_ms.rem_euclid(HOUR_MS), "usage_hours");
        sql.execute(tx).await?;
    }
    // Behind the slot, as a batch does it: neither waits for the other in a circle.
    note_write(tx, &place.region, place.at_ms - place.at_ms.rem_euclid(DAY_MS)).await
}

/// A dimension of hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HourDim {
    /// The first instant of the hour.
    Hour,
    /// The first instant of the day.
    Day,
    /// The class of the status, as `4xx`; `none` without an answer.
    Status,
    /// The provider.
    Provider,
    /// The model.
    Model,
    /// Where the key came from.
    Source,
}

impl HourDim {
    const fn key(self) -> &'static str {
        match self {
            Self::Hour => "CAST(u.start_ms - u.start_ms % 3600000 AS TEXT)",
            Self::Day => "CAST(u.start_ms - u.start_ms % 86400000 AS TEXT)",
            Self::Status => {
                "CASE u.status_class WHEN 0 THEN 'none' ELSE CAST(u.status_class AS TEXT) || 'xx' END"
            }
            Self::Provider => "u.provider",
            Self::Model => "u.model",
            Self::Source => "u.source",
        }
    }
}

/// Sums of hours that somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoursQuery {
    /// Grouped by this.
    pub by: HourDim,
    /// And by this.
    pub split: Option<HourDim>,
    /// Only of this provider.
    pub provider: Option<String>,
    /// Only of this model.
    pub model: Option<String>,
    /// Only with keys from there.
    pub source: Option<String>,
    /// Of slots that begin here or later.
    pub from: Millis,
    /// And before this.
    pub to: Millis,
}

/// Sums of a group, with how many answers took how long.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HourSums {
    /// The group.
    pub group_key: String,
    /// The group within it; empty where only one dimension was asked for.
    pub split_key: String,
    /// The sums.
    pub figures: Figures,
    /// Milliseconds from the first byte to the end of answers, summed up.
    pub streamed_ms_sum: i64,
    /// Answers by the class of the time to their first byte.
    pub first_byte: [i64; CLASSES],
    /// Answers by the class of the time to their end.
    pub total: [i64; CLASSES],
}

impl HourSums {
    /// Adds the sums of another group; the names stay.
    pub fn add(&mut self, other: &Self) {
        self.figures.add(&other.figures);
        self.streamed_ms_sum = bounded(self.streamed_ms_sum.saturating_add(other.streamed_ms_sum));
        let classes = self.first_byte.iter_mut().zip(other.first_byte);
        for (count, more) in classes.chain(self.total.iter_mut().zip(other.total)) {
            *count = bounded(count.saturating_add(more));
        }
    }
}

#[derive(Debug, sqlx::FromRow)]
struct GroupRow {
    group_key: String,
    split_key: String,
    errors_client: i64,
    errors_provider: i64,
    #[sqlx(flatten)]
    figures: HourFigures,
}

impl From<GroupRow> for HourSums {
    fn from(row: GroupRow) -> Self {
        let HourFigures(all) = row.figures;
        let [_records, requests, client_requests, rest @ ..] = all;
        // Behind the errors, which hours tell by the class of the status, both have the same.
        let mut values = [0; COLUMNS.len()];
        values[..4].copy_from_slice(&[requests, client_requests, row.errors_client, row.errors_provider]);
        values[4..].copy_from_slice(&rest[..COLUMNS.len() - 4]);
        let figures = Figures::of(values);
        let streamed_ms_sum = rest[COLUMNS.len() - 4];
        let (mut first_byte, mut total) = ([0; CLASSES], [0; CLASSES]);
        first_byte.copy_from_slice(&all[SUMS..SUMS + CLASSES]);
        total.copy_from_slice(&all[SUMS + CLASSES..]);
        Self {
            group_key: row.group_key,
            split_key: row.split_key,
            figures,
            streamed_ms_sum,
            first_byte,
            total,
        }
    }
}

/// Sums of hours, by the groups that are asked for.
///
/// # Errors
/// [`StoreError`].
pub async fn sums(session: &mut Session, query: &HoursQuery) -> Result<Vec<HourSums>, StoreError> {
    let mut sql = Statement::new("SELECT ");
    sql.push(query.by.key()).push(" AS group_key, ").push(query.split.map_or("''", HourDim::key));
    sql.push(" AS split_key, CAST(COALESCE(SUM(CASE WHEN u.status_class = 4 THEN u.records ELSE 0 END), 0) AS BIGINT) AS errors_client, \
              CAST(COALESCE(SUM(CASE WHEN u.status_class = 0 OR u.status_class >= 5 THEN u.records ELSE 0 END), 0) AS BIGINT) \
              AS errors_provider, ");
    sql.push(&totals(&FIGURES)).push(" FROM (");
    for (place, table) in ["usage_hours", "usage_5m"].into_iter().enumerate() {
        sql.push(if place == 0 { "SELECT " } else { " UNION ALL SELECT " });
        sql.push("start_ms, provider, model, source, status_class, ").push(&FIGURES.join(", "));
        sql.push(" FROM ").push(table).push(" WHERE start_ms >= ").bind(query.from.0);
        sql.push(" AND start_ms < ").bind(query.to.0);
        let texts = [("provider", &query.provider), ("model", &query.model), ("source", &query.source)];
        for (column, text) in texts {
            if let Some(text) = text {
                sql.push(" AND ").push(column).push(" = ").bind(text.as_str());
            }
        }
    }
    sql.push(") u GROUP BY 1, 2 ORDER BY 1, 2");
    let rows: Vec<GroupRow> = sql.fetch_all(session).await?;
    Ok(rows.into_iter().map(HourSums::from).collect())
}

/// What the ledger has, by hour or by slot of so many milliseconds, of records that were admitted within `[from, to)`.
pub(crate) async fn of_ledger(
    session: &mut Session,
    grain_ms: i64,
    from: Millis,
    to: Millis,
) -> Result<Vec<HourRow>, StoreError> {
    let count = |condition: &str| format!("CAST(SUM(CASE WHEN {condition} THEN 1 ELSE 0 END) AS BIGINT)");
    let classes = |column: &str, bounds: &[i64; CLASSES - 1]| -> Vec<String> {
        let within = |class: usize| {
            let above = class.checked_sub(1).map(|below| format!("{column} >= {}", bounds[below]));
            let below = bounds.get(class).map(|bound| format!("{column} < {bound}"));
            count(&[above, below].into_iter().flatten().collect::<Vec<_>>().join(" AND "))
        };
        (0..CLASSES).map(within).collect()
    };
    let mut figures = vec![
        "CAST(COUNT(*) AS BIGINT)".to_owned(),
        total_of("l.requests"),
        total_of("l.client_requests"),
        total_of("l.input_tokens"),
        total_of("l.cached_input_tokens"),
        total_of("l.cache_write_tokens + l.cache_write_long_tokens"),
        total_of("l.output_tokens"),
        total_of("l.reasoning_tokens"),
        total_of("COALESCE(l.cost_nano_usd, 0)"),
        count("l.cost_nano_usd IS NULL"),
        total_of("COALESCE(l.first_byte_ms, 0)"),
        "CAST(COUNT(l.first_byte_ms) AS BIGINT)".to_owned(),
        total_of("COALESCE(l.total_ms, 0)"),
        "CAST(COUNT(l.total_ms) AS BIGINT)".to_owned(),
        total_of("CASE WHEN l.total_ms > l.first_byte_ms THEN l.total_ms - l.first_byte_ms ELSE 0 END"),
    ];
    figures.extend(classes("l.first_byte_ms", &strongroom_model::latency::FIRST_BYTE_BOUNDS_MS));
    figures.extend(classes("l.total_ms", &strongroom_model::latency::TOTAL_BOUNDS_MS));
    let named: Vec<_> = figures.iter().zip(FIGURES).map(|(sum, name)| format!("{sum} AS {name}")).collect();
    let mut sql = Statement::new("SELECT l.at_ms - l.at_ms % ");
    sql.push(&grain_ms.to_string()).push(
        " AS start_ms, l.region, m.kind, m.provider, m.model, m.source, CASE WHEN c.status = 0 THEN 0 WHEN c.status < 200 THEN 1 \
         WHEN c.status >= 600 THEN 6 ELSE c.status / 100 END AS status_class, ",
    );
    sql.push(&named.join(", ")).push(
        " FROM usage_lines l JOIN usage_contexts c ON c.uid = l.context_uid JOIN usage_dims m ON m.uid = c.dims_uid \
         WHERE l.uid >= ",
    );
    sql.bind(format!("{:012x}", from.0.max(0))).push(" AND l.at_ms >= ").bind(from.0);
    if to.0 < 0xffff_ffff_ffff {
        sql.push(" AND l.uid < ").bind(format!("{:012x}", to.0.max(0)));
    }
    sql.push(" AND l.at_ms < ").bind(to.0).push(" GROUP BY 1, 2, 3, 4, 5, 6, 7");
    sql.fetch_all(session).await
}

/// Writes the sums of a day again, from its records: of a day that has slots into these, else by the hour.
///
/// # Errors
/// [`StoreError`].
pub async fn rebuild_day(tx: &mut Write, day_start: Millis, in_slots: bool) -> Result<(), StoreError> {
    let end = Millis(day_start.0 + DAY_MS);
    if tx.backend() == Backend::Postgres {
        // Batches that write to slots wait for as long as the records of one day are summed up: what they add is in the sums, or
        // comes on top of them.
        execute!(tx, "LOCK TABLE usage_5m IN SHARE ROW EXCLUSIVE MODE")?;
    }
    let grain = if in_slots { crate::usage::five_minutes::SLOT_MS } else { HOUR_MS };
    let rows = of_ledger(tx, grain, day_start, end).await?;
    for table in ["usage_5m", "usage_hours"] {
        let mut sql = Statement::new(format!("DELETE FROM {table} WHERE start_ms >= "));
        sql.bind(day_start.0).push(" AND start_ms < ").bind(end.0);
        sql.execute(tx).await?;
    }
    if !in_slots {
        return add(tx, rows.into_iter().map(|row| (row.key, row.figures)).collect()).await;
    }
    static INSERT: Rows = Rows::new();
    let row = |HourRow { key, figures }: HourRow| {
        let mut row: Vec<Value> = vec![
            key.start_ms.into(),
            key.region.into(),
            0_i64.into(),
            key.kind.into(),
            key.provider.into(),
            key.model.into(),
            key.source.into(),
            key.status_class.into(),
        ];
        row.extend(figures.0.map(Value::from));
        row
    };
    let rows: Vec<_> = rows.into_iter().map(row).collect();
    let text = || {
        let before =
            "INSERT INTO usage_5m (start_ms, region, shard, kind, provider, model, source, status_class, ";
        (format!("{before}{}) VALUES", FIGURES.join(", ")), String::new())
    };
    INSERT.insert(tx, &rows, text).await.map(|_| ())
}
