//! Roll-ups of days: by what there are few of, and by single subjects, which pages are made of. A job makes them of the days that
//! have changed, each day as a whole, so that it does no harm to do it twice.
//!
//! How often a day was written to is counted beside its slots of five minutes, by each server in a row of its own.

use std::collections::BTreeMap;

use strongroom_model::{Millis, month};

use crate::REGION;
use crate::dispatch::{execute, fetch_all};
use crate::dynamic::{Rows, Statement, Value};
use crate::error::StoreError;
use crate::session::{Backend, Session, Write};
use crate::sum::saturating_all;
use crate::usage::DAY_MS;
use crate::usage_figures::{COLUMNS, Figures, OF_DAYS, total_of, totals};
use crate::usage_sums::tags::{self, Tags};

/// Dims of a day that are read at a time.
const PAGE: i64 = 5_000;
/// Everything is made again from the start: what hours have of a day may be more or less than what its roll-ups had.
const FROM_THE_START: i64 = -2;
/// Hours of subjects are kept for so long, in milliseconds.
pub const HOURS_KEPT_MS: i64 = 35 * DAY_MS;
const HOUR_MS: i64 = 3_600_000;

/// Kinds of subjects.
pub const SUBJECTS: [&str; 6] = ["credential", "token", "actor", "user", "team", "tag"];

/// A day that was written to since its roll-ups were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct ChangedDay {
    /// Its first instant.
    pub day_start_ms: i64,
    /// How often it was written to.
    writes: i64,
    /// After how many of them its roll-ups were made; `None` when there are none.
    seen: Option<i64>,
}

/// The days whose roll-ups are behind.
///
/// # Errors
/// [`StoreError`].
pub async fn list_changed(session: &mut Session) -> Result<Vec<ChangedDay>, StoreError> {
    // The days by their index: one step each, however many rows they have.
    const SQL: &str = "WITH RECURSIVE t(day) AS (SELECT MIN(day_start_ms) FROM usage_days UNION ALL \
         SELECT (SELECT MIN(d.day_start_ms) FROM usage_days d WHERE d.day_start_ms > t.day) FROM t WHERE t.day IS NOT NULL) \
         SELECT t.day AS day_start_ms, COALESCE(f.writes, 0) AS writes, k.seen FROM t LEFT JOIN \
         (SELECT day_start_ms AS day, CAST(SUM(writes) AS BIGINT) AS writes FROM usage_day_writes \
         WHERE region = $1 GROUP BY 1) f ON f.day = t.day \
         LEFT JOIN usage_marks k ON k.day_start_ms = t.day AND k.region = $1 \
         WHERE t.day IS NOT NULL AND (k.seen IS NULL OR k.seen <> COALESCE(f.writes, 0)) ORDER BY t.day";
    fetch_all!(session, ChangedDay, SQL, REGION)
}

/// The days from an instant on that have sums.
///
/// # Errors
/// [`StoreError`].
pub async fn list_days(session: &mut Session, from: Millis) -> Result<Vec<i64>, StoreError> {
    const SQL: &str = "WITH RECURSIVE t(day) AS (SELECT MIN(day_start_ms) FROM usage_days WHERE day_start_ms >= $1 UNION ALL \
         SELECT (SELECT MIN(d.day_start_ms) FROM usage_days d WHERE d.day_start_ms > t.day) FROM t WHERE t.day IS NOT NULL) \
         SELECT t.day FROM t WHERE t.day IS NOT NULL";
    let days = fetch_all!(session, (i64,), SQL, from.0)?;
    Ok(days.into_iter().map(|(day,)| day).collect())
}

/// When a roll-up was made last; `None` when none was.
///
/// # Errors
/// [`StoreError`].
pub async fn last_made(session: &mut Session) -> Result<Option<Millis>, StoreError> {
    const SQL: &str = "SELECT MAX(refreshed_at_ms) FROM usage_marks WHERE region = $1";
    let rows = fetch_all!(session, (Option<i64>,), SQL, REGION)?;
    Ok(rows.first().and_then(|(at,)| *at).map(Millis))
}

/// What a day is rolled up to.
#[derive(Debug, Clone)]
pub struct DayRollup {
    of: ChangedDay,
    mix: BTreeMap<[String; 4], Figures>,
    subjects: BTreeMap<(&'static str, String), Figures>,
}

#[derive(Debug, sqlx::FromRow)]
struct DayRow {
    dims_uid: String,
    kind: String,
    actor: String,
    user_id: i64,
    team_uid: String,
    credential_uid: String,
    provider: String,
    model: String,
    source: String,
    tag_set_uid: String,
    #[sqlx(flatten)]
    figures: Figures,
}

impl DayRow {
    fn subjects(&self, tags: &BTreeMap<String, Tags>) -> Vec<(&'static str, String)> {
        let user = if self.user_id == 0 { String::new() } else { self.user_id.to_string() };
        let mut subjects =
            vec![("credential", self.credential_uid.clone()), ("actor", self.actor.clone()), ("user", user)];
        subjects.extend(self.actor.strip_prefix("token:").map(|id| ("token", id.to_owned())));
        if !self.team_uid.is_empty() {
            subjects.push(("team", self.team_uid.clone()));
        }
        let tags = tags.get(&self.tag_set_uid);
        subjects.extend(tags.into_iter().flatten().map(|(key, value)| ("tag", format!("{key}={value}"))));
        subjects
    }
}

/// Sums up a day. What is written to it meanwhile may be in it or not: it is counted as a write.
///
/// # Errors
/// [`StoreError`].
pub async fn sum_up(session: &mut Session, of: ChangedDay) -> Result<DayRollup, StoreError> {
    let tags = tags::tag_sets(session).await?;
    let mut rollup = DayRollup { of, mix: BTreeMap::new(), subjects: BTreeMap::new() };
    let mut after = String::new();
    loop {
        let mut sql = Statement::new(
            "SELECT d.dims_uid, m.kind, m.actor, m.user_id, m.team_uid, m.credential_uid, m.provider, m.model, m.source, \
             m.tag_set_uid, ",
        );
        sql.push(OF_DAYS)
            .push(" FROM usage_days d JOIN usage_dims m ON m.uid = d.dims_uid WHERE d.day_start_ms = ");
        sql.bind(of.day_start_ms).push(" AND d.region = ").bind(REGION);
        sql.push(" AND d.dims_uid > ").bind(after.as_str());
        sql.push(" ORDER BY d.dims_uid LIMIT ").bind(PAGE);
        let rows: Vec<DayRow> = sql.fetch_all(session).await?;
        let Some(last) = rows.last() else { return Ok(rollup) };
        after.clone_from(&last.dims_uid);
        for row in rows {
            for subject in row.subjects(&tags) {
                rollup.subjects.entry(subject).or_default().add(&row.figures);
            }
            let key = [row.kind, row.provider, row.model, row.source];
            rollup.mix.entry(key).or_default().add(&row.figures);
        }
    }
}

/// Writes the roll-ups of a day in place of those from before, and by how much it has grown into its month and, of today and
/// yesterday, into the hour. `false` when somebody else has written them since: then nothing is written.
///
/// # Errors
/// [`StoreError`].
pub async fn replace(tx: &mut Write, rollup: &DayRollup, now: Millis) -> Result<bool, StoreError> {
    const CLAIM: &str = "UPDATE usage_marks SET seen = $3, refreshed_at_ms = $4 \
                         WHERE region = $1 AND day_start_ms = $2 AND seen = $5";
    const FIRST: &str = "INSERT INTO usage_marks (region, day_start_ms, seen, refreshed_at_ms) VALUES ($1, $2, $3, $4) \
                         ON CONFLICT (region, day_start_ms) DO NOTHING";
    let ChangedDay { day_start_ms: day, writes, seen } = rollup.of;
    let claimed = match seen {
        Some(seen) => execute!(tx, CLAIM, REGION, day, writes, now.0, seen)?,
        None => execute!(tx, FIRST, REGION, day, writes, now.0)?,
    };
    if claimed == 0 {
        return Ok(false);
    }
    replace_mix(tx, rollup).await?;
    let before = subjects_of(tx, day).await?;
    let mut grown: Vec<(&(&'static str, String), Figures)> = Vec::new();
    for (subject, figures) in &rollup.subjects {
        let growth = figures.without(&before.get(subject).copied().unwrap_or_default());
        if growth != Figures::default() {
            grown.push((subject, growth));
        }
    }
    let now_figures =
        |subject: &(&'static str, String)| rollup.subjects.get(subject).copied().unwrap_or_default();
    let of_day = grown.iter().map(|(subject, _)| row(subject, day, &now_figures(subject)));
    put(tx, &DAYS, "usage_subject_days", "day_start_ms", of_day, Put::Instead).await?;
    let start = month::start(Millis(day)).0;
    let of_month = grown.iter().map(|(subject, growth)| row(subject, start, growth));
    put(tx, &MONTHS, "usage_subject_months", "month_start_ms", of_month, Put::OnTop).await?;
    // Of a day whose hours are all there. Of one that is over, its last.
    if day >= now.0 - HOURS_KEPT_MS {
        let within = now.0.clamp(day, day + DAY_MS - 1);
        let hour = within - within.rem_euclid(HOUR_MS);
        let lacking;
        if seen == Some(FROM_THE_START) {
            lacking = lacking_in_hours(tx, rollup).await?;
            grown = lacking.iter().map(|(subject, lack)| (subject, *lack)).collect();
        }
        let of_hour = grown.iter().map(|(subject, growth)| row(subject, hour, growth));
        put(tx, &HOURS, "usage_subject_hours", "hour_start_ms", of_hour, Put::OnTop).await?;
    }
    Ok(true)
}

/// By how much the hours of a day come to less than the day; below zero where they come to more.
async fn lacking_in_hours(
    tx: &mut Write,
    rollup: &DayRollup,
) -> Result<BTreeMap<(&'static str, String), Figures>, StoreError> {
    let mut lacking = rollup.subjects.clone();
    let day = rollup.of.day_start_ms;
    for dim in SUBJECTS {
        let mut sql = Statement::new("SELECT subject, ");
        sql.push(&totals(&COLUMNS)).push(" FROM usage_subject_hours WHERE dim = ").bind(dim);
        sql.push(" AND hour_start_ms >= ").bind(day).push(" AND hour_start_ms < ").bind(day + DAY_MS);
        sql.push(" AND region = ").bind(REGION).push(" GROUP BY subject");
        for SubjectRow { subject, figures } in sql.fetch_all(tx).await? {
            let lack = lacking.entry((dim, subject)).or_default();
            *lack = lack.without(&figures);
        }
    }
    lacking.retain(|_, lack| *lack != Figures::default());
    Ok(lacking)
}

/// A kind of subject, the expression of a subject, the condition of uses that have one, and what else they are joined with.
type SubjectOfLines = (&'static str, &'static str, &'static str, &'static str);

static DAYS: Rows = Rows::new();
static MONTHS: Rows = Rows::new();
static HOURS: Rows = Rows::new();

/// In place of the figures that are there, or on top of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Put {
    Instead,
    OnTop,
}

fn row(subject: &(&'static str, String), start: i64, figures: &Figures) -> Vec<Value> {
    let mut row: Vec<Value> = vec![subject.0.into(), subject.1.as_str().into(), start.into(), REGION.into()];
    row.extend(figures.to_values());
    row
}

async fn put(
    tx: &mut Write,
    texts: &'static Rows,
    table: &str,
    start: &str,
    rows: impl Iterator<Item = Vec<Value>>,
    how: Put,
) -> Result<(), StoreError> {
    let rows: Vec<_> = rows.collect();
    let text = || {
        let before =
            format!("INSERT INTO {table} (dim, subject, {start}, region, {}) VALUES", COLUMNS.join(", "));
        let figures = match how {
            Put::Instead => COLUMNS.map(|column| format!("{column} = excluded.{column}")).join(", "),
            Put::OnTop => saturating_all(table, &COLUMNS),
        };
        (before, format!("ON CONFLICT (dim, subject, {start}, region) DO UPDATE SET {figures}"))
    };
    texts.insert(tx, &rows, text).await.map(|_| ())
}

async fn replace_mix(tx: &mut Write, rollup: &DayRollup) -> Result<(), StoreError> {
    static MIX: Rows = Rows::new();
    let day = rollup.of.day_start_ms;
    execute!(tx, "DELETE FROM usage_days_mix WHERE day_start_ms = $1 AND region = $2", day, REGION)?;
    let row = |(key, figures): (&[String; 4], &Figures)| {
        let mut row: Vec<Value> = vec![day.into(), REGION.into()];
        row.extend(key.iter().map(|text| Value::from(text.as_str())));
        row.extend(figures.to_values());
        row
    };
    let rows: Vec<_> = rollup.mix.iter().map(row).collect();
    let text = || {
        let columns = COLUMNS.join(", ");
        let before = "INSERT INTO usage_days_mix (day_start_ms, region, kind, provider, model, source, ";
        (format!("{before}{columns}) VALUES"), String::new())
    };
    MIX.insert(tx, &rows, text).await.map(|_| ())
}

#[derive(Debug, sqlx::FromRow)]
struct SubjectRow {
    subject: String,
    #[sqlx(flatten)]
    figures: Figures,
}

async fn subjects_of(
    session: &mut Session,
    day: i64,
) -> Result<BTreeMap<(&'static str, String), Figures>, StoreError> {
    let mut found = BTreeMap::new();
    for dim in SUBJECTS {
        let mut sql = Statement::new("SELECT subject, ");
        sql.push(&COLUMNS.join(", ")).push(" FROM usage_subject_days WHERE dim = ").bind(dim);
        sql.push(" AND day_start_ms = ").bind(day).push(" AND region = ").bind(REGION);
        let rows: Vec<SubjectRow> = sql.fetch_all(session).await?;
        found.extend(rows.into_iter().map(|row| ((dim, row.subject), row.figures)));
    }
    Ok(found)
}

/// Forgets all roll-ups of days: the job makes them again. Meanwhile answers come from the days themselves.
///
/// # Errors
/// [`StoreError`].
pub async fn forget(tx: &mut Write) -> Result<(), StoreError> {
    const MARK: &str = "INSERT INTO usage_marks (region, day_start_ms, seen, refreshed_at_ms) \
                        SELECT DISTINCT region, day_start_ms, -2, 0 FROM usage_days WHERE true \
                        ON CONFLICT (region, day_start_ms) DO UPDATE SET seen = -2";
    execute!(tx, MARK)?;
    for table in
        ["DELETE FROM usage_days_mix", "DELETE FROM usage_subject_days", "DELETE FROM usage_subject_months"]
    {
        execute!(tx, table)?;
    }
    Ok(())
}

/// Writes the hours of subjects again, of the records since the beginning of a day; those from before go. Days are booked again by what
/// their hours lack: a job may have looked at them meanwhile.
///
/// # Errors
/// [`StoreError`].
pub async fn rebuild_hours(tx: &mut Write, from: Millis) -> Result<(), StoreError> {
    const TAG_ON_SQLITE: SubjectOfLines = (
        "tag",
        "j.key || '=' || j.value",
        "",
        " JOIN tag_sets t ON t.uid = m.tag_set_uid, json_each(t.tags) j",
    );
    const TAG_ON_POSTGRES: SubjectOfLines = (
        "tag",
        "j.key || '=' || j.value",
        "",
        " JOIN tag_sets t ON t.uid = m.tag_set_uid, jsonb_each_text(t.tags::jsonb) j(key, value)",
    );
    const AGAIN: &str = "UPDATE usage_marks SET seen = -2 WHERE day_start_ms >= $1";
    const USER: &str = "CASE WHEN m.user_id = 0 THEN '' ELSE CAST(m.user_id AS TEXT) END";
    let count = |condition: &str| format!("SUM(CASE WHEN {condition} THEN 1 ELSE 0 END)");
    let figures = [
        total_of("l.requests"),
        total_of("l.client_requests"),
        count("c.status BETWEEN 400 AND 499"),
        count("c.status = 0 OR c.status >= 500"),
        total_of("l.input_tokens"),
        total_of("l.cached_input_tokens"),
        total_of("l.cache_write_tokens + l.cache_write_long_tokens"),
        total_of("l.output_tokens"),
        total_of("l.reasoning_tokens"),
        total_of("COALESCE(l.cost_nano_usd, 0)"),
        count("l.cost_nano_usd IS NULL"),
        total_of("COALESCE(l.first_byte_ms, 0)"),
        "COUNT(l.first_byte_ms)".to_owned(),
        total_of("COALESCE(l.total_ms, 0)"),
        "COUNT(l.total_ms)".to_owned(),
    ];
    execute!(tx, AGAIN, from.0 - from.0.rem_euclid(DAY_MS))?;
    execute!(tx, "DELETE FROM usage_subject_hours")?;
    let tag = match tx.backend() {
        Backend::Sqlite => TAG_ON_SQLITE,
        Backend::Postgres => TAG_ON_POSTGRES,
    };
    for (dim, subject, condition, joined) in [
        ("credential", "m.credential_uid", "", ""),
        ("token", "SUBSTR(m.actor, 7)", " AND m.actor LIKE 'token:%'", ""),
        ("actor", "m.actor", "", ""),
        ("user", USER, "", ""),
        ("team", "m.team_uid", " AND m.team_uid <> ''", ""),
        tag,
    ] {
        let mut sql =
            Statement::new("INSERT INTO usage_subject_hours (dim, subject, hour_start_ms, region, ");
        sql.push(&COLUMNS.join(", ")).push(") SELECT ").push("'").push(dim).push("', ").push(subject);
        sql.push(", l.at_ms - l.at_ms % 3600000, l.region, ").push(&figures.join(", "));
        sql.push(" FROM usage_lines l JOIN usage_contexts c ON c.uid = l.context_uid JOIN usage_dims m ON m.uid = c.dims_uid");
        sql.push(joined).push(" WHERE l.uid >= ").bind(format!("{:012x}", from.0.max(0))).push(condition);
        sql.push(" GROUP BY 2, 3, 4");
        sql.execute(tx).await?;
    }
    Ok(())
}

/// Deletes hours of subjects from before an instant. Tells how many.
///
/// # Errors
/// [`StoreError`].
pub async fn delete_hours(tx: &mut Write, before: Millis) -> Result<u64, StoreError> {
    execute!(tx, "DELETE FROM usage_subject_hours WHERE hour_start_ms < $1", before.0)
}
