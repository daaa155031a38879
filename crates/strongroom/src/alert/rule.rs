//! Rules that people set, and what one would have done.

use serde_json::json;
use strongroom_crypto::random;
use strongroom_model::alert::{Rule, Settings, Thresholds};
use strongroom_model::audit::Target;
use strongroom_model::limit::{Limit, Window};
use strongroom_model::{Millis, Problem, Uid};
use strongroom_store::alert::backtest;
use strongroom_store::alert::rule::{self, RuleScope, SetRule};
use strongroom_store::counter::{self, CounterKey};
use strongroom_store::{Session, Write, limit};

use super::fire::{Backtested, Fire};
use super::{AlertService, figure_test};
use crate::crossing;
use crate::custody::trail::entry;
use crate::limit::{Bound, name_of, scope_of};

/// A rule that somebody has set, with the name of what it is for.
#[derive(Debug, Clone)]
pub struct RuleView {
    /// The rule.
    pub rule: SetRule,
    /// The name.
    pub name: String,
}

const DAY_MS: i64 = 86_400_000;
/// Days at the most.
const MAX_DAYS: i64 = 366;

async fn view(session: &mut Session, rule: SetRule) -> Result<RuleView, Problem> {
    let name = match &rule.scope {
        RuleScope::All if rule.rule != Rule::LimitThreshold => rule.rule.as_str().to_owned(),
        RuleScope::All => "all limits".to_owned(),
        RuleScope::Limit(uid) => match limit::get(session, *uid).await? {
            Some(found) => name_of(session, &found.scope).await?.unwrap_or_else(|| uid.to_string()),
            None => uid.to_string(),
        },
        RuleScope::Of(scope) => name_of(session, scope).await?.unwrap_or_else(|| scope.id()),
    };
    Ok(RuleView { rule, name })
}

impl AlertService {
    /// The rules that somebody has set, the oldest first.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn rules(&self) -> Result<Vec<RuleView>, Problem> {
        let mut session = self.alerts.custody.store.read().await?;
        let mut found = Vec::new();
        for one in rule::list(&mut session).await? {
            found.push(view(&mut session, one).await?);
        }
        Ok(found)
    }

    /// The scope of a rule, as people name it: a limit by its id, a credential, token or user, or none of them for all.
    ///
    /// # Errors
    /// [`Problem`] naming the field at fault.
    pub async fn rule_scope(
        &self,
        limit_id: Option<Uid>,
        bound: Option<&Bound>,
    ) -> Result<RuleScope, Problem> {
        let mut session = self.alerts.custody.store.read().await?;
        let now = session.now().await?;
        match (limit_id, bound) {
            (None, None) => Ok(RuleScope::All),
            (Some(uid), None) => {
                let found = limit::get(&mut session, uid).await?;
                found.ok_or_else(|| Problem::invalid("limit", "there is no limit of that id"))?;
                Ok(RuleScope::Limit(uid))
            }
            (None, Some(bound)) => Ok(RuleScope::Of(scope_of(&mut session, bound, now).await?)),
            (Some(_), Some(_)) => {
                Err(Problem::invalid("limit", "name at most one of limit, credential, token and userId"))
            }
        }
    }

    /// Sets the thresholds of limits. What is over one of them already is told at once.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn set_rule(&self, scope: &RuleScope, thresholds: Thresholds) -> Result<RuleView, Problem> {
        let custody = &self.alerts.custody;
        let mut tx = custody.store.write().await?;
        let now = tx.now().await?;
        let uid = rule::put(&mut tx, random::uid(), Rule::LimitThreshold, scope, thresholds, now).await?;
        self.write_reached(&mut tx, scope, now).await?;
        let set = rule::get(&mut tx, uid).await?.ok_or_else(not_found)?;
        let set = view(&mut tx, set).await?;
        let detail = json!({ "rule": Rule::LimitThreshold.as_str(), "scope": scope.kind(), "at": thresholds.stored() });
        let target = Target::named("alert_rule", uid, &set.name);
        let entry = entry(&self.actor, "alert.rule_set", target, now, &detail);
        custody.append(&mut tx, vec![entry]).await?;
        tx.commit().await?;
        Ok(set)
    }

    /// Sets what people are told of by a rule that rests on figures. It binds within a minute.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn set_rule_settings(&self, which: Rule, settings: &Settings) -> Result<RuleView, Problem> {
        let custody = &self.alerts.custody;
        let mut tx = custody.store.write().await?;
        let now = tx.now().await?;
        let uid = rule::put_settings(&mut tx, random::uid(), which, settings, now).await?;
        let set = rule::get(&mut tx, uid).await?.ok_or_else(not_found)?;
        let set = view(&mut tx, set).await?;
        let detail = json!({ "rule": which.as_str(), "scope": "all", "settings": settings.stored() });
        let target = Target::named("alert_rule", uid, &set.name);
        let entry = entry(&self.actor, "alert.rule_set", target, now, &detail);
        custody.append(&mut tx, vec![entry]).await?;
        tx.commit().await?;
        Ok(set)
    }

    /// Tells when a rule that rests on figures would have fired in the last days. Writes nothing and tells nobody.
    ///
    /// # Errors
    /// [`Problem`] on the field `rule` when that cannot be told, or on `days`.
    pub async fn backtest_figures(
        &self,
        which: Rule,
        settings: Option<Settings>,
        days: i64,
    ) -> Result<Backtested, Problem> {
        check_days(days)?;
        let mut session = self.alerts.custody.store.read().await?;
        let now = session.now().await?;
        let from = Millis((now.0 - (days - 1) * DAY_MS).div_euclid(DAY_MS) * DAY_MS);
        let settings = match settings {
            Some(settings) => settings,
            None => rule::settings(&mut session, which).await?,
        };
        figure_test::fires(&mut session, which, &settings, from, now).await
    }

    /// Writes down which limits are over their thresholds as these are now.
    async fn write_reached(&self, tx: &mut Write, scope: &RuleScope, now: Millis) -> Result<(), Problem> {
        let limits = limits_of(tx, scope).await?;
        let key = |limit: &Limit| CounterKey::at(limit.counter_subject(), limit.unit, limit.window, now);
        let keys: Vec<CounterKey> = limits.iter().map(key).collect();
        let states = counter::read_all(tx, &keys).await?;
        let used = |limit: &Limit| crossing::counted(&states.get(&key(limit)).copied().unwrap_or_default());
        let is_over = |limit: &&Limit| limit.thresholds.reached(used(limit), limit.amount).next().is_some();
        let over: Vec<CounterKey> = limits.iter().filter(is_over).map(key).collect();
        let states = counter::lock_all(tx, &over).await?;
        for limit in limits.iter().filter(is_over) {
            let used = crossing::counted(&states.get(&key(limit)).copied().unwrap_or_default());
            crossing::write_reached(&self.alerts.custody, tx, &key(limit), limit, used, now).await?;
        }
        Ok(())
    }

    /// Removes a rule: its limits go by what is set for more of them, or by the usual thresholds.
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound`.
    pub async fn remove_rule(&self, uid: Uid) -> Result<(), Problem> {
        let custody = &self.alerts.custody;
        let mut tx = custody.store.write().await?;
        let now = tx.now().await?;
        let found = rule::get(&mut tx, uid).await?.ok_or_else(not_found)?;
        rule::remove(&mut tx, uid).await?;
        let detail = json!({ "rule": found.rule.as_str(), "scope": found.scope.kind() });
        let target = Target { kind: "alert_rule".into(), id: Some(uid.to_string()), name: None };
        let entry = entry(&self.actor, "alert.rule_remove", target, now, &detail);
        custody.append(&mut tx, vec![entry]).await?;
        Ok(tx.commit().await?)
    }

    /// Tells when thresholds would have been crossed in the last days, by the sums of each day. Writes nothing and tells nobody.
    ///
    /// # Errors
    /// [`Problem`] on the field `days`.
    pub async fn backtest(
        &self,
        scope: &RuleScope,
        thresholds: Option<Thresholds>,
        days: i64,
    ) -> Result<Backtested, Problem> {
        check_days(days)?;
        let mut session = self.alerts.custody.store.read().await?;
        let now = session.now().await?;
        let from = Millis((now.0 - (days - 1) * DAY_MS).div_euclid(DAY_MS) * DAY_MS);
        let mut tested = Backtested { from: Some(from), ..Backtested::default() };
        for limit in limits_of(&mut session, scope).await? {
            if !matches!(limit.window, Window::Day | Window::Month) {
                tested.left_out += 1;
                continue;
            }
            tested.limits += 1;
            let subject = name_of(&mut session, &limit.scope).await?.unwrap_or_else(|| limit.scope.id());
            // A month is counted from its first day, which may lie before.
            let sums_from = limit.window.start(from);
            let sums = backtest::day_sums(&mut session, &limit.scope, limit.unit, sums_from).await?;
            tested.fires.extend(fires(&limit, thresholds.unwrap_or(limit.thresholds), &subject, &sums, from));
        }
        tested.fires.sort_by_key(|fire| (fire.at, fire.percent));
        Ok(tested)
    }
}

fn check_days(days: i64) -> Result<(), Problem> {
    if (1..=MAX_DAYS).contains(&days) {
        return Ok(());
    }
    Err(Problem::invalid("days", format!("days must be 1 to {MAX_DAYS}")))
}

fn fires(
    limit: &Limit,
    thresholds: Thresholds,
    subject: &str,
    sums: &[(Millis, i64)],
    from: Millis,
) -> Vec<Fire> {
    let (mut window, mut used, mut fires) = (Millis(i64::MIN), 0_i64, Vec::new());
    for (day, sum) in sums {
        let start = limit.window.start(*day);
        if start != window {
            (window, used) = (start, 0);
        }
        let after = used.saturating_add(*sum);
        for percent in thresholds.crossed(used, after, limit.amount).filter(|_| *day >= from) {
            fires.push(Fire {
                at: *day,
                subject: subject.to_owned(),
                percent,
                used: after,
                unit: limit.unit,
                says: format!("{percent} %, {} used", limit.unit.shown(after)),
            });
        }
        used = after;
    }
    fires
}

async fn limits_of(session: &mut Session, scope: &RuleScope) -> Result<Vec<Limit>, Problem> {
    Ok(match scope {
        RuleScope::All => limit::list(session).await?,
        RuleScope::Limit(uid) => limit::get(session, *uid).await?.into_iter().collect(),
        RuleScope::Of(scope) => limit::list_of_scope(session, scope, i64::MAX).await?,
    })
}

fn not_found() -> Problem {
    Problem::not_found("Alert rule not found")
}

#[cfg(test)]
mod tests {
    use strongroom_model::limit::{LimitScope, Unit};

    use super::*;

    #[test]
    fn each_window_counts_from_its_start_and_fires_once_per_threshold() {
        let limit = Limit {
            uid: Uid::from_bytes([1; 16]),
            scope: LimitScope::Token("t".to_owned()),
            unit: Unit::Requests,
            window: Window::Month,
            amount: 100,
            thresholds: Thresholds::USUAL,
            created_at: Millis(0),
            updated_at: Millis(0),
        };
        let day = |text: &str| Millis::parse(&format!("{text}T00:00:00Z")).unwrap();
        let sums = [
            (day("2026-01-30"), 79),
            (day("2026-01-31"), 1),
            (day("2026-02-01"), 79),
            (day("2026-02-02"), 17),
        ];
        let found = fires(&limit, Thresholds::USUAL, "t", &sums, day("2026-01-31"));
        let found: Vec<_> = found.iter().map(|fire| (fire.at, fire.percent, fire.used)).collect();
        let february = day("2026-02-02");
        assert_eq!(found, [(day("2026-01-31"), 80, 80), (february, 80, 96), (february, 95, 96)]);
    }
}
