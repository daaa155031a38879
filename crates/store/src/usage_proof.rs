//! Roll-ups against the ledger: each sum equals what its records or its days come to.

use std::collections::BTreeMap;

use strongroom_model::Millis;

use crate::counter::Discrepancy;
use crate::dynamic::Statement;
use crate::error::StoreError;
use crate::session::Session;
use crate::sum::bounded;
use crate::usage::DAY_MS;
use crate::usage::five_minutes::FIGURES;
use crate::usage_figures::{COLUMNS, Figures, OF_DAYS, totals};
use crate::usage_hours::{HOUR_MS, HourRow, of_ledger};
use crate::usage_rollup::{self, SUBJECTS};
use crate::usage_sums::tags::{self, Tags};

/// Differences that are told at the most.
const MAX_TOLD: usize = 100;

/// What differs, so far.
#[derive(Debug, Default)]
struct Found(Vec<Discrepancy>);

impl Found {
    /// Tells the first figure that is not the same.
    fn compare(
        &mut self,
        (table, window): (&str, &str),
        key: &str,
        start_ms: i64,
        names: &[&str],
        (counted, recorded): (&[i64], &[i64]),
    ) {
        let differs = (0..names.len()).find(|place| counted[*place] != recorded[*place]);
        let Some(place) = differs.filter(|_| self.0.len() < MAX_TOLD) else { return };
        self.0.push(Discrepancy {
            subject_uid: if key.is_empty() { table.to_owned() } else { format!("{table} {key}") },
            unit: names[place].to_owned(),
            window_kind: window.to_owned(),
            window_start_ms: start_ms,
            counted: counted[place],
            recorded: recorded[place],
        });
    }

    /// Compares what two sides have by the same keys; what one does not have is zero.
    fn compare_all<const N: usize>(
        &mut self,
        of: (&str, &str),
        names: &[&str; N],
        counted: &BTreeMap<(i64, String), [i64; N]>,
        recorded: &BTreeMap<(i64, String), [i64; N]>,
    ) {
        let nothing = [0; N];
        let keys: std::collections::BTreeSet<_> = counted.keys().chain(recorded.keys()).collect();
        for key in keys {
            let sides = [counted, recorded].map(|side| side.get(key).unwrap_or(&nothing));
            self.compare(of, &key.1, key.0, names, (sides[0], sides[1]));
        }
    }
}

/// Every sum that does not equal its records, of days from `kept_from` on, of which all records are there; and every roll-up that
/// does not equal its days, of those that are not behind. None, as long as all is well. The session is a snapshot.
///
/// # Errors
/// [`StoreError`].
pub async fn discrepancies(session: &mut Session, kept_from: Millis) -> Result<Vec<Discrepancy>, StoreError> {
    let mut found = Found::default();
    let from = Millis((kept_from.0 + DAY_MS - 1).div_euclid(DAY_MS) * DAY_MS);
    let until = Millis(i64::MAX);
    let ledger = of_ledger(session, HOUR_MS, from, until).await?;
    found.compare_all(("usage_hours", "hour"), &FIGURES, &hours(session, from).await?, &by_hour(&ledger));
    let (counted, recorded) = (days(session, from).await?, by_day(&ledger));
    found.compare_all(("usage_days", "day"), &IN_BOTH, &counted, &recorded);
    compare_rollups(session, &mut found).await?;
    compare_subject_hours(session, from, &mut found).await?;
    Ok(found.0)
}

fn by_hour(rows: &[HourRow]) -> BTreeMap<(i64, String), [i64; FIGURES.len()]> {
    rows.iter().map(|row| ((row.key.start_ms, key_of(row)), row.figures.0)).collect()
}

fn key_of(HourRow { key, .. }: &HourRow) -> String {
    format!("{} {} {} {} {}", key.kind, key.provider, key.model, key.source, key.status_class)
}

async fn hours(
    session: &mut Session,
    from: Millis,
) -> Result<BTreeMap<(i64, String), [i64; FIGURES.len()]>, StoreError> {
    let key = "region, kind, provider, model, source, status_class";
    let figures = FIGURES.join(", ");
    let mut sql = Statement::new(format!("SELECT start_ms, {key}, {} FROM (", totals(&FIGURES)));
    sql.push("SELECT start_ms, ").push(key).push(", ").push(&figures);
    sql.push(" FROM usage_hours WHERE start_ms >= ").bind(from.0);
    sql.push(" UNION ALL SELECT start_ms - start_ms % 3600000, ").push(key).push(", ").push(&figures);
    sql.push(" FROM usage_5m WHERE start_ms >= ").bind(from.0).push(") u GROUP BY start_ms, ").push(key);
    let rows: Vec<HourRow> = sql.fetch_all(session).await?;
    Ok(by_hour(&rows))
}

/// Figures that days and hours both have: all of an hour but the number of its records, up to those of times.
const IN_BOTH: [&str; 13] = {
    let (mut names, mut place) = ([""; 13], 0);
    while place < names.len() {
        names[place] = FIGURES[place + 1];
        place += 1;
    }
    names
};

fn by_day(rows: &[HourRow]) -> BTreeMap<(i64, String), [i64; IN_BOTH.len()]> {
    let mut days: BTreeMap<(i64, String), [i64; IN_BOTH.len()]> = BTreeMap::new();
    for row in rows {
        let day = row.key.start_ms - row.key.start_ms.rem_euclid(DAY_MS);
        let sums = days.entry((day, String::new())).or_insert([0; IN_BOTH.len()]);
        for (sum, more) in sums.iter_mut().zip(&row.figures.0[1..]) {
            *sum = sum.saturating_add(*more);
        }
    }
    days
}

#[derive(Debug, sqlx::FromRow)]
struct KeyedRow {
    start_ms: i64,
    k: String,
    #[sqlx(flatten)]
    figures: Figures,
}

fn keyed(rows: Vec<KeyedRow>) -> Sums {
    rows.into_iter().map(|row| ((row.start_ms, row.k), row.figures.values())).collect()
}

async fn days(
    session: &mut Session,
    from: Millis,
) -> Result<BTreeMap<(i64, String), [i64; IN_BOTH.len()]>, StoreError> {
    let mut sql = Statement::new("SELECT day_start_ms AS start_ms, '' AS k, ");
    sql.push(&totals(&COLUMNS)).push(" FROM (SELECT d.day_start_ms, ").push(OF_DAYS);
    sql.push(" FROM usage_days d WHERE d.day_start_ms >= ").bind(from.0).push(") u GROUP BY 1");
    let rows: Vec<KeyedRow> = sql.fetch_all(session).await?;
    let without_errors = |values: [i64; COLUMNS.len()]| {
        let mut kept = [0; IN_BOTH.len()];
        kept[..2].copy_from_slice(&values[..2]);
        kept[2..].copy_from_slice(&values[4..]);
        kept
    };
    Ok(keyed(rows).into_iter().map(|(key, values)| (key, without_errors(values))).collect())
}

type Sums = BTreeMap<(i64, String), [i64; COLUMNS.len()]>;

/// Sums by each tag, of sums by whole sets of tags.
fn by_tag(sets: &Sums, tags: &BTreeMap<String, Tags>) -> Sums {
    let mut sums = Sums::new();
    for ((day, set), figures) in sets {
        for (key, value) in tags.get(set).into_iter().flatten() {
            let sum = sums.entry((*day, format!("{key}={value}"))).or_insert([0; COLUMNS.len()]);
            for (sum, more) in sum.iter_mut().zip(figures) {
                *sum = bounded(sum.saturating_add(*more));
            }
        }
    }
    sums
}

/// Roll-ups of days that are not behind, against those days; and months against days.
async fn compare_rollups(session: &mut Session, found: &mut Found) -> Result<(), StoreError> {
    let behind: Vec<_> =
        usage_rollup::list_changed(session).await?.into_iter().map(|changed| changed.day_start_ms).collect();
    let list = behind.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let but = |day: &str| if list.is_empty() { "true".to_owned() } else { format!("{day} NOT IN ({list})") };
    let of_days = async |session: &mut Session, key: &str, condition: &str| {
        let mut sql = Statement::new("SELECT day_start_ms AS start_ms, k, ");
        sql.push(&totals(&COLUMNS))
            .push(" FROM (SELECT d.day_start_ms, ")
            .push(key)
            .push(" AS k, ")
            .push(OF_DAYS);
        sql.push(" FROM usage_days d JOIN usage_dims m ON m.uid = d.dims_uid WHERE ")
            .push(&but("d.day_start_ms"));
        sql.push(condition).push(") u GROUP BY 1, 2");
        Ok::<_, StoreError>(keyed(sql.fetch_all(session).await?))
    };
    let mix = "KEY.kind || ' ' || KEY.provider || ' ' || KEY.model || ' ' || KEY.source";
    let recorded = of_days(session, &mix.replace("KEY", "m"), "").await?;
    let mut sql = Statement::new("SELECT x.day_start_ms AS start_ms, ");
    sql.push(&mix.replace("KEY", "x")).push(" AS k, x.").push(&COLUMNS.join(", x."));
    sql.push(" FROM usage_days_mix x WHERE ").push(&but("x.day_start_ms"));
    found.compare_all(("usage_days_mix", "day"), &COLUMNS, &keyed(sql.fetch_all(session).await?), &recorded);
    let tags = tags::tag_sets(session).await?;
    for (dim, key, condition) in [
        ("credential", "m.credential_uid", ""),
        ("token", "SUBSTR(m.actor, 7)", " AND m.actor LIKE 'token:%'"),
        ("actor", "m.actor", ""),
        ("user", "CASE WHEN m.user_id = 0 THEN '' ELSE CAST(m.user_id AS TEXT) END", ""),
        ("team", "m.team_uid", " AND m.team_uid <> ''"),
        ("tag", "m.tag_set_uid", " AND m.tag_set_uid <> ''"),
    ] {
        let mut recorded = of_days(session, key, condition).await?;
        if dim == "tag" {
            recorded = by_tag(&recorded, &tags);
        }
        let mut sql = Statement::new("SELECT x.day_start_ms AS start_ms, x.subject AS k, x.");
        sql.push(&COLUMNS.join(", x.")).push(" FROM usage_subject_days x WHERE x.dim = ").bind(dim);
        sql.push(" AND ").push(&but("x.day_start_ms"));
        let table = format!("usage_subject_days {dim}");
        found.compare_all((&table, "day"), &COLUMNS, &keyed(sql.fetch_all(session).await?), &recorded);
    }
    for dim in SUBJECTS {
        let mut sql = Statement::new("SELECT x.month_start_ms AS start_ms, x.subject AS k, x.");
        sql.push(&COLUMNS.join(", x.")).push(" FROM usage_subject_months x WHERE x.dim = ").bind(dim);
        let counted = keyed(sql.fetch_all(session).await?);
        let mut sql = Statement::new("SELECT x.day_start_ms AS start_ms, x.subject AS k, x.");
        sql.push(&COLUMNS.join(", x.")).push(" FROM usage_subject_days x WHERE x.dim = ").bind(dim);
        let mut recorded: BTreeMap<(i64, String), Figures> = BTreeMap::new();
        for row in sql.fetch_all::<KeyedRow>(session).await? {
            let month = strongroom_model::month::start(Millis(row.start_ms)).0;
            recorded.entry((month, row.k)).or_default().add(&row.figures);
        }
        let recorded = recorded.into_iter().map(|(key, figures)| (key, figures.values())).collect();
        let table = format!("usage_subject_months {dim}");
        found.compare_all((&table, "month"), &COLUMNS, &counted, &recorded);
    }
    Ok(())
}

/// Hours of subjects of a day against that day, of days that are not behind and whose hours are all there. They are booked to the hour
/// in which a job looked, so that only whole days of them equal anything.
async fn compare_subject_hours(
    session: &mut Session,
    from: Millis,
    found: &mut Found,
) -> Result<(), StoreError> {
    let kept = session.now().await?.0 - usage_rollup::HOURS_KEPT_MS;
    let from = from.0.max((kept + DAY_MS - 1).div_euclid(DAY_MS) * DAY_MS);
    let behind: Vec<_> =
        usage_rollup::list_changed(session).await?.into_iter().map(|changed| changed.day_start_ms).collect();
    let is_compared = |row: &KeyedRow| !behind.contains(&row.start_ms);
    for dim in SUBJECTS {
        let mut sql =
            Statement::new("SELECT hour_start_ms - hour_start_ms % 86400000 AS start_ms, subject AS k, ");
        sql.push(&totals(&COLUMNS)).push(" FROM usage_subject_hours WHERE dim = ").bind(dim);
        sql.push(" AND hour_start_ms >= ").bind(from).push(" GROUP BY 1, 2");
        let mut counted: Vec<KeyedRow> = sql.fetch_all(session).await?;
        let mut sql = Statement::new("SELECT day_start_ms AS start_ms, subject AS k, ");
        sql.push(&totals(&COLUMNS)).push(" FROM usage_subject_days WHERE dim = ").bind(dim);
        sql.push(" AND day_start_ms >= ").bind(from).push(" GROUP BY 1, 2");
        let mut recorded: Vec<KeyedRow> = sql.fetch_all(session).await?;
        counted.retain(is_compared);
        recorded.retain(is_compared);
        let table = format!("usage_subject_hours {dim}");
        found.compare_all((&table, "day"), &COLUMNS, &keyed(counted), &keyed(recorded));
    }
    Ok(())
}
