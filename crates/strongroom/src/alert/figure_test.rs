//! What rules that rest on figures would have done: refusals and hours are kept, and samples of limits by the hour.

use std::collections::BTreeMap;

use strongroom_model::alert::{Reading, Rule, Settings, figure};
use strongroom_model::limit::{Unit, Window};
use strongroom_model::{Millis, Problem};
use strongroom_store::alert::figure as store;
use strongroom_store::{Session, limit};

use super::figure::{DAY_BURNS, MONTH_BURNS, NANO_USD};
use super::fire::{Backtested, Fire};
use super::text;
use crate::limit::name_of;

const HOUR_MS: i64 = 3_600_000;
const WEEK_MS: i64 = 7 * 24 * HOUR_MS;
/// What goes on is told once; so long without it, it begins once more.
const APART_MS: i64 = 2 * HOUR_MS;

/// Tells when a rule would have fired since an instant.
///
/// # Errors
/// [`Problem`] on the field `rule` when what it looks at is not kept.
pub(super) async fn fires(
    session: &mut Session,
    rule: Rule,
    settings: &Settings,
    from: Millis,
    now: Millis,
) -> Result<Backtested, Problem> {
    let mut tested = Backtested { from: Some(from), ..Backtested::default() };
    match rule {
        Rule::Denials => denials(session, settings, from, &mut tested).await?,
        Rule::LimitBurn => burns(session, settings, from, &mut tested).await?,
        Rule::SpendSpike => spikes(session, settings, (from, now), &mut tested).await?,
        _ => {
            let message =
                "only limit_threshold, limit_burn, denials and spend_spike can be tested against the past";
            return Err(Problem::invalid("rule", message));
        }
    }
    tested.fires.sort_by(|one, other| (one.at, &one.subject).cmp(&(other.at, &other.subject)));
    Ok(tested)
}

/// Adds what was over its line, once for each time that it began.
fn add(tested: &mut Backtested, mut over: Vec<(Millis, i64)>, fire: impl Fn(Millis, i64) -> Fire) {
    over.sort_unstable_by_key(|(at, _)| *at);
    let mut last = None;
    for (at, value) in over {
        if last.is_none_or(|last: Millis| at.0 - last.0 > APART_MS) {
            tested.fires.push(fire(at, value));
        }
        last = Some(at);
    }
}

async fn denials(
    session: &mut Session,
    settings: &Settings,
    from: Millis,
    tested: &mut Backtested,
) -> Result<(), Problem> {
    let line = settings.get(Rule::Denials, "count");
    let mut over: BTreeMap<String, Vec<(Millis, i64)>> = BTreeMap::new();
    for one in store::denials(session, from).await? {
        if figure::denials(one.refused, 0, line) == Reading::Above {
            over.entry(one.limit_uid).or_default().push((Millis(one.slot_start_ms), one.refused));
        }
    }
    let limits = limit::list(session).await?;
    tested.limits = limits.len();
    for limit in limits {
        let Some(over) = over.remove(&limit.uid.to_string()) else { continue };
        let subject = name_of(session, &limit.scope).await?.unwrap_or_else(|| limit.scope.id());
        add(tested, over, |at, value| Fire {
            at,
            subject: subject.clone(),
            percent: 0,
            used: value,
            unit: limit.unit,
            says: format!("{value} uses refused within five minutes"),
        });
    }
    Ok(())
}

async fn burns(
    session: &mut Session,
    settings: &Settings,
    from: Millis,
    tested: &mut Backtested,
) -> Result<(), Problem> {
    let percent = settings.get(Rule::LimitBurn, "percent");
    for limit in limit::list(session).await? {
        let burns = match limit.window {
            Window::Month => &MONTH_BURNS[..],
            Window::Day => &DAY_BURNS[..],
            _ => {
                tested.left_out += 1;
                continue;
            }
        };
        tested.limits += 1;
        let samples = store::samples(session, limit.uid, Millis(from.0 - 6 * HOUR_MS)).await?;
        let mut over = Vec::new();
        for sample in samples.iter().filter(|sample| sample.at_ms >= from.0) {
            let start = Millis(sample.window_start_ms);
            let Some(end) = limit.window.end(start) else { continue };
            for burn in burns {
                let since = sample.at_ms - burn.long_ms;
                // Where the window began within that time, from its beginning on.
                let before = samples
                    .iter()
                    .filter(|it| it.window_start_ms == sample.window_start_ms && it.at_ms <= since)
                    .map(|it| it.used)
                    .next_back();
                let before = before.or((since < start.0).then_some(0));
                let Some(before) = before else { continue };
                let used = sample.used.saturating_sub(before);
                let rate = figure::burn(used, burn.long_ms, limit.amount, end.0 - start.0);
                // The short time is finer than what is kept: the long one alone decides.
                if rate >= burn.tenths.saturating_mul(percent) / 100 {
                    over.push((Millis(sample.at_ms), rate));
                }
            }
        }
        if over.is_empty() {
            continue;
        }
        let subject = name_of(session, &limit.scope).await?.unwrap_or_else(|| limit.scope.id());
        add(tested, over, |at, value| Fire {
            at,
            subject: subject.clone(),
            percent: 0,
            used: value,
            unit: limit.unit,
            says: format!("{}.{} times as fast as it lasts", value / 10, value % 10),
        });
    }
    Ok(())
}

async fn spikes(
    session: &mut Session,
    settings: &Settings,
    (from, now): (Millis, Millis),
    tested: &mut Backtested,
) -> Result<(), Problem> {
    let get = |name| settings.get(Rule::SpendSpike, name);
    let (least, times) = (get("usd").saturating_mul(NANO_USD), get("times"));
    for dim in ["credential", "token", "user"] {
        for subject in store::subjects_that_spent(session, dim, from, least).await? {
            tested.limits += 1;
            let first = store::first_day(session, dim, &subject).await?.map_or(i64::MAX, |day| day.0);
            let hours = store::hours_of_subject(session, dim, &subject, Millis(from.0 - 4 * WEEK_MS)).await?;
            let by_hour: BTreeMap<i64, i64> =
                hours.iter().map(|hour| (hour.hour_start_ms, hour.figures.cost_nano_usd)).collect();
            let mut over = Vec::new();
            for (hour, spent) in by_hour.range(from.0..=now.0) {
                let weeks = (1..=4).map(|back| hour - back * WEEK_MS).filter(|week| *week >= first);
                let before: Vec<i64> =
                    weeks.map(|week| by_hour.get(&week).copied().unwrap_or_default()).collect();
                if figure::spike(*spent, &before, least, times).0 == Reading::Above {
                    over.push((Millis(*hour), *spent));
                }
            }
            let name = text::name_of_subject(session, dim, &subject).await?.unwrap_or(subject);
            add(tested, over, |at, value| Fire {
                at,
                subject: name.clone(),
                percent: 0,
                used: value,
                unit: Unit::NanoUsd,
                says: format!("{} spent within an hour", Unit::NanoUsd.shown(value)),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_on_is_counted_once() {
        let mut tested = Backtested::default();
        let over = [10, 0, 1, 2, 13].map(|hour| (Millis(hour * HOUR_MS), hour)).to_vec();
        add(&mut tested, over, |at, value| Fire {
            at,
            subject: "one".to_owned(),
            percent: 0,
            used: value,
            unit: Unit::Requests,
            says: String::new(),
        });
        assert_eq!(tested.fires.iter().map(|fire| fire.used).collect::<Vec<_>>(), [0, 10, 13]);
    }
}
