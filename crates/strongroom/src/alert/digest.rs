//! The weekly digest: what a week cost, what moved most, which limits were hit, and which keys expire or lie unused.

use std::collections::BTreeMap;

use strongroom_crypto::random;
use strongroom_model::alert::{Level, Rule, shown};
use strongroom_model::limit::Unit;
use strongroom_model::{Millis, Problem, Uid};
use strongroom_store::alert::incident::{self, Incident, IncidentFilter, NewIncident, Subject};
use strongroom_store::usage_figures::Figures;
use strongroom_store::usage_sums::{self, Dim, SumsFilter, SumsQuery};
use strongroom_store::{Session, alert, credential, key};

use super::{Alerts, text};

const DAY_MS: i64 = 86_400_000;
const WEEK_MS: i64 = 7 * DAY_MS;
/// The first day of all was a Thursday; weeks begin on Mondays.
const FIRST_MONDAY_MS: i64 = 4 * DAY_MS;
/// Names in a line.
const MAX_NAMED: usize = 5;
/// Alerts of a week that are looked at.
const MAX_ALERTS: i64 = 1000;

/// The beginning of the week that an instant lies in.
fn week_of(at: Millis) -> Millis {
    Millis((at.0 - FIRST_MONDAY_MS).div_euclid(WEEK_MS) * WEEK_MS + FIRST_MONDAY_MS)
}

/// What a digest says.
pub(super) struct Digest {
    pub(super) sentence: String,
    pub(super) facts: Vec<(&'static str, String)>,
}

impl Alerts {
    /// Writes down that a week is over, if somebody is to be told of it. The key of the incident is there once.
    pub(super) async fn write_digest(&self) -> Result<bool, Problem> {
        let week = {
            let mut session = self.custody.store.read().await?;
            let now = session.now().await?;
            let week = Millis(week_of(now).0 - WEEK_MS);
            let routes = alert::route::list(&mut session).await?;
            let is_wanted =
                routes.iter().any(|it| it.rule == Some(Rule::WeeklyDigest) && !it.channels.is_empty());
            // Of a week in which there was no installation there is nothing to tell.
            let first = key::list(&mut session).await?.first().map_or(i64::MAX, |key| key.created_at_ms);
            if !is_wanted || first >= week.0 + WEEK_MS {
                return Ok(false);
            }
            week
        };
        let mut tx = self.custody.store.write().await?;
        let now = tx.now().await?;
        let new = NewIncident {
            uid: random::uid_at(now),
            rule: Rule::WeeklyDigest,
            subject: Subject::of("digest", "week"),
            mark: 0,
            window_start: week,
            episode: Some(0),
            level: Level::Info,
            counted: None,
            value: 0,
            threshold: 0,
            at: now,
            passed_by: None,
        };
        if !incident::insert(&mut tx, &new).await? {
            tx.roll_back().await?;
            return Ok(false);
        }
        incident::resolve(&mut tx, new.uid, "it is an event", now).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// The digest of the week that begins then.
pub(super) async fn of_week(session: &mut Session, week: Millis) -> Result<Digest, Problem> {
    let (end, before) = (Millis(week.0 + WEEK_MS), Millis(week.0 - WEEK_MS));
    let spent = by_credential(session, week, end).await?;
    let spent_before = by_credential(session, before, week).await?;
    let total = sum(session, week, end).await?;
    let total_before = sum(session, before, week).await?;
    let mut facts = vec![
        ("spent", compared(total.cost_nano_usd, total_before.cost_nano_usd)),
        ("calls", total.client_requests.to_string()),
    ];
    if total.unpriced > 0 {
        facts.push(("without a price", format!("{} calls", total.unpriced)));
    }
    let mut dearest: Vec<(&String, i64)> = spent.iter().map(|(uid, cost)| (uid, *cost)).collect();
    dearest.sort_by_key(|(uid, cost)| (-cost, (*uid).clone()));
    let dearest: Vec<(String, String)> = dearest
        .into_iter()
        .filter(|(_, cost)| *cost > 0)
        .map(|(uid, cost)| (uid.clone(), Unit::NanoUsd.shown(cost)))
        .collect();
    facts.extend(line(session, "spent most", dearest).await?);
    facts.extend(line(session, "moved most", moved(&spent, &spent_before)).await?);
    let hit = alerts(session, Rule::LimitThreshold, Some((week, end))).await?;
    let hit = hit.into_iter().filter(|one| one.mark == 100).collect();
    facts.extend(named(session, "limits that were used up", hit).await?);
    let expiring = alerts(session, Rule::Expires, None).await?;
    facts.extend(named(session, "expiring keys", expiring).await?);
    let unused = alerts(session, Rule::UnusedKey, None).await?;
    facts.extend(named(session, "unused keys", unused).await?);
    let open = incident::count_open(session).await?.into_iter().map(|(_, _, count)| count).sum::<i64>();
    facts.push(("alerts that fire now", open.to_string()));
    let (from, to) = (week.to_string(), Millis(end.0 - DAY_MS).to_string());
    let day = |text: &str| text.get(..10).unwrap_or_default().to_owned();
    let sentence = format!(
        "the week from {} to {}: {} spent in {} calls",
        day(&from),
        day(&to),
        Unit::NanoUsd.shown(total.cost_nano_usd),
        total.client_requests
    );
    Ok(Digest { sentence, facts })
}

fn query(by: Dim, from: Millis, to: Millis) -> SumsQuery {
    SumsQuery { by, split: None, filter: SumsFilter::default(), from, to }
}

async fn sum(session: &mut Session, from: Millis, to: Millis) -> Result<Figures, Problem> {
    let groups = usage_sums::of_days(session, &query(Dim::Nothing, from, to)).await?;
    Ok(groups.into_iter().next().map(|all| all.figures).unwrap_or_default())
}

async fn by_credential(
    session: &mut Session,
    from: Millis,
    to: Millis,
) -> Result<BTreeMap<String, i64>, Problem> {
    let groups = usage_sums::of_days(session, &query(Dim::Credential, from, to)).await?;
    let cost = groups.into_iter().filter(|group| !group.group_key.is_empty());
    Ok(cost.map(|group| (group.group_key, group.figures.cost_nano_usd)).collect())
}

fn compared(now: i64, before: i64) -> String {
    let shown = Unit::NanoUsd.shown(now);
    if before <= 0 {
        return format!("{shown}; nothing in the week before");
    }
    let more = i128::from(now) - i128::from(before);
    let percent = more.unsigned_abs() * 100 / u128::from(before.unsigned_abs());
    let word = if more < 0 { "less" } else { "more" };
    format!("{shown}, {percent} % {word} than in the week before ({})", Unit::NanoUsd.shown(before))
}

/// What each credential cost more or less than in the week before, the largest difference first.
fn moved(now: &BTreeMap<String, i64>, before: &BTreeMap<String, i64>) -> Vec<(String, String)> {
    let of = |map: &BTreeMap<String, i64>, uid: &String| map.get(uid).copied().unwrap_or_default();
    let all: std::collections::BTreeSet<&String> = now.keys().chain(before.keys()).collect();
    let mut moved: Vec<(&String, i64)> =
        all.into_iter().map(|uid| (uid, of(now, uid).saturating_sub(of(before, uid)))).collect();
    moved.retain(|(_, more)| *more != 0);
    moved.sort_by_key(|(uid, more)| (-more.saturating_abs(), (*uid).clone()));
    let shown = |more: i64| {
        let sign = if more < 0 { '\u{2212}' } else { '+' };
        format!("{sign}{}", Unit::NanoUsd.shown(more.saturating_abs()))
    };
    moved.into_iter().map(|(uid, more)| (uid.clone(), shown(more))).collect()
}

/// A line that names the first credentials and counts the rest.
async fn line(
    session: &mut Session,
    fact: &'static str,
    all: Vec<(String, String)>,
) -> Result<Option<(&'static str, String)>, Problem> {
    let mut parts = Vec::new();
    for (uid, value) in all.iter().take(MAX_NAMED) {
        let name = match uid.parse::<Uid>() {
            Ok(parsed) => credential::name_of(session, parsed).await?,
            Err(_) => None,
        };
        parts.push(format!("{} {value}", shown(name.as_deref().unwrap_or(uid))));
    }
    Ok(joined(fact, parts, all.len()))
}

fn joined(fact: &'static str, mut parts: Vec<String>, count: usize) -> Option<(&'static str, String)> {
    if count > parts.len() {
        parts.push(format!("and {} more", count - parts.len()));
    }
    (!parts.is_empty()).then(|| (fact, parts.join("; ")))
}

/// Alerts of a rule that fired within a time, or those that go on.
async fn alerts(
    session: &mut Session,
    rule: Rule,
    within: Option<(Millis, Millis)>,
) -> Result<Vec<Incident>, Problem> {
    let (from, to) = within.unzip();
    let filter = IncidentFilter {
        firing_only: within.is_none(),
        rule: Some(rule),
        from,
        to,
        ..IncidentFilter::default()
    };
    Ok(incident::list(session, &filter, MAX_ALERTS).await?)
}

/// A line that names what alerts are about, each once.
async fn named(
    session: &mut Session,
    fact: &'static str,
    alerts: Vec<Incident>,
) -> Result<Option<(&'static str, String)>, Problem> {
    let mut subjects: Vec<Incident> = Vec::new();
    for one in alerts {
        if !subjects.iter().any(|it| it.subject == one.subject && it.counted == one.counted) {
            subjects.push(one);
        }
    }
    let mut parts = Vec::new();
    for one in subjects.iter().take(MAX_NAMED) {
        let about = text::about(session, one).await?;
        parts.push(match one.rule {
            Rule::Expires => {
                let at = one.window_start.to_string();
                format!("{} on {}", about.name, at.get(..10).unwrap_or(&at))
            }
            _ => format!("{} {}", about.kind, about.name),
        });
    }
    Ok(joined(fact, parts, subjects.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_begin_on_mondays() {
        let at = |text: &str| Millis::parse(text).unwrap();
        for (instant, monday) in [
            ("2026-01-05T00:00:00Z", "2026-01-05T00:00:00Z"),
            ("2026-01-11T23:59:59Z", "2026-01-05T00:00:00Z"),
            ("2026-01-04T23:59:59Z", "2025-12-29T00:00:00Z"),
        ] {
            assert_eq!(week_of(at(instant)), at(monday), "{instant}");
        }
    }

    #[test]
    fn what_moved_most_stands_first_whichever_way() {
        const DOLLAR: i64 = 1_000_000_000;
        let map = |pairs: &[(&str, i64)]| {
            pairs.iter().map(|(uid, dollars)| ((*uid).to_owned(), dollars * DOLLAR)).collect()
        };
        let found = moved(&map(&[("a", 10), ("b", 5), ("c", 7)]), &map(&[("a", 9), ("c", 7), ("d", 20)]));
        let found: Vec<_> = found.iter().map(|(uid, more)| format!("{uid} {more}")).collect();
        assert_eq!(found, ["d \u{2212}$20.00", "b +$5.00", "a +$1.00"]);
        assert_eq!(compared(3 * DOLLAR, 2 * DOLLAR), "$3.00, 50 % more than in the week before ($2.00)");
        assert_eq!(compared(DOLLAR, 2 * DOLLAR), "$1.00, 50 % less than in the week before ($2.00)");
        assert_eq!(compared(0, 0), "$0.00; nothing in the week before");
    }
}
