//! Series of usage: one figure over time, split by a dimension, beside the same number of days before.

use std::collections::BTreeMap;

use strongroom_model::{Millis, Problem, Uid, UserId};
use strongroom_store::usage_series::{self, MAX_SERIES};
use strongroom_store::{Session, token, user};

use super::UsageService;

pub use strongroom_store::usage_series::{Conditions, Order, Split, Used, UsedOnDay};

/// Series that are listed at the most; the largest ones are drawn.
pub const MAX_LISTED: i64 = 50;

/// A question about usage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesQuestion {
    /// The dimension that tells series apart.
    pub split: Split,
    /// Conditions on what counts.
    pub conditions: Conditions,
    /// The first instant of the first day (UTC).
    pub from: Millis,
    /// The first instant behind the last day.
    pub to: Millis,
    /// The figure by which series are put in order.
    pub order: Order,
}

/// A series with its sums.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// The value of the dimension, as it is stored.
    pub key: String,
    /// Its name, as people know it.
    pub name: String,
    /// The sums of the days that were asked for.
    pub used: Used,
    /// The sums of as many days before; `None` when there was nothing, or it was not among the largest then.
    pub before: Option<Used>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesReport {
    /// The sum of everything.
    pub total: Used,
    /// The same of as many days before.
    pub before: Used,
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
        let SeriesQuestion { split, conditions, from, to, order } = question;
        let mut session = self.admission.read_ledger().await?;
        let as_of = session.now().await?;
        let range = (*from, *to);
        // A day that is not over yet is compared with a whole one: so are all tables of days, and it says so.
        let before = (Millis(from.0 - (to.0 - from.0)), *from);
        let total = total_of(&mut session, conditions, range).await?;
        let total_before = total_of(&mut session, conditions, before).await?;
        let mut found =
            usage_series::largest(&mut session, *split, conditions, range, *order, MAX_LISTED + 1).await?;
        let has_more = found.len() as i64 > MAX_LISTED;
        found.truncate(usize::try_from(MAX_LISTED).unwrap_or(usize::MAX));
        let earlier =
            usage_series::largest(&mut session, *split, conditions, before, *order, 4 * MAX_LISTED).await?;
        let mut earlier: BTreeMap<_, _> = earlier.into_iter().map(|one| (one.series, one.used)).collect();
        let named: Vec<String> = found.iter().take(MAX_SERIES).map(|one| one.series.clone()).collect();
        let days = usage_series::by_day(&mut session, *split, conditions, range, &named).await?;
        let mut series = Vec::with_capacity(found.len());
        for one in found {
            let name = name_of(&mut session, *split, &one.series).await?;
            let before = earlier.remove(&one.series);
            series.push(Series { name, before, used: one.used, key: one.series });
        }
        Ok(SeriesReport { total, before: total_before, series, has_more, days, as_of })
    }
}

async fn total_of(
    session: &mut Session,
    conditions: &Conditions,
    range: (Millis, Millis),
) -> Result<Used, Problem> {
    let all = usage_series::largest(session, Split::Nothing, conditions, range, Order::Cost, 1).await?;
    Ok(all.into_iter().next().map(|one| one.used).unwrap_or_default())
}

/// The name of a series, as people know it; what is gone keeps its identity.
async fn name_of(session: &mut Session, split: Split, key: &str) -> Result<String, Problem> {
    let found = match split {
        Split::Nothing => Some("everything".to_owned()),
        Split::Provider | Split::Source => Some(key.to_owned()),
        Split::Model if key.is_empty() => Some("key handed out".to_owned()),
        Split::Model => Some(key.to_owned()),
        Split::Credential | Split::Version if key.is_empty() => Some("environment".to_owned()),
        Split::Credential => usage_series::credential_name(session, key).await?,
        Split::Version => usage_series::version_name(session, key).await?,
        Split::User if key == "0" => Some("no user".to_owned()),
        Split::User => match key.parse() {
            Ok(id) => user::get(session, UserId(id)).await?.map(|found| found.user.name),
            Err(_) => None,
        },
        Split::Actor => match key.strip_prefix("token:") {
            Some(id) => token::get(session, id).await?.map(|found| format!("{} ({id})", found.token.name)),
            None => Some(key.to_owned()),
        },
    };
    Ok(found.unwrap_or_else(|| key.to_owned()))
}

/// Conditions on one credential alone.
#[must_use]
pub fn of_credential(uid: Uid) -> Conditions {
    Conditions { credential: Some(uid), ..Conditions::default() }
}
