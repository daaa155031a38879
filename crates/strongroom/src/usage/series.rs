//! Series of usage: one figure over time, split by a dimension, beside the same number of days before.

use std::collections::BTreeMap;

use strongroom_model::{Millis, Problem, Uid, UserId};
use strongroom_store::usage_sums::ranking::{self, Ranked};
use strongroom_store::usage_top::{self, Period};
use strongroom_store::{Session, token, usage_sums, user};

use super::UsageService;
use super::sums::{Dim, Figures, SumsFilter, SumsQuery};

pub use strongroom_store::usage_sums::ranking::Order;

/// Series that are listed at the most; the largest ones are drawn.
pub const MAX_LISTED: usize = 50;
/// Series that days are told apart by; all others are one.
const MAX_SERIES: usize = 6;

/// A question about usage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesQuestion {
    /// The dimension that tells series apart.
    pub by: Dim,
    /// Conditions on what counts.
    pub filter: SumsFilter,
    /// The first instant of the first day (UTC).
    pub from: Millis,
    /// The first instant behind the last day.
    pub to: Millis,
    /// The figure by which series are put in order.
    pub order: Order,
}

impl SeriesQuestion {
    fn query(&self, by: Dim, (from, to): (Millis, Millis)) -> SumsQuery {
        SumsQuery { by, split: None, filter: self.filter.clone(), from, to }
    }
}

/// A series with its sums.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// The value of the dimension, as it is stored.
    pub key: String,
    /// Its name, as people know it.
    pub name: String,
    /// The sums of the days that were asked for.
    pub used: Figures,
    /// The sums of as many days before; `None` when there was nothing.
    pub before: Option<Figures>,
}

/// What was used of a series on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedOnDay {
    /// The first instant of the day.
    pub day_start_ms: i64,
    /// The value of the dimension; `None` of all series together that are not drawn.
    pub series: Option<String>,
    /// The sums.
    pub used: Figures,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesReport {
    /// The sum of everything.
    pub total: Figures,
    /// The same of as many days before.
    pub before: Figures,
    /// The largest series, [`MAX_LISTED`] at the most.
    pub series: Vec<Series>,
    /// Set when there are more of them.
    pub has_more: bool,
    /// Sums by day: of the first series by name, and of all others together.
    pub days: Vec<UsedOnDay>,
    /// The instant at which it was read.
    pub as_of: Millis,
}

impl SeriesReport {
    /// The series that [`Self::days`] tells apart.
    #[must_use]
    pub fn drawn(&self) -> &[Series] {
        &self.series[..self.series.len().min(MAX_SERIES)]
    }
}

impl UsageService {
    /// Sums of the days that begin within the range, split and filtered, beside those of as many days before.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn series(&self, question: &SeriesQuestion) -> Result<SeriesReport, Problem> {
        self.admission.settle_now().await?;
        // What is not drawn is what is left of everything: all parts of an answer are of one instant.
        let mut session = self.custody.store.snapshot().await?;
        let query = question.query(question.by.clone(), (question.from, question.to));
        let found = ranking::largest(&mut session, &query, None, question.order, MAX_LISTED + 1).await?;
        report(&mut session, question, found).await
    }

    /// The same of the credentials that cost most in the last 30 days, as a job has ranked them: it does not sum up everybody.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn top_credentials(&self, from: Millis, to: Millis) -> Result<SeriesReport, Problem> {
        let question = SeriesQuestion {
            by: Dim::Credential,
            filter: SumsFilter::default(),
            from,
            to,
            order: Order::Cost,
        };
        self.admission.settle_now().await?;
        let mut session = self.custody.store.snapshot().await?;
        let tops = usage_top::list(&mut session, Period::Month, "credential").await?;
        let keys: Vec<_> = tops.into_iter().map(|top| top.subject).collect();
        let query = question.query(Dim::Credential, (from, to));
        let found =
            ranking::largest(&mut session, &query, Some(&keys), question.order, MAX_LISTED + 1).await?;
        report(&mut session, &question, found).await
    }
}

async fn report(
    session: &mut Session,
    question: &SeriesQuestion,
    mut found: Vec<Ranked>,
) -> Result<SeriesReport, Problem> {
    let as_of = session.now().await?;
    let SeriesQuestion { by, from, to, order, .. } = question;
    let range = (*from, *to);
    // A day that is not over yet is compared with a whole one: so are all tables of days, and it says so.
    let range_before = (Millis(from.0 - (to.0 - from.0)), *from);
    let (total, mut left) = by_day(session, question, range).await?;
    let (before, _) = by_day(session, question, range_before).await?;
    let has_more = found.len() > MAX_LISTED;
    found.truncate(MAX_LISTED);
    let keys: Vec<_> = found.iter().map(|one| one.group_key.clone()).collect();
    let query = question.query(by.clone(), range_before);
    let earlier = ranking::largest(session, &query, Some(&keys), *order, keys.len()).await?;
    let mut earlier: BTreeMap<_, _> = earlier.into_iter().map(|one| (one.group_key, one.figures)).collect();
    let drawn = &keys[..keys.len().min(MAX_SERIES)];
    let query = question.query(by.clone(), range);
    let mut days = Vec::new();
    for day in ranking::by_day(session, &query, drawn).await? {
        if let Some(left) = left.get_mut(&day.day_start_ms) {
            *left = left.without(&day.figures);
        }
        days.push(UsedOnDay {
            day_start_ms: day.day_start_ms,
            series: Some(day.group_key),
            used: day.figures,
        });
    }
    let rest = left.into_iter().filter(|(_, used)| *used != Figures::default());
    days.extend(rest.map(|(day_start_ms, used)| UsedOnDay { day_start_ms, series: None, used }));
    days.sort_by(|one, other| {
        // What is left stands behind the series of its day.
        let order = |day: &UsedOnDay| (day.day_start_ms, day.series.is_none());
        order(one).cmp(&order(other)).then_with(|| one.series.cmp(&other.series))
    });
    let mut series = Vec::with_capacity(found.len());
    for one in found {
        let name = name_of(session, by, &one).await?;
        let before = earlier.remove(&one.group_key);
        series.push(Series { name, before, used: one.figures, key: one.group_key });
    }
    Ok(SeriesReport { total, before, series, has_more, days, as_of })
}

/// The sum of everything, and that of each day.
async fn by_day(
    session: &mut Session,
    question: &SeriesQuestion,
    range: (Millis, Millis),
) -> Result<(Figures, BTreeMap<i64, Figures>), Problem> {
    let mut total = Figures::default();
    let mut days = BTreeMap::new();
    for day in usage_sums::of_days(session, &question.query(Dim::Day, range)).await? {
        total.add(&day.figures);
        days.insert(day.group_key.parse().unwrap_or(0), day.figures);
    }
    Ok((total, days))
}

/// The name of a series, as people know it; what is gone keeps its identity.
async fn name_of(session: &mut Session, by: &Dim, one: &Ranked) -> Result<String, Problem> {
    let key = one.group_key.as_str();
    let found = match by {
        Dim::Nothing => Some("everything".to_owned()),
        Dim::Model if key.is_empty() => Some("key handed out".to_owned()),
        Dim::Credential | Dim::Version if key.is_empty() => Some("environment".to_owned()),
        Dim::User if key.is_empty() => Some("no user".to_owned()),
        Dim::Tag(_) if key.is_empty() => Some("without it".to_owned()),
        Dim::User => match key.parse() {
            Ok(id) => user::get(session, UserId(id)).await?.map(|found| found.user.name),
            Err(_) => None,
        },
        Dim::Token => token_name(session, key).await?,
        Dim::Actor => match key.strip_prefix("token:") {
            Some(id) => token_name(session, id).await?,
            None => None,
        },
        Dim::Provider
        | Dim::Source
        | Dim::Operation
        | Dim::Day
        | Dim::Credential
        | Dim::Version
        | Dim::Model
        | Dim::Tag(_) => None,
    };
    Ok(found.unwrap_or_else(|| one.name.clone()))
}

async fn token_name(session: &mut Session, id: &str) -> Result<Option<String>, Problem> {
    Ok(token::get(session, id).await?.map(|found| format!("{} ({id})", found.token.name)))
}

/// Conditions on one credential alone.
#[must_use]
pub fn of_credential(uid: Uid) -> SumsFilter {
    SumsFilter { credential: Some(uid), ..SumsFilter::default() }
}
