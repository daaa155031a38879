//! Series by the hour, and series with how long answers took: both are read from what is summed up by the hour.

use std::collections::BTreeMap;

use strongroom_model::{Millis, Problem};
use strongroom_store::usage_hours::{self, HourDim, HourSums, HoursQuery};
use strongroom_store::usage_sums::hours::{self, Subject};
use strongroom_store::usage_sums::ranking::Ranked;
use strongroom_store::{Session, usage_record::Whose};

use super::{
    Figures, Grain, MAX_LISTED, MAX_SERIES, Series, SeriesQuestion, SeriesReport, Used, UsedInSlot, before,
    name_of, put_rest,
};
use crate::usage::hours::Latency;
use crate::usage::sums::{Dim, SumsFilter};

/// The sums that an answer comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Table {
    /// Those by provider, model, source and status.
    Mix(Option<HourDim>),
    /// Those of one kind of subject, told apart.
    Subjects(Subject),
    /// Those of one subject.
    Subject(Subject, String),
}

impl Table {
    fn of(question: &SeriesQuestion) -> Result<Self, Problem> {
        let SumsFilter { whose, provider, model, credential, token, user, source, tag } = &question.filter;
        let is_mix = provider.is_some() || model.is_some() || source.is_some();
        let token_of = match whose {
            Whose::Actor(actor) => Some(actor.strip_prefix("token:").map(str::to_owned)),
            Whose::All | Whose::User(_) => token.clone().map(Some),
        };
        let user_of = match whose {
            Whose::User(user) => Some(*user),
            Whose::All | Whose::Actor(_) => *user,
        };
        let subjects = (*credential, token_of, user_of, tag.as_ref());
        let mixed = match &question.by {
            Dim::Nothing => Some(None),
            Dim::Provider => Some(Some(HourDim::Provider)),
            Dim::Model => Some(Some(HourDim::Model)),
            Dim::Source => Some(Some(HourDim::Source)),
            _ => None,
        };
        match (mixed, &question.by, subjects) {
            (Some(dim), _, (None, None, None, None)) => return Ok(Self::Mix(dim)),
            _ if question.with_latency => {
                return Err(Problem::invalid(
                    "measure",
                    "percentiles are kept by provider, model and source alone; choose one of these, or the mean of the first byte",
                ));
            }
            _ if is_mix => {}
            (_, Dim::Credential, (None, None, None, None)) => return Ok(Self::Subjects(Subject::Credential)),
            (_, Dim::Token | Dim::Actor, (None, None, None, None)) => {
                return Ok(Self::Subjects(Subject::Token));
            }
            (_, Dim::User, (None, None, None, None)) => return Ok(Self::Subjects(Subject::User)),
            (_, Dim::Nothing, (Some(credential), None, None, None)) => {
                return Ok(Self::Subject(Subject::Credential, credential.to_string()));
            }
            (_, Dim::Nothing, (None, Some(Some(token)), None, None)) => {
                return Ok(Self::Subject(Subject::Token, token));
            }
            (_, Dim::Nothing, (None, None, Some(user), None)) => {
                return Ok(Self::Subject(Subject::User, user.to_string()));
            }
            _ => {}
        }
        Err(Problem::invalid(
            "range",
            "by the hour, usage is kept by provider, model and source, and by one of credential, token and user without other filters; \
             choose 7 days or more, or another split",
        ))
    }
}

/// Answers the question. With `keys`, of subjects these alone are ranked.
pub(super) async fn report(
    session: &mut Session,
    question: &SeriesQuestion,
    keys: Option<&[String]>,
) -> Result<SeriesReport, Problem> {
    match Table::of(question)? {
        Table::Mix(dim) => of_mix(session, question, dim).await,
        Table::Subjects(subject) => of_subjects(session, question, subject, keys).await,
        Table::Subject(subject, key) => of_subject(session, question, subject, key).await,
    }
}

/// The sums of a group, with how long its answers took where that was asked for.
fn used(question: &SeriesQuestion, sums: &HourSums) -> Used {
    Used { figures: sums.figures, latency: question.with_latency.then(|| Latency::of(sums)) }
}

async fn of_mix(
    session: &mut Session,
    question: &SeriesQuestion,
    dim: Option<HourDim>,
) -> Result<SeriesReport, Problem> {
    let as_of = session.now().await?;
    let by = match question.grain {
        Grain::Day | Grain::Week => HourDim::Day,
        Grain::Hour => HourDim::Hour,
    };
    let query = |(from, to): (Millis, Millis)| HoursQuery {
        by,
        split: dim,
        provider: question.filter.provider.clone(),
        model: question.filter.model.clone(),
        source: question.filter.source.clone(),
        from,
        to,
    };
    let range = (question.from, question.to);
    let rows = usage_hours::sums(session, &query(range)).await?;
    let mut earlier: BTreeMap<String, HourSums> = BTreeMap::new();
    let (mut all, mut all_before) = (HourSums::default(), HourSums::default());
    for row in usage_hours::sums(session, &query(before(range))).await? {
        all_before.add(&row);
        earlier.entry(row.split_key.clone()).or_default().add(&row);
    }
    let mut groups: BTreeMap<&str, HourSums> = BTreeMap::new();
    for row in &rows {
        all.add(row);
        groups.entry(row.split_key.as_str()).or_default().add(row);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, sums)| std::cmp::Reverse(question.order.of(&sums.figures)));
    let has_more = groups.len() > MAX_LISTED;
    groups.truncate(MAX_LISTED);
    let drawn: Vec<_> = groups.iter().take(MAX_SERIES).map(|(key, _)| *key).collect();
    let mut slots: BTreeMap<(i64, bool, &str), HourSums> = BTreeMap::new();
    for row in &rows {
        let is_drawn = drawn.contains(&row.split_key.as_str());
        let key = if is_drawn { row.split_key.as_str() } else { "" };
        let start = question.slot_of(row.group_key.parse().unwrap_or(0));
        slots.entry((start, !is_drawn, key)).or_default().add(row);
    }
    let slots = slots.into_iter().map(|((start_ms, is_rest, key), sums)| UsedInSlot {
        start_ms,
        series: (!is_rest).then(|| key.to_owned()),
        used: used(question, &sums),
    });
    let slots = slots.collect();
    let mut series = Vec::with_capacity(groups.len());
    for (key, sums) in groups {
        let ranked = Ranked { group_key: key.to_owned(), name: key.to_owned(), figures: sums.figures };
        let name = name_of(session, &question.by, &ranked).await?;
        let before = earlier.get(key).map(|sums| used(question, sums));
        series.push(Series { key: ranked.group_key, name, used: used(question, &sums), before });
    }
    let (total, before) = (used(question, &all), used(question, &all_before));
    Ok(SeriesReport { total, before, series, has_more, slots, as_of })
}

/// The sum of everything, and that of each hour.
async fn by_hour(
    session: &mut Session,
    range: (Millis, Millis),
) -> Result<(Figures, BTreeMap<i64, Figures>), Problem> {
    let mut total = Figures::default();
    let mut all = BTreeMap::new();
    for hour in hours::of_all(session, range).await? {
        total.add(&hour.figures);
        all.insert(hour.hour_start_ms, hour.figures);
    }
    Ok((total, all))
}

async fn of_subjects(
    session: &mut Session,
    question: &SeriesQuestion,
    subject: Subject,
    keys: Option<&[String]>,
) -> Result<SeriesReport, Problem> {
    let as_of = session.now().await?;
    let (range, order) = ((question.from, question.to), question.order);
    let mut found = hours::largest(session, subject, range, keys, order, MAX_LISTED + 1).await?;
    let has_more = found.len() > MAX_LISTED;
    found.truncate(MAX_LISTED);
    let (total, mut left) = by_hour(session, range).await?;
    let (total_before, _) = by_hour(session, before(range)).await?;
    let keys: Vec<_> = found.iter().map(|one| one.group_key.clone()).collect();
    let earlier = hours::largest(session, subject, before(range), Some(&keys), order, keys.len()).await?;
    let mut earlier: BTreeMap<_, _> = earlier.into_iter().map(|one| (one.group_key, one.figures)).collect();
    // Actors are called by their kind as well.
    let key_of = |key: &str| if question.by == Dim::Actor { format!("token:{key}") } else { key.to_owned() };
    let mut slots = Vec::new();
    for hour in hours::of_some(session, subject, range, &keys[..keys.len().min(MAX_SERIES)]).await? {
        if let Some(left) = left.get_mut(&hour.hour_start_ms) {
            *left = left.without(&hour.figures);
        }
        let series = Some(key_of(&hour.subject));
        slots.push(UsedInSlot { start_ms: hour.hour_start_ms, series, used: hour.figures.into() });
    }
    put_rest(&mut slots, left);
    let mut series = Vec::with_capacity(found.len());
    for one in found {
        let before = earlier.remove(&one.group_key).map(Used::from);
        let one = Ranked { group_key: key_of(&one.group_key), ..one };
        let name = name_of(session, &question.by, &one).await?;
        series.push(Series { name, before, used: one.figures.into(), key: one.group_key });
    }
    Ok(SeriesReport { total: total.into(), before: total_before.into(), series, has_more, slots, as_of })
}

async fn of_subject(
    session: &mut Session,
    question: &SeriesQuestion,
    subject: Subject,
    key: String,
) -> Result<SeriesReport, Problem> {
    let as_of = session.now().await?;
    let (range, keys) = ((question.from, question.to), [key]);
    let (mut total, mut total_before) = (Figures::default(), Figures::default());
    let mut slots = Vec::new();
    for hour in hours::of_some(session, subject, range, &keys).await? {
        total.add(&hour.figures);
        let used = hour.figures.into();
        slots.push(UsedInSlot { start_ms: hour.hour_start_ms, series: Some(String::new()), used });
    }
    for hour in hours::of_some(session, subject, before(range), &keys).await? {
        total_before.add(&hour.figures);
    }
    let everything = Ranked { figures: total, ..Ranked::default() };
    let name = name_of(session, &question.by, &everything).await?;
    let before = (total_before != Figures::default()).then(|| total_before.into());
    let series = Series { key: String::new(), name, used: total.into(), before };
    let series = if total == Figures::default() { Vec::new() } else { vec![series] };
    let (total, before) = (total.into(), total_before.into());
    Ok(SeriesReport { total, before, series, has_more: false, slots, as_of })
}

#[cfg(test)]
mod tests {
    use strongroom_model::Uid;

    use super::super::Order;
    use super::*;

    fn question(by: Dim, filter: SumsFilter, with_latency: bool) -> SeriesQuestion {
        let (from, to) = (Millis(0), Millis(1));
        SeriesQuestion { by, filter, from, to, order: Order::Cost, grain: Grain::Hour, with_latency }
    }

    #[test]
    fn what_is_not_kept_by_the_hour_is_named() {
        let credential =
            || SumsFilter { credential: Some(Uid::from_bytes([7; 16])), ..SumsFilter::default() };
        let of = |by, filter, with_latency| Table::of(&question(by, filter, with_latency));
        assert_eq!(of(Dim::Nothing, SumsFilter::default(), true).unwrap(), Table::Mix(None));
        assert_eq!(of(Dim::Model, SumsFilter::default(), false).unwrap(), Table::Mix(Some(HourDim::Model)));
        assert_eq!(of(Dim::Actor, SumsFilter::default(), false).unwrap(), Table::Subjects(Subject::Token));
        let subject = Table::Subject(Subject::Credential, Uid::from_bytes([7; 16]).to_string());
        assert_eq!(of(Dim::Nothing, credential(), false).unwrap(), subject);
        for (by, filter, with_latency, field) in [
            (Dim::Model, credential(), false, "range"),
            (Dim::Version, SumsFilter::default(), false, "range"),
            (
                Dim::Credential,
                SumsFilter { model: Some("m".into()), ..SumsFilter::default() },
                false,
                "range",
            ),
            (
                Dim::Nothing,
                SumsFilter { whose: Whose::Actor("local:a".into()), ..SumsFilter::default() },
                false,
                "range",
            ),
            (Dim::Credential, SumsFilter::default(), true, "measure"),
            (Dim::Nothing, credential(), true, "measure"),
        ] {
            assert_eq!(of(by, filter, with_latency).unwrap_err().field.as_deref(), Some(field));
        }
    }
}
