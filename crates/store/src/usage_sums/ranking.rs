//! The largest groups by one dimension, and the days of some of them.

use super::{Dim, GroupSums, SumsQuery, of_days, put_groups, tags};
use crate::dynamic::Statement;
use crate::error::StoreError;
use crate::session::Session;
use crate::usage_figures::{COLUMNS, Figures};

/// The figure by which groups are put in order, the largest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Their cost.
    Cost,
    /// Requests of clients.
    Calls,
    /// Tokens of prompts and answers.
    Tokens,
    /// Uses that failed.
    Errors,
}

impl Order {
    pub(super) const fn expression(self) -> &'static str {
        match self {
            Self::Cost => "cost_nano_usd",
            Self::Calls => "client_requests",
            Self::Tokens => "input_tokens + output_tokens",
            Self::Errors => "errors_client + errors_provider",
        }
    }

    /// The figure itself.
    #[must_use]
    pub const fn of(self, figures: &Figures) -> i64 {
        match self {
            Self::Cost => figures.cost_nano_usd,
            Self::Calls => figures.client_requests,
            Self::Tokens => figures.input_tokens.saturating_add(figures.output_tokens),
            Self::Errors => figures.errors_client.saturating_add(figures.errors_provider),
        }
    }
}

/// A group and its sums.
#[derive(Debug, Clone, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Ranked {
    /// What the group is of, as it is stored: the identity of a credential, and not its name.
    pub group_key: String,
    /// Its name, as [`GroupSums::group_key`] has it.
    pub name: String,
    /// The sums.
    #[sqlx(flatten)]
    pub figures: Figures,
}

/// Sums of a group on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayOfGroup {
    /// The first instant of the day.
    pub day_start_ms: i64,
    /// What the group is of, as it is stored.
    pub group_key: String,
    /// The sums.
    pub figures: Figures,
}

/// The largest groups, at most so many; with `keys`, of these alone. The question is by one dimension.
///
/// # Errors
/// [`StoreError`].
pub async fn largest(
    session: &mut Session,
    query: &SumsQuery,
    keys: Option<&[String]>,
    order: Order,
    count: usize,
) -> Result<Vec<Ranked>, StoreError> {
    if keys.is_some_and(<[String]>::is_empty) {
        return Ok(Vec::new());
    }
    if let Dim::Tag(_) = query.by {
        // Known only when values were told from each other. Of each key there are some hundreds a day.
        let mut found: Vec<Ranked> = of_days(session, query)
            .await?
            .into_iter()
            .map(|group| Ranked {
                name: group.group_key.clone(),
                group_key: group.group_key,
                figures: group.figures,
            })
            .filter(|group| keys.is_none_or(|keys| keys.contains(&group.group_key)))
            .collect();
        found.sort_by(|one, other| {
            order
                .of(&other.figures)
                .cmp(&order.of(&one.figures))
                .then_with(|| one.group_key.cmp(&other.group_key))
        });
        found.truncate(count);
        return Ok(found);
    }
    let of_order: Vec<&str> = order.expression().split(" + ").collect();
    let rank = |table: &str| {
        let expression: Vec<_> = of_order.iter().map(|column| format!("{table}.{column}")).collect();
        format!(" ORDER BY {} DESC, {table}.requests DESC, {table}.k", expression.join(" + "))
    };
    let tags = tags::needed(session, query).await?;
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let found: Vec<String>;
    let keys = match keys {
        Some(keys) => keys,
        // There may be very many: by the one figure they are put in order, and all figures are summed up of those that are told.
        None => {
            let figures: Vec<&str> = of_order.iter().copied().chain(["requests"]).collect();
            let mut sql = Statement::new("SELECT x.k FROM (");
            put_groups(session, query, &tags, (None, &figures), &mut sql).await?;
            sql.push(") x").push(&rank("x")).push(" LIMIT ").bind(count);
            let rows: Vec<(String,)> = sql.fetch_all(session).await?;
            found = rows.into_iter().map(|(key,)| key).collect();
            if found.is_empty() {
                return Ok(Vec::new());
            }
            &found
        }
    };
    // Names are looked up of those alone that are told.
    let mut sql = Statement::new("SELECT y.k AS group_key, ");
    sql.push(&query.by.shown("y.k")).push(" AS name, y.* FROM (SELECT x.* FROM (");
    put_groups(session, query, &tags, (Some(keys), &COLUMNS), &mut sql).await?;
    sql.push(") x").push(&rank("x")).push(" LIMIT ").bind(count);
    sql.push(") y").push(&rank("y"));
    sql.fetch_all(session).await
}

/// The sums of some groups by day, in the order of time. The question is by one dimension.
///
/// # Errors
/// [`StoreError`].
pub async fn by_day(
    session: &mut Session,
    query: &SumsQuery,
    keys: &[String],
) -> Result<Vec<DayOfGroup>, StoreError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let query = SumsQuery { by: Dim::Day, split: Some(query.by.clone()), ..query.clone() };
    let rows = if let Some(Dim::Tag(_)) = query.split {
        let rows = of_days(session, &query).await?;
        rows.into_iter().filter(|group| keys.contains(&group.split_key)).collect()
    } else {
        let mut sql = Statement::new("SELECT x.k AS group_key, x.s AS split_key, x.* FROM (");
        let tags = tags::needed(session, &query).await?;
        put_groups(session, &query, &tags, (Some(keys), &COLUMNS), &mut sql).await?;
        sql.push(") x");
        sql.fetch_all::<GroupSums>(session).await?
    };
    let day = |group: GroupSums| DayOfGroup {
        day_start_ms: group.group_key.parse().unwrap_or(0),
        group_key: group.split_key,
        figures: group.figures,
    };
    let mut days: Vec<_> = rows.into_iter().map(day).collect();
    days.sort_by(|one, other| {
        one.day_start_ms.cmp(&other.day_start_ms).then_with(|| one.group_key.cmp(&other.group_key))
    });
    Ok(days)
}
