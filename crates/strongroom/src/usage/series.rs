//! Series of usage: one figure over time, split by a dimension, beside as long a time before.

mod by_hours;

use std::collections::BTreeMap;
use std::ops::Deref;

use strongroom_model::{Millis, Problem, Uid, UserId};
use strongroom_store::usage_sums::ranking::{self, Ranked};
use strongroom_store::usage_top::{self, Period};
use strongroom_store::{Session, token, usage_sums, user};

use super::UsageService;
use super::hours::Latency;
use super::sums::{Dim, Figures, SumsFilter, SumsQuery};

pub use strongroom_store::usage_sums::ranking::Order;

/// Series that are listed at the most; the largest ones are drawn.
pub const MAX_LISTED: usize = 50;
/// Series that days are told apart by; all others are one.
const MAX_SERIES: usize = 6;

/// The length of the slots that a time is divided into.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Grain {
    /// Days (UTC).
    #[default]
    Day,
    /// Hours.
    Hour,
    /// Seven days each, from the first one of the time on.
    Week,
}

impl Grain {
    /// Its length, in milliseconds.
    #[must_use]
    pub const fn ms(self) -> i64 {
        match self {
            Self::Day => 86_400_000,
            Self::Hour => 3_600_000,
            Self::Week => 7 * 86_400_000,
        }
    }
}

/// A question about usage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesQuestion {
    /// The dimension that tells series apart.
    pub by: Dim,
    /// Conditions on what counts.
    pub filter: SumsFilter,
    /// The first instant of the first slot.
    pub from: Millis,
    /// The first instant behind the last slot.
    pub to: Millis,
    /// The figure by which series are put in order.
    pub order: Order,
    /// The length of the slots.
    pub grain: Grain,
    /// Set to be told how long answers took, which is kept by provider, model and source alone.
    pub with_latency: bool,
}

/// Sums, with how long answers took where that was asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Used {
    /// The sums.
    pub figures: Figures,
    /// How long answers took.
    pub latency: Option<Latency>,
}

impl From<Figures> for Used {
    fn from(figures: Figures) -> Self {
        Self { figures, latency: None }
    }
}

impl Deref for Used {
    type Target = Figures;

    fn deref(&self) -> &Figures {
        &self.figures
    }
}

impl SeriesQuestion {
    /// The first instant of the slot that an instant of the time lies in.
    fn slot_of(&self, at_ms: i64) -> i64 {
        self.from.0 + (at_ms - self.from.0).div_euclid(self.grain.ms()) * self.grain.ms()
    }

    fn query(&self, by: Dim, (from, to): (Millis, Millis)) -> SumsQuery {
        SumsQuery { by, split: None, filter: self.filter.clone(), from, to }
    }
}

/// A series with its sums.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The value of the dimension, as it is stored.
    pub key: String,
    /// Its name, as people know it.
    pub name: String,
    /// The sums of the time that was asked for.
    pub used: Used,
    /// The sums of as long a time before; `None` when there was nothing.
    pub before: Option<Used>,
}

/// What was used of a series in a slot.
#[derive(Debug, Clone, PartialEq)]
pub struct UsedInSlot {
    /// The first instant of the slot.
    pub start_ms: i64,
    /// The value of the dimension; `None` of all series together that are not drawn.
    pub series: Option<String>,
    /// The sums.
    pub used: Used,
}

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesReport {
    /// The sum of everything.
    pub total: Used,
    /// The same of as long a time before.
    pub before: Used,
    /// The largest series, [`MAX_LISTED`] at the most.
    pub series: Vec<Series>,
    /// Set when there are more of them.
    pub has_more: bool,
    /// Sums by slot: of the first series by name, and of all others together.
    pub slots: Vec<UsedInSlot>,
    /// The instant at which it was read.
    pub as_of: Millis,
}

impl SeriesReport {
    /// The series that [`Self::slots`] tells apart.
    #[must_use]
    pub fn drawn(&self) -> &[Series] {
        &self.series[..self.series.len().min(MAX_SERIES)]
    }
}

impl UsageService {
    /// Sums of the slots that begin within the range, split and filtered, beside those of as long a time before.
    ///
    /// # Errors
    /// [`Problem`] when what is asked for is not kept by the hour, or not with how long answers took.
    pub async fn series(&self, question: &SeriesQuestion) -> Result<SeriesReport, Problem> {
        self.admission.settle_now().await?;
        if question.grain == Grain::Hour || question.with_latency {
            let mut session = self.custody.store.snapshot().await?;
            return by_hours::report(&mut session, question, None).await;
        }
        // What is not drawn is what is left of everything: all parts of an answer are of one instant.
        let mut session = self.custody.store.snapshot().await?;
        let query = question.query(question.by.clone(), (question.from, question.to));
        let found = ranking::largest(&mut session, &query, None, question.order, MAX_LISTED + 1).await?;
        report(&mut session, question, found).await
    }

    /// The same of the credentials that cost most in the last day, week or 30 days, as a job has ranked them: it does not sum up
    /// everybody.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn top_credentials(
        &self,
        (from, to): (Millis, Millis),
        grain: Grain,
    ) -> Result<SeriesReport, Problem> {
        let question = SeriesQuestion {
            by: Dim::Credential,
            filter: SumsFilter::default(),
            from,
            to,
            order: Order::Cost,
            grain,
            with_latency: false,
        };
        self.admission.settle_now().await?;
        let mut session = self.custody.store.snapshot().await?;
        let period = match (to.0 - from.0) / Grain::Day.ms() {
            ..=1 => Period::Day,
            2..=7 => Period::Week,
            _ => Period::Month,
        };
        let tops = usage_top::list(&mut session, period, "credential").await?;
        let keys: Vec<_> = tops.into_iter().map(|top| top.subject).collect();
        if grain == Grain::Hour {
            return by_hours::report(&mut session, &question, Some(&keys)).await;
        }
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
    let range_before = before(range);
    let (total, mut left) = by_day(session, question, range).await?;
    let (total_before, _) = by_day(session, question, range_before).await?;
    let has_more = found.len() > MAX_LISTED;
    found.truncate(MAX_LISTED);
    let keys: Vec<_> = found.iter().map(|one| one.group_key.clone()).collect();
    let query = question.query(by.clone(), range_before);
    let earlier = ranking::largest(session, &query, Some(&keys), *order, keys.len()).await?;
    let mut earlier: BTreeMap<_, _> = earlier.into_iter().map(|one| (one.group_key, one.figures)).collect();
    let drawn = &keys[..keys.len().min(MAX_SERIES)];
    let query = question.query(by.clone(), range);
    let mut slots = Vec::new();
    for day in ranking::by_day(session, &query, drawn).await? {
        if let Some(left) = left.get_mut(&day.day_start_ms) {
            *left = left.without(&day.figures);
        }
        slots.push(UsedInSlot {
            start_ms: day.day_start_ms,
            series: Some(day.group_key),
            used: day.figures.into(),
        });
    }
    put_rest(&mut slots, left);
    if question.grain != Grain::Day {
        slots = merged(question, slots);
    }
    let mut series = Vec::with_capacity(found.len());
    for one in found {
        let name = name_of(session, by, &one).await?;
        let before = earlier.remove(&one.group_key).map(Used::from);
        series.push(Series { name, before, used: one.figures.into(), key: one.group_key });
    }
    Ok(SeriesReport { total: total.into(), before: total_before.into(), series, has_more, slots, as_of })
}

/// The same of slots that are longer than those that it is told by.
fn merged(question: &SeriesQuestion, slots: Vec<UsedInSlot>) -> Vec<UsedInSlot> {
    let mut sums: BTreeMap<(i64, bool, Option<String>), Figures> = BTreeMap::new();
    for slot in slots {
        let key = (question.slot_of(slot.start_ms), slot.series.is_none(), slot.series);
        sums.entry(key).or_default().add(&slot.used);
    }
    let slot =
        |((start_ms, _, series), used): (_, Figures)| UsedInSlot { start_ms, series, used: used.into() };
    sums.into_iter().map(slot).collect()
}

/// As long a time before.
fn before((from, to): (Millis, Millis)) -> (Millis, Millis) {
    (Millis(from.0 - (to.0 - from.0)), from)
}

/// Adds what is left of each slot, as one series without a name; it stands behind the others of its slot.
fn put_rest(slots: &mut Vec<UsedInSlot>, left: BTreeMap<i64, Figures>) {
    let rest = left.into_iter().filter(|(_, used)| *used != Figures::default());
    slots.extend(rest.map(|(start_ms, used)| UsedInSlot { start_ms, series: None, used: used.into() }));
    slots.sort_by(|one, other| {
        let order = |slot: &UsedInSlot| (slot.start_ms, slot.series.is_none());
        order(one).cmp(&order(other)).then_with(|| one.series.cmp(&other.series))
    });
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
