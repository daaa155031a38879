//! Rules that rest on figures: what is looked at again and again, and fires when it stays over its line.
//!
//! Where a condition stands is in the database (`alert_states`), so that another server goes on from there. Two that look at once
//! come to the same episode, and the key of its incident is there once.

use std::collections::{BTreeMap, BTreeSet};

use strongroom_crypto::random;
use strongroom_model::alert::{Change, Condition, Level, Phase, Reading, Rule, Settings, Timing, figure};
use strongroom_model::limit::{Limit, Unit, Window};
use strongroom_model::{Millis, Problem};
use strongroom_store::alert::incident::{self, NewIncident, Subject};
use strongroom_store::alert::{figure as store, state};
use strongroom_store::counter::{self, CounterKey};
use strongroom_store::limit_history::SLOT_MS;
use strongroom_store::usage_hours::{self, HourDim, HoursQuery};
use strongroom_store::{Session, key_holder, limit};

use super::Alerts;
use super::watch::AT_ONCE;
use crate::crossing::{self, counted};
use crate::limit::at_end;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
pub(super) const NANO_USD: i64 = 1_000_000_000;
/// Rates of use that fire: in tenths of the planned one, over a long and a short time.
pub(super) const MONTH_BURNS: [Burn; 2] = [
    Burn { tenths: 144, long_ms: HOUR_MS, short_ms: 5 * MINUTE_MS },
    Burn { tenths: 60, long_ms: 6 * HOUR_MS, short_ms: 30 * MINUTE_MS },
];
pub(super) const DAY_BURNS: [Burn; 1] = [Burn { tenths: 60, long_ms: HOUR_MS, short_ms: 5 * MINUTE_MS }];
/// What a provider said of a key, its line, its level, and for how long it has to hold.
const UNHEALTHY: [(&str, i64, Level, i64); 4] = [
    ("bad_key", 1, Level::Critical, 0),
    ("empty_account", 2, Level::High, 0),
    ("provider_down", 3, Level::High, 0),
    ("rate_limited", 4, Level::Warn, 10 * MINUTE_MS),
];
const CAUSE: &str = "it is back to what is usual";

#[derive(Debug, Clone, Copy)]
pub(super) struct Burn {
    pub(super) tenths: i64,
    pub(super) long_ms: i64,
    short_ms: i64,
}

/// A look at one line of a rule.
#[derive(Debug, Clone)]
pub(super) struct Look {
    pub(super) subject: Subject,
    pub(super) mark: i64,
    pub(super) level: Level,
    pub(super) reading: Reading,
    pub(super) value: i64,
    pub(super) threshold: i64,
    pub(super) counted: Option<(Unit, Window)>,
    pub(super) window_start: Millis,
    pub(super) timing: Timing,
}

/// How long a rule waits, until it fires and until it is over.
const fn timing(rule: Rule) -> Timing {
    let (for_ms, keep_ms) = match rule {
        // Twice in a row.
        Rule::LimitForecast => (1, 2 * HOUR_MS),
        Rule::SpendSpike => (0, 2 * HOUR_MS),
        Rule::Denials => (0, 15 * MINUTE_MS),
        Rule::ErrorShare => (0, 10 * MINUTE_MS),
        Rule::DbSlow => (5 * MINUTE_MS, 5 * MINUTE_MS),
        _ => (0, 0),
    };
    Timing { for_ms, keep_ms }
}

/// The reading of a value; under its line where nobody is to be told.
pub(super) const fn reading_of(value: i64, line: i64, over: i64, settings: &Settings) -> Reading {
    if settings.is_off { Reading::Below } else { Reading::of(value, line, over) }
}

impl Look {
    fn of_limit(rule: Rule, limit: &Limit, level: Level, reading: Reading, now: Millis) -> Self {
        let key = CounterKey::at(limit.counter_subject(), limit.unit, limit.window, now);
        Self {
            subject: crossing::subject(&key),
            mark: 0,
            level,
            reading,
            value: 0,
            threshold: 0,
            counted: Some((limit.unit, limit.window)),
            window_start: key.start,
            timing: timing(rule),
        }
    }

    pub(super) fn of(rule: Rule, subject: Subject, level: Level, reading: Reading) -> Self {
        Self {
            subject,
            mark: 0,
            level,
            reading,
            value: 0,
            threshold: 0,
            counted: None,
            window_start: Millis(0),
            timing: timing(rule),
        }
    }
}

impl Alerts {
    /// Looks at what shows within minutes: refusals, errors of providers, and keys that cannot serve. Tells how much there was to write.
    pub(super) async fn watch_conditions(&self) -> Result<usize, Problem> {
        let mut session = self.custody.store.read().await?;
        let now = session.now().await?;
        let settings = self.settings(&mut session, Rule::Denials).await?;
        let denials = denials(&mut session, &settings, now).await?;
        let settings = self.settings(&mut session, Rule::ErrorShare).await?;
        let errors = error_shares(&mut session, &settings, now).await?;
        let unhealthy = unhealthy(&mut session, now).await?;
        let left_alone = left_alone(&mut session, now).await?;
        drop(session);
        let mut count = self.judge(Rule::Denials, denials, now).await?;
        count += self.judge(Rule::ErrorShare, errors, now).await?;
        count += self.judge(Rule::CredentialUnhealthy, unhealthy, now).await?;
        count += self.judge(Rule::NoCredential, left_alone, now).await?;
        Ok(count)
    }

    /// Looks at how fast limits are used, at what they come to, and at hours that cost far more than usual.
    pub(crate) async fn watch_figures(&self) -> Result<usize, Problem> {
        let mut session = self.custody.store.read().await?;
        let now = session.now().await?;
        let limits = limit::list(&mut session).await?;
        let moved = |uids: Vec<String>| uids.into_iter().collect::<BTreeSet<_>>();
        let today = moved(store::moved_limits(&mut session, Millis(now.0 - DAY_MS)).await?);
        let burn_percent =
            self.settings(&mut session, Rule::LimitBurn).await?.get(Rule::LimitBurn, "percent");
        let (mut burns, mut forecasts) = (Vec::new(), Vec::new());
        let watched = limits.iter().filter(|limit| {
            !limit.thresholds.is_empty() && limit.amount > 0 && today.contains(&limit.uid.to_string())
        });
        for limit in watched {
            let key = CounterKey::at(limit.counter_subject(), limit.unit, limit.window, now);
            let states = counter::read_all(&mut session, &[key]).await?;
            let used = counted(&states.get(&key).copied().unwrap_or_default());
            burns.extend(burning(&mut session, limit, (used, burn_percent), now).await?);
            forecasts.extend(expected(&mut session, limit, used, now).await?);
        }
        let settings = self.settings(&mut session, Rule::SpendSpike).await?;
        let spikes = spikes(&mut session, &settings, now).await?;
        drop(session);
        let mut count = self.judge(Rule::LimitBurn, burns, now).await?;
        count += self.judge(Rule::LimitForecast, forecasts, now).await?;
        count += self.judge(Rule::SpendSpike, spikes, now).await?;
        Ok(count)
    }

    /// Moves the conditions of a rule by these looks, and writes down what fires and what is over. What is not looked at any more is
    /// under its line.
    pub(super) async fn judge(&self, rule: Rule, looks: Vec<Look>, now: Millis) -> Result<usize, Problem> {
        self.judge_of(rule, looks, now, None).await
    }

    /// The same of one subject, of which this server alone knows.
    pub(super) async fn judge_of(
        &self,
        rule: Rule,
        mut looks: Vec<Look>,
        now: Millis,
        only: Option<&Subject>,
    ) -> Result<usize, Problem> {
        let custody = &self.custody;
        let (states, settings) = {
            let mut session = custody.store.read().await?;
            (state::list(&mut session, rule).await?, self.settings(&mut session, rule).await?)
        };
        if settings.is_off {
            looks.clear();
        }
        let of_subject =
            |((subject, _), _): &((Subject, i64), Condition)| only.is_none_or(|it| it == subject);
        let mut known: BTreeMap<(Subject, i64), Condition> = states.into_iter().filter(of_subject).collect();
        let mut moved = Vec::new();
        for look in looks {
            let before = known.remove(&(look.subject.clone(), look.mark)).unwrap_or_default();
            let (after, change) = before.after(look.reading, now, look.timing);
            if after.phase != before.phase || change != Change::None {
                moved.push((look, after, change));
            }
        }
        for ((subject, mark), before) in known {
            if before.phase == Phase::Quiet {
                continue;
            }
            let look = Look { mark, ..Look::of(rule, subject, Level::Info, Reading::Below) };
            let (after, change) = before.after(look.reading, now, look.timing);
            if after.phase != before.phase || change != Change::None {
                moved.push((look, after, change));
            }
        }
        let mut count = 0;
        for some in moved.chunks(AT_ONCE) {
            let mut tx = custody.store.write().await?;
            for (look, condition, change) in some {
                if !state::put(&mut tx, rule, &look.subject, look.mark, *condition).await? {
                    // Another server has gone on from here.
                    continue;
                }
                match change {
                    Change::None => {}
                    Change::Fired => {
                        let new = fired(rule, look, condition.episode, now);
                        count += usize::from(incident::insert(&mut tx, &new).await?);
                    }
                    Change::Resolved => {
                        for open in incident::list_open_about(&mut tx, rule, &look.subject).await? {
                            if open.mark == look.mark {
                                count += usize::from(incident::resolve(&mut tx, open.uid, CAUSE, now).await?);
                            }
                        }
                    }
                }
            }
            tx.commit().await?;
        }
        Ok(count)
    }
}

fn fired(rule: Rule, look: &Look, episode: i64, now: Millis) -> NewIncident {
    NewIncident {
        uid: random::uid_at(now),
        rule,
        subject: look.subject.clone(),
        mark: look.mark,
        window_start: look.window_start,
        episode: Some(episode),
        level: look.level,
        counted: look.counted,
        value: look.value,
        threshold: look.threshold,
        at: now,
        passed_by: None,
    }
}

async fn denials(session: &mut Session, settings: &Settings, now: Millis) -> Result<Vec<Look>, Problem> {
    let line = settings.get(Rule::Denials, "count");
    let slot = now.0 - now.0.rem_euclid(SLOT_MS);
    let mut refused: BTreeMap<String, [i64; 2]> = BTreeMap::new();
    for one in store::denials(session, Millis(slot - SLOT_MS)).await? {
        let place = usize::from(one.slot_start_ms < slot);
        refused.entry(one.limit_uid).or_default()[place] += one.refused;
    }
    if refused.is_empty() {
        return Ok(Vec::new());
    }
    let limits = limit::list(session).await?;
    let look = |limit: &Limit| {
        let [this, before] = *refused.get(&limit.uid.to_string())?;
        let reading = figure::denials(this, before, line);
        let look = Look::of_limit(Rule::Denials, limit, Level::Warn, reading, now);
        Some(Look { value: this.max(before), threshold: line, ..look })
    };
    Ok(limits.iter().filter_map(look).collect())
}

async fn error_shares(session: &mut Session, settings: &Settings, now: Millis) -> Result<Vec<Look>, Problem> {
    let get = |name| settings.get(Rule::ErrorShare, name);
    let (percent, calls) = (get("percent"), get("calls"));
    let from = now.0 - 10 * MINUTE_MS;
    let query = HoursQuery {
        by: HourDim::Provider,
        split: None,
        provider: None,
        model: None,
        source: None,
        from: Millis(from - from.rem_euclid(SLOT_MS)),
        to: Millis(i64::MAX),
    };
    let look = |sums: usage_hours::HourSums| {
        let (errors, all) = (sums.figures.errors_provider, sums.figures.requests);
        let (reading, share) = figure::error_share(errors, all, percent, calls);
        let subject = Subject::of("provider", sums.group_key);
        let look = Look::of(Rule::ErrorShare, subject, Level::Warn, reading);
        Look { value: share, threshold: percent.saturating_mul(10), ..look }
    };
    Ok(usage_hours::sums(session, &query).await?.into_iter().map(look).collect())
}

/// Keys that cannot serve, by what servers know.
async fn unhealthy(session: &mut Session, now: Millis) -> Result<Vec<Look>, Problem> {
    // A server that holds two master keys is in the list twice.
    let holders = key_holder::list(session, now).await?;
    let servers: BTreeSet<&str> = holders.iter().map(|holder| holder.node_uid.as_str()).collect();
    let alive = i64::try_from(servers.len().max(1)).unwrap_or(i64::MAX);
    let look = |one: store::Unhealthy| {
        let (state, mark, level, for_ms) = UNHEALTHY.into_iter().find(|(state, ..)| *state == one.state)?;
        // One server alone may be cut off from a provider; what one is told of a key holds for all.
        let is_so = state != "provider_down" || one.nodes.saturating_mul(3) >= alive.saturating_mul(2);
        let reading = if is_so { Reading::Above } else { Reading::Below };
        let subject = Subject::of("credential", one.credential_uid);
        let look = Look::of(Rule::CredentialUnhealthy, subject, level, reading);
        Some(Look { mark, value: one.nodes, timing: Timing { for_ms, keep_ms: 0 }, ..look })
    };
    Ok(store::unhealthy(session).await?.into_iter().filter_map(look).collect())
}

/// Providers that have no credential left that can serve.
async fn left_alone(session: &mut Session, now: Millis) -> Result<Vec<Look>, Problem> {
    let look = |(provider, can_serve): (String, bool)| {
        let reading = if can_serve { Reading::Below } else { Reading::Above };
        Look::of(Rule::NoCredential, Subject::of("provider", provider), Level::Critical, reading)
    };
    Ok(store::providers(session, now).await?.into_iter().map(look).collect())
}

async fn burning(
    session: &mut Session,
    limit: &Limit,
    (used, percent): (i64, i64),
    now: Millis,
) -> Result<Vec<Look>, Problem> {
    let burns = match limit.window {
        Window::Month => &MONTH_BURNS[..],
        Window::Day => &DAY_BURNS[..],
        _ => &[],
    };
    let start = limit.window.start(now);
    let Some(end) = limit.window.end(start) else { return Ok(Vec::new()) };
    let mut looks = Vec::with_capacity(burns.len());
    for burn in burns {
        let mut rate = async |over_ms| {
            let before = store::used_at(session, limit.uid, start, Millis(now.0 - over_ms)).await?;
            let of =
                |before| figure::burn(used.saturating_sub(before), over_ms, limit.amount, end.0 - start.0);
            Ok::<_, Problem>(before.map(of))
        };
        let (Some(long), Some(short)) = (rate(burn.long_ms).await?, rate(burn.short_ms).await?) else {
            continue;
        };
        let line = burn.tenths.saturating_mul(percent) / 100;
        let reading = figure::burning(long, short, line);
        let look = Look::of_limit(Rule::LimitBurn, limit, Level::High, reading, now);
        looks.push(Look { mark: burn.tenths, value: long, threshold: line, ..look });
    }
    Ok(looks)
}

async fn expected(
    session: &mut Session,
    limit: &Limit,
    used: i64,
    now: Millis,
) -> Result<Option<Look>, Problem> {
    if !matches!(limit.window, Window::Day | Window::Month) {
        return Ok(None);
    }
    // What is used up is no forecast; the threshold tells of it.
    if used >= limit.amount {
        return Ok(Some(Look::of_limit(Rule::LimitForecast, limit, Level::Warn, Reading::Between, now)));
    }
    let Some(forecast) = at_end(session, limit, used, now).await? else { return Ok(None) };
    let reading = figure::forecast(forecast.low, limit.amount);
    let look = Look::of_limit(Rule::LimitForecast, limit, Level::Warn, reading, now);
    Ok(Some(Look { value: forecast.low, threshold: limit.amount, ..look }))
}

/// Credentials, tokens and users whose hour costs far more than the same hours of weeks before.
async fn spikes(session: &mut Session, settings: &Settings, now: Millis) -> Result<Vec<Look>, Problem> {
    let get = |name| settings.get(Rule::SpendSpike, name);
    let (least, times) = (get("usd").saturating_mul(NANO_USD), get("times"));
    const WEEK_MS: i64 = 7 * DAY_MS;
    let hour = now.0 - now.0.rem_euclid(HOUR_MS);
    let mut looks = Vec::new();
    for dim in ["credential", "token", "user"] {
        for (subject, spent) in store::spenders(session, dim, Millis(hour), least).await? {
            let first = store::first_day(session, dim, &subject).await?.map_or(i64::MAX, |day| day.0);
            let weeks: Vec<i64> =
                (1..=4).map(|back| hour - back * WEEK_MS).filter(|week| *week >= first).collect();
            let Some(oldest) = weeks.last() else { continue };
            let hours = store::hours_of_subject(session, dim, &subject, Millis(*oldest)).await?;
            let of_hour = |week: &i64| {
                let found = hours.iter().find(|hour| hour.hour_start_ms == *week);
                found.map_or(0, |hour| hour.figures.cost_nano_usd)
            };
            let before: Vec<i64> = weeks.iter().map(of_hour).collect();
            let (reading, usual) = figure::spike(spent, &before, least, times);
            let look = Look::of(Rule::SpendSpike, Subject::of(dim, subject), Level::Warn, reading);
            looks.push(Look { value: spent, threshold: usual, ..look });
        }
    }
    Ok(looks)
}
