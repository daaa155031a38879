//! Sums of usage by one or two dimensions, under conditions.

use std::collections::BTreeMap;

use strongroom_model::{Millis, Uid};

use crate::dispatch::fetch_all;
use crate::dynamic::Statement;
use crate::error::StoreError;
use crate::session::Session;
use crate::usage_figures::{COLUMNS, Figures, OF_DAYS, totals};
use crate::usage_record::Whose;
use crate::usage_rollup;

/// A dimension of usage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dim {
    /// The credential's name, of a deleted one with the beginning of its identity, as `openai-primary (deleted, 63818d8e)`: another
    /// one may have its name by now. Empty for the environment.
    Credential,
    /// The same with the number of the version, as `openai-primary v3`; empty for the environment.
    Version,
    /// The provider.
    Provider,
    /// The provider's name of the model; empty for keys that were handed out.
    Model,
    /// The public id of the token; what others than tokens did is left out.
    Token,
    /// The user's number; empty for those without one.
    User,
    /// Where the key came from.
    Source,
    /// The operation.
    Operation,
    /// The first instant of the day.
    Day,
    /// The value of a tag; empty where it is not set.
    Tag(String),
}

impl Dim {
    /// The column or expression that groups are told apart by.
    const fn raw(&self) -> &'static str {
        match self {
            Self::Credential => "m.credential_uid",
            Self::Version => "m.version_uid",
            Self::Provider => "m.provider",
            Self::Model => "m.model",
            Self::Token => "SUBSTR(m.actor, 7)",
            Self::User => "CASE WHEN m.user_id = 0 THEN '' ELSE CAST(m.user_id AS TEXT) END",
            Self::Source => "m.source",
            Self::Operation => "m.operation",
            // Of whichever table the days come from.
            Self::Day => "",
            Self::Tag(_) => "m.tag_set_uid",
        }
    }

    /// How a group is named, from its column in the sums `x`.
    fn shown(&self, column: &str) -> String {
        const NAME: &str = "c.name || CASE WHEN c.deleted_at_ms IS NULL THEN '' ELSE ' (deleted, ' || SUBSTR(c.uid, 1, 8) || ')' END";
        match self {
            Self::Credential => {
                format!("COALESCE((SELECT {NAME} FROM api_credentials c WHERE c.uid = {column}), {column})")
            }
            Self::Version => format!(
                "COALESCE((SELECT {NAME} || ' v' || CAST(v.number AS TEXT) FROM credential_versions v \
                 JOIN api_credentials c ON c.uid = v.credential_uid WHERE v.uid = {column}), {column})"
            ),
            _ => column.to_owned(),
        }
    }
}

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

/// The tables that an answer comes from: the smallest that know all that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// Days by all that usage is told apart by.
    Days,
    /// Days by provider, model and source.
    Mix,
    /// Days by one kind of subject.
    Subjects(&'static str),
}

impl Source {
    fn of(query: &SumsQuery) -> Self {
        let SumsFilter { whose, provider, model, credential, token, user, source, tag } = &query.filter;
        let dims = [Some(&query.by), query.split.as_ref()];
        let dims = || dims.into_iter().flatten();
        let subject = |dim: &Dim| match dim {
            Dim::Credential => Some("credential"),
            Dim::Token => Some("token"),
            Dim::User => Some("user"),
            _ => None,
        };
        let is_mixed = |dim: &Dim| matches!(dim, Dim::Provider | Dim::Model | Dim::Source);
        let is_other = |dim: &Dim| subject(dim).is_none() && !is_mixed(dim) && *dim != Dim::Day;
        let asked = [
            credential.map(|_| "credential"),
            token.as_ref().map(|_| "token"),
            user.map(|_| "user"),
            match whose {
                Whose::All => None,
                Whose::Actor(actor) if actor.starts_with("token:") => Some("token"),
                // Only days know others than tokens.
                Whose::Actor(_) => return Self::Days,
                Whose::User(_) => Some("user"),
            },
        ];
        let mut subjects: Vec<_> = dims().filter_map(subject).chain(asked.into_iter().flatten()).collect();
        subjects.sort_unstable();
        subjects.dedup();
        let is_mix = dims().any(is_mixed) || provider.is_some() || model.is_some() || source.is_some();
        match subjects.as_slice() {
            _ if tag.is_some() || dims().any(is_other) => Self::Days,
            [] => Self::Mix,
            [one] if !is_mix => Self::Subjects(one),
            _ => Self::Days,
        }
    }

    /// The column or expression that groups are told apart by.
    const fn key(self, dim: &Dim) -> &'static str {
        match (self, dim) {
            (Self::Days, Dim::Day) => "CAST(d.day_start_ms AS TEXT)",
            (_, Dim::Day) => "CAST(m.day_start_ms AS TEXT)",
            (Self::Subjects(_), _) => "m.subject",
            (_, dim) => dim.raw(),
        }
    }
}

/// Sums of days, by the groups that are asked for.
///
/// # Errors
/// [`StoreError`].
pub async fn of_days(session: &mut Session, query: &SumsQuery) -> Result<Vec<GroupSums>, StoreError> {
    let tags = match needs_tags(query) {
        true => tag_sets(session).await?,
        false => BTreeMap::new(),
    };
    let source = Source::of(query);
    let mut sql = Statement::new("SELECT ");
    sql.push(&query.by.shown("x.k")).push(" AS group_key, ");
    sql.push(&query.split.as_ref().map_or_else(|| "x.s".to_owned(), |split| split.shown("x.s")));
    sql.push(" AS split_key, x.* FROM (SELECT k, s, ").push(&totals(&COLUMNS)).push(" FROM (");
    let changed = match source {
        Source::Days => Vec::new(),
        Source::Mix | Source::Subjects(_) => days_to_refresh(session, query.from, query.to).await?,
    };
    put_arm(query, source, Days::But(&changed), &tags, &mut sql);
    if !changed.is_empty() {
        sql.push(" UNION ALL ");
        put_arm(query, Source::Days, Days::Only(&changed), &tags, &mut sql);
    }
    sql.push(") u GROUP BY 1, 2) x ORDER BY 1, 2");
    let rows = sql.fetch_all(session).await?;
    Ok(with_tags(query, &tags, rows))
}

/// Days of a range.
enum Days<'a> {
    But(&'a [i64]),
    Only(&'a [i64]),
}

/// The rows of one table, with what they are grouped by.
fn put_arm(
    query: &SumsQuery,
    source: Source,
    days: Days<'_>,
    tags: &BTreeMap<String, Tags>,
    sql: &mut Statement,
) {
    let split = query.split.as_ref().map_or("''", |split| source.key(split));
    sql.push("SELECT ").push(source.key(&query.by)).push(" AS k, ").push(split).push(" AS s, ");
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
    if let Source::Subjects(dim) = source {
        put_subject(&query.filter, dim, sql);
        return;
    }
    for dim in [Some(&query.by), query.split.as_ref()] {
        if dim == Some(&Dim::Token) {
            sql.push(" AND m.actor LIKE 'token:%'");
        }
    }
    put_filter(&query.filter, tags, sql);
}

fn put_subject(filter: &SumsFilter, dim: &'static str, sql: &mut Statement) {
    sql.push(" AND m.dim = ").bind(dim);
    let whose = match &filter.whose {
        Whose::All => None,
        Whose::Actor(actor) => actor.strip_prefix("token:").map(ToOwned::to_owned),
        Whose::User(user) => Some(user.to_string()),
    };
    let asked = [
        filter.credential.map(|uid| uid.to_string()),
        filter.token.clone(),
        filter.user.map(|user| user.to_string()),
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

/// The tags of a set, by key.
pub(crate) type Tags = BTreeMap<String, String>;

fn needs_tags(query: &SumsQuery) -> bool {
    let is_tag = |dim: &Dim| matches!(dim, Dim::Tag(_));
    query.filter.tag.is_some() || is_tag(&query.by) || query.split.as_ref().is_some_and(is_tag)
}

/// Every set of tags, by its identity. One that cannot be read has none.
pub(crate) async fn tag_sets(session: &mut Session) -> Result<BTreeMap<String, Tags>, StoreError> {
    let rows = fetch_all!(session, (String, String), "SELECT uid, tags FROM tag_sets")?;
    Ok(rows.into_iter().map(|(uid, tags)| (uid, serde_json::from_str(&tags).unwrap_or_default())).collect())
}

/// The groups by the values of a tag, of groups by whole sets of tags.
fn with_tags(query: &SumsQuery, tags: &BTreeMap<String, Tags>, rows: Vec<GroupSums>) -> Vec<GroupSums> {
    let value = |dim: Option<&Dim>, key: &str| match dim {
        Some(Dim::Tag(tag)) => tags.get(key).and_then(|tags| tags.get(tag)).cloned().unwrap_or_default(),
        _ => key.to_owned(),
    };
    let is_tag = |dim: Option<&Dim>| matches!(dim, Some(Dim::Tag(_)));
    if !is_tag(Some(&query.by)) && !is_tag(query.split.as_ref()) {
        return rows;
    }
    let mut merged: BTreeMap<(String, String), GroupSums> = BTreeMap::new();
    for row in rows {
        let group_key = value(Some(&query.by), &row.group_key);
        let split_key = value(query.split.as_ref(), &row.split_key);
        let sums = merged.entry((group_key.clone(), split_key.clone()));
        let sums = sums.or_insert_with(|| GroupSums { group_key, split_key, ..GroupSums::default() });
        sums.figures.add(&row.figures);
    }
    merged.into_values().collect()
}
