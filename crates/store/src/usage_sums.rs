//! Sums of usage by one or two dimensions, under conditions.

use std::collections::BTreeMap;

use strongroom_model::{Millis, Uid};

use crate::dynamic::Statement;
use crate::error::StoreError;
use crate::session::Session;
use crate::usage_figures::{COLUMNS, Figures, OF_DAYS, totals};
use crate::usage_record::Whose;
use crate::usage_rollup;

mod dim;
pub mod hours;
pub mod ranking;
pub(crate) mod tags;

pub use dim::Dim;
use dim::Source;
use tags::Tags;

/// Conditions on what is summed up; all of them hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SumsFilter {
    /// Whose.
    pub whose: Whose,
    /// The provider.
    pub provider: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// The credential.
    pub credential: Option<Uid>,
    /// The public id of the token.
    pub token: Option<String>,
    /// The user.
    pub user: Option<i64>,
    /// Where the key came from.
    pub source: Option<String>,
    /// A tag and its value.
    pub tag: Option<(String, String)>,
}

impl Default for SumsFilter {
    fn default() -> Self {
        Self {
            whose: Whose::All,
            provider: None,
            model: None,
            credential: None,
            token: None,
            user: None,
            source: None,
            tag: None,
        }
    }
}

/// Sums that somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SumsQuery {
    /// Grouped by this.
    pub by: Dim,
    /// And by this.
    pub split: Option<Dim>,
    /// Under these conditions.
    pub filter: SumsFilter,
    /// Of the days that begin here or later.
    pub from: Millis,
    /// And before this.
    pub to: Millis,
}

/// Sums of a group.
#[derive(Debug, Clone, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct GroupSums {
    /// The group.
    pub group_key: String,
    /// The group within it; empty where only one dimension was asked for.
    pub split_key: String,
    /// The sums.
    #[sqlx(flatten)]
    pub figures: Figures,
}

/// Sums of days, by the groups that are asked for.
///
/// # Errors
/// [`StoreError`].
pub async fn of_days(session: &mut Session, query: &SumsQuery) -> Result<Vec<GroupSums>, StoreError> {
    let tags = tags::needed(session, query).await?;
    let mut sql = Statement::new("SELECT ");
    sql.push(&query.by.shown("x.k")).push(" AS group_key, ");
    sql.push(&query.split.as_ref().map_or_else(|| "x.s".to_owned(), |split| split.shown("x.s")));
    sql.push(" AS split_key, x.* FROM (");
    put_groups(session, query, &tags, (None, &COLUMNS), &mut sql).await?;
    sql.push(") x ORDER BY 1, 2");
    let rows = sql.fetch_all(session).await?;
    Ok(if tags::dim_of(query).is_some() { tags::by_value(query, &tags, rows) } else { rows })
}

/// The sums as `k`, `s` and these figures, of the groups of these keys alone where some are told: of the split where there is one.
async fn put_groups(
    session: &mut Session,
    query: &SumsQuery,
    tags: &BTreeMap<String, Tags>,
    (keys, figures): (Option<&[String]>, &[&str]),
    sql: &mut Statement,
) -> Result<(), StoreError> {
    let source = Source::of(&query.by, query.split.as_ref(), &query.filter);
    let changed = match source {
        Source::Days => Vec::new(),
        Source::Mix | Source::Subjects(_) => days_to_refresh(session, query.from, query.to).await?,
    };
    let asked = Asked { query, tags, keys };
    sql.push("SELECT k, s, ").push(&totals(figures)).push(" FROM (");
    asked.put_arm(source, Days::But(&changed), sql);
    if source == Source::Subjects("tag") && tags::dim_of(query).is_some() {
        sql.push(" UNION ALL ");
        asked.put_arm(Source::Mix, Days::But(&changed), sql);
    }
    if !changed.is_empty() {
        sql.push(" UNION ALL ");
        asked.put_arm(Source::Days, Days::Only(&changed), sql);
    }
    sql.push(") u GROUP BY 1, 2");
    Ok(())
}

/// Days of a range.
#[derive(Debug, Clone, Copy)]
enum Days<'a> {
    But(&'a [i64]),
    Only(&'a [i64]),
}

struct Asked<'a> {
    query: &'a SumsQuery,
    tags: &'a BTreeMap<String, Tags>,
    keys: Option<&'a [String]>,
}

impl Asked<'_> {
    /// The rows of one table, with what they are grouped by.
    fn put_arm(&self, source: Source, days: Days<'_>, sql: &mut Statement) {
        let Self { query, tags, keys } = self;
        let split = query.split.as_ref().map_or_else(|| "''".to_owned(), |split| source.key(split));
        sql.push("SELECT ").push(&source.key(&query.by)).push(" AS k, ").push(&split).push(" AS s, ");
        let day = match source {
            Source::Days => {
                sql.push(OF_DAYS).push(" FROM usage_days d JOIN usage_dims m ON m.uid = d.dims_uid");
                "d.day_start_ms"
            }
            Source::Mix => {
                sql.push("m.").push(&COLUMNS.join(", m.")).push(" FROM usage_days_mix m");
                "m.day_start_ms"
            }
            Source::Subjects(_) => {
                sql.push("m.").push(&COLUMNS.join(", m.")).push(" FROM usage_subject_days m");
                "m.day_start_ms"
            }
        };
        sql.push(" WHERE ").push(day).push(" >= ").bind(query.from.0);
        sql.push(" AND ").push(day).push(" < ").bind(query.to.0);
        let (is_in, list) = match days {
            Days::But(list) => (" NOT IN (", list),
            Days::Only(list) => (" IN (", list),
        };
        if !list.is_empty() {
            let list: Vec<_> = list.iter().map(ToString::to_string).collect();
            sql.push(" AND ").push(day).push(is_in).push(&list.join(", ")).push(")");
        }
        if let Some(keys) = keys {
            let key = source.key(query.split.as_ref().unwrap_or(&query.by));
            sql.push(" AND ").push(&key).push(" IN (NULL");
            for key in *keys {
                sql.push(", ").bind(key.as_str());
            }
            sql.push(")");
        }
        if let Source::Subjects(dim) = source {
            put_subject(query, dim, sql);
            return;
        }
        for dim in [Some(&query.by), query.split.as_ref()] {
            if dim == Some(&Dim::Token) {
                sql.push(" AND m.actor LIKE 'token:%'");
            }
        }
        put_filter(&query.filter, tags, sql);
    }
}

fn put_subject(query: &SumsQuery, dim: &'static str, sql: &mut Statement) {
    let filter = &query.filter;
    sql.push(" AND m.dim = ").bind(dim);
    if let Some(tag) = tags::dim_of(query) {
        let before = format!("{tag}=");
        sql.push(&format!(" AND SUBSTR(m.subject, 1, {}) = ", before.chars().count())).bind(before);
    }
    let whose = match &filter.whose {
        Whose::All => None,
        Whose::Actor(actor) => Some(actor.clone()),
        Whose::User(user) => Some(user.to_string()),
    };
    let asked = [
        filter.credential.map(|uid| uid.to_string()),
        filter.token.clone(),
        filter.user.map(|user| user.to_string()),
        filter.tag.as_ref().map(|(key, value)| format!("{key}={value}")),
        whose,
    ];
    for subject in asked.into_iter().flatten() {
        sql.push(" AND m.subject = ").bind(subject);
    }
}

fn put_filter(filter: &SumsFilter, tags: &BTreeMap<String, Tags>, sql: &mut Statement) {
    match &filter.whose {
        Whose::All => {}
        Whose::Actor(actor) => {
            sql.push(" AND m.actor = ").bind(actor.as_str());
        }
        Whose::User(user) => {
            sql.push(" AND m.user_id = ").bind(*user);
        }
    }
    let texts = [
        ("m.provider", filter.provider.clone()),
        ("m.model", filter.model.clone()),
        ("m.credential_uid", filter.credential.map(|uid| uid.to_string())),
        ("m.actor", filter.token.as_ref().map(|id| format!("token:{id}"))),
        ("m.source", filter.source.clone()),
    ];
    for (column, text) in texts {
        if let Some(text) = text {
            sql.push(" AND ").push(column).push(" = ").bind(text);
        }
    }
    if let Some(user) = filter.user {
        sql.push(" AND m.user_id = ").bind(user);
    }
    if let Some((key, value)) = &filter.tag {
        let sets = tags.iter().filter(|(_, tags)| tags.get(key) == Some(value));
        sql.push(" AND m.tag_set_uid IN (NULL");
        for (uid, _) in sets {
            sql.push(", ").bind(uid.as_str());
        }
        sql.push(")");
    }
}

/// The days of a range whose roll-ups are behind: they are read from the days themselves, so that an answer is always exact.
async fn days_to_refresh(session: &mut Session, from: Millis, to: Millis) -> Result<Vec<i64>, StoreError> {
    let changed = usage_rollup::list_changed(session).await?;
    let within = |day: &i64| (from.0..to.0).contains(day);
    Ok(changed.into_iter().map(|changed| changed.day_start_ms).filter(within).collect())
}
