//! Alerts: thresholds that fire once, and are told once, whoever sees them and whatever fails.

use strongroom::alert::{IncidentFilter, Level, Rule, RuleScope, Thresholds};
use strongroom::limit::Bound;
use strongroom::{Actor, CredentialPatch, Millis, NewCredential, ProblemKind, Unit, Window};

use super::alert_ground::{NOON, incidents, limited, marks, read, told, webhook, with_loopback};
use super::ground::{NOW, ground, ground_with, new};

#[tokio::test]
async fn use_of_a_limit_over_80_percent_is_told_at_exactly_80() {
    let ground = ground().await;
    ground.make(limited("one", 1000)).await;
    read(&ground.room, "one", 799).await;
    assert_eq!(marks(&ground.room).await, [], "79.9 %");
    read(&ground.room, "one", 1).await;
    assert_eq!(marks(&ground.room).await, [(80, "firing")], "80 %");
    read(&ground.room, "one", 1).await;
    assert_eq!(marks(&ground.room).await, [(80, "firing")], "80.1 %");
    let found = &incidents(&ground.room).await[0];
    assert_eq!((found.incident.value, found.incident.threshold), (800, 800));
    assert_eq!(
        (found.incident.level, found.kind.as_str(), found.name.as_str()),
        (Level::Warn, "credential", "one")
    );
    assert!(found.says.contains("80 % of its limit of 1000 requests per month"), "{}", found.says);
    ground.assert_sound().await;
}

#[tokio::test]
async fn a_jump_tells_of_the_highest_threshold_and_names_the_others() {
    let ground = ground_with(with_loopback).await;
    let made = ground.make(limited("one", 100)).await;
    read(&ground.room, "one", 70).await;
    let patch = CredentialPatch { rate_limit: Some(Some(72)), ..CredentialPatch::default() };
    ground.service().update(made.id, patch, None).await.unwrap();
    assert_eq!(marks(&ground.room).await, [(80, "firing"), (95, "firing")]);
    let all = incidents(&ground.room).await;
    let of = |mark| all.iter().find(|it| it.incident.mark == mark).unwrap().incident.clone();
    assert_eq!((of(80).passed_by, of(95).passed_by), (Some(of(95).uid), None));
    let (channel, _receiver) = webhook(&ground).await;
    assert_eq!(
        ground.room.fan_out_alerts().await.unwrap(),
        3,
        "two of the limit, and the channel that was made"
    );
    assert_eq!(told(&ground, &channel).await, ["0 firing", "95 firing"]);
    assert_eq!(told(&ground, "log").await, ["0 firing", "80 firing", "95 firing"]);
}

#[tokio::test]
async fn the_first_refusal_says_that_a_limit_is_used_up_once() {
    let ground = ground().await;
    ground.make(limited("one", 10)).await;
    read(&ground.room, "one", 10).await;
    assert_eq!(marks(&ground.room).await, [(80, "firing"), (95, "firing"), (100, "firing")]);
    for _ in 0..3 {
        let refused = ground.service().get_credential("one", None).await.unwrap_err();
        assert_eq!(refused.kind, ProblemKind::LimitReached);
        ground.room.note_refusals().await.unwrap();
    }
    assert_eq!(marks(&ground.room).await.len(), 3, "under the same key");
    // A limit of nothing is never used, and refuses all the same.
    ground.make(limited("closed", 0)).await;
    ground.service().get_credential("closed", None).await.unwrap_err();
    assert_eq!(ground.room.note_refusals().await.unwrap(), 1);
    let closed = incidents(&ground.room).await;
    let closed: Vec<_> = closed.iter().filter(|it| it.name == "closed").map(|it| it.incident.mark).collect();
    assert_eq!(closed, [100]);
}

#[tokio::test]
async fn raising_a_limit_ends_its_alerts_and_lets_them_fire_once_more() {
    let ground = ground().await;
    let made = ground.make(limited("one", 10)).await;
    read(&ground.room, "one", 9).await;
    assert_eq!(marks(&ground.room).await, [(80, "firing")]);
    let raise = async |amount| {
        let patch = CredentialPatch { rate_limit: Some(Some(amount)), ..CredentialPatch::default() };
        ground.service().update(made.id, patch, None).await.unwrap();
    };
    raise(11).await;
    assert_eq!(marks(&ground.room).await, [(80, "firing")], "9 of 11 is over 80 % as well");
    raise(20).await;
    assert_eq!(marks(&ground.room).await, [(80, "resolved")]);
    assert_eq!(incidents(&ground.room).await[0].incident.cause.as_deref(), Some("the limit was changed"));
    read(&ground.room, "one", 7).await;
    assert_eq!(marks(&ground.room).await, [(80, "firing"), (80, "resolved")]);
    ground.service().reset_monthly_usage().await.unwrap();
    assert_eq!(marks(&ground.room).await, [(80, "resolved"), (80, "resolved")]);
    read(&ground.room, "one", 16).await;
    assert_eq!(marks(&ground.room).await.iter().filter(|it| it.1 == "firing").count(), 1);
    ground.assert_sound().await;
}

#[tokio::test]
async fn the_end_of_a_window_ends_its_alerts_and_the_next_one_fires_by_itself() {
    let ground = ground().await;
    ground.make(limited("one", 10)).await;
    read(&ground.room, "one", 8).await;
    assert_eq!(ground.room.watch_limits().await.unwrap(), 0, "nothing was missed and nothing is over");
    ground.clock.set(Millis(NOW.0 + 1));
    assert_eq!(ground.room.watch_limits().await.unwrap(), 1);
    assert_eq!(marks(&ground.room).await, [(80, "resolved")]);
    read(&ground.room, "one", 8).await;
    assert_eq!(marks(&ground.room).await, [(80, "firing"), (80, "resolved")]);
    // A clock that goes back and forth again fires nothing twice.
    ground.clock.set(NOW);
    read(&ground.room, "one", 1).await;
    ground.clock.set(Millis(NOW.0 + 1));
    read(&ground.room, "one", 1).await;
    ground.room.watch_limits().await.unwrap();
    assert_eq!(marks(&ground.room).await, [(80, "firing"), (80, "resolved")]);
}

#[tokio::test]
async fn an_incident_that_cannot_be_written_costs_no_use_and_is_found_later() {
    let ground = ground().await;
    ground.make(limited("one", 10)).await;
    ground.database.execute("ALTER TABLE alert_incidents RENAME TO gone").await;
    read(&ground.room, "one", 9).await;
    assert_eq!(ground.room.counters().incidents_set_aside.get(), 1);
    ground.database.execute("ALTER TABLE gone RENAME TO alert_incidents").await;
    assert_eq!(ground.value("SELECT CAST(SUM(settled) AS TEXT) FROM counters").await, "9");
    assert_eq!(marks(&ground.room).await, []);
    assert_eq!(ground.room.watch_limits().await.unwrap(), 1);
    assert_eq!(marks(&ground.room).await, [(80, "firing")]);
    ground.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_500_uses_at_once_on_two_servers_three_thresholds_fire_once_each_and_are_told_once() {
    let ground = ground().await;
    ground.make(limited("one", 400)).await;
    let other = ground.node().await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..500 {
        let room = if number % 2 == 0 { ground.room.clone() } else { other.clone() };
        tasks.spawn(async move {
            let service = room.credentials(Actor::library());
            service.get_credential("one", None).await.is_ok_and(|read| read.is_some())
        });
    }
    let served = tasks.join_all().await.into_iter().filter(|is_ok| *is_ok).count();
    assert_eq!(served, 400);
    let (one, two) = tokio::join!(ground.room.note_refusals(), other.note_refusals());
    one.unwrap();
    two.unwrap();
    assert_eq!(marks(&other).await, [(80, "firing"), (95, "firing"), (100, "firing")]);
    // Both decide who is told, at once.
    let (one, two) = tokio::join!(ground.room.fan_out_alerts(), other.fan_out_alerts());
    one.unwrap();
    two.unwrap();
    assert_eq!(told(&ground, "log").await, ["100 firing", "80 firing", "95 firing"]);
    ground.assert_sound().await;
}

#[tokio::test]
async fn thresholds_are_set_for_a_limit_or_for_all_and_can_be_tested_against_the_past() {
    let ground = ground().await;
    ground.clock.set(NOON);
    ground.make(limited("one", 100)).await;
    read(&ground.room, "one", 50).await;
    let alerts = ground.room.alerts(Actor::library());
    let scope = alerts.rule_scope(None, Some(&Bound::Credential("one".to_owned()))).await.unwrap();
    let tested = alerts.backtest(&scope, Some(Thresholds::of(&[30, 50, 80]).unwrap()), 30).await.unwrap();
    assert_eq!(tested.fires.iter().map(|fire| fire.percent).collect::<Vec<_>>(), [30, 50]);
    assert_eq!(marks(&ground.room).await, [], "a test tells nobody");
    let set = alerts.set_rule(&scope, Thresholds::of(&[40, 60]).unwrap()).await.unwrap();
    assert_eq!(marks(&ground.room).await, [(40, "firing")], "what is over it already is told at once");
    read(&ground.room, "one", 10).await;
    assert_eq!(marks(&ground.room).await, [(40, "firing"), (60, "firing")]);
    alerts.remove_rule(set.rule.uid).await.unwrap();
    read(&ground.room, "one", 20).await;
    assert_eq!(marks(&ground.room).await, [(40, "firing"), (60, "firing"), (80, "firing")]);
    ground.room.watch_limits().await.unwrap();
    assert_eq!(marks(&ground.room).await, [(40, "resolved"), (60, "resolved"), (80, "firing")]);
    alerts.set_rule(&RuleScope::All, Thresholds::NONE).await.unwrap();
    read(&ground.room, "one", 20).await;
    assert_eq!(marks(&ground.room).await.len(), 3, "nobody is told any more");
}

#[tokio::test]
async fn limits_of_short_windows_tell_nobody_unless_somebody_says_so() {
    let ground = ground().await;
    ground.make(new("one")).await;
    let limits = ground.room.limits(Actor::library());
    let bound = Bound::Credential("one".to_owned());
    let hourly = limits.set(&bound, Unit::Requests, Window::Hour, 10).await.unwrap();
    read(&ground.room, "one", 9).await;
    assert_eq!(marks(&ground.room).await, []);
    let alerts = ground.room.alerts(Actor::library());
    let scope = alerts.rule_scope(Some(hourly.limit.uid), None).await.unwrap();
    alerts.set_rule(&scope, Thresholds::USUAL).await.unwrap();
    assert_eq!(marks(&ground.room).await, [(80, "firing")]);
}

#[tokio::test]
async fn credentials_that_expire_or_lie_unused_are_told_of_and_over_when_they_are_renewed() {
    let ground = ground().await;
    ground.clock.set(NOON);
    let day = 86_400_000;
    let expires = NewCredential { expires_at: Some(Millis(NOON.0 + 40 * day)), ..new("old") };
    let made = ground.make(expires).await;
    let of = async || -> Vec<(Rule, i64, &'static str)> {
        let all = ground.room.alerts(Actor::library()).list(&IncidentFilter::default(), 100).await.unwrap();
        // Nobody proves a backup here.
        let all = all.iter().filter(|it| it.incident.rule != Rule::BackupOld);
        let mut all: Vec<_> = all.map(|it| (it.incident.rule, it.incident.mark, it.state)).collect();
        all.sort_unstable();
        all
    };
    assert_eq!(ground.room.watch_credentials().await.unwrap(), 0);
    ground.clock.set(Millis(NOON.0 + 10 * day));
    assert_eq!(ground.room.watch_credentials().await.unwrap(), 1);
    assert_eq!(ground.room.watch_credentials().await.unwrap(), 0, "once");
    assert_eq!(of().await, [(Rule::Expires, 30, "firing")]);
    ground.clock.set(Millis(NOON.0 + 38 * day));
    ground.room.watch_credentials().await.unwrap();
    assert_eq!(of().await, [(Rule::Expires, 3, "firing"), (Rule::Expires, 30, "firing")]);
    let renewed = Some(Some(Millis(NOON.0 + 400 * day)));
    let patch = CredentialPatch { expires_at: renewed, ..CredentialPatch::default() };
    ground.service().update(made.id, patch, None).await.unwrap();
    ground.room.watch_credentials().await.unwrap();
    assert_eq!(of().await, [(Rule::Expires, 3, "resolved"), (Rule::Expires, 30, "resolved")]);
    ground.clock.set(Millis(NOON.0 + 95 * day));
    ground.room.watch_credentials().await.unwrap();
    assert!(of().await.contains(&(Rule::UnusedKey, 90, "firing")));
    read(&ground.room, "old", 1).await;
    ground.room.watch_credentials().await.unwrap();
    assert!(of().await.contains(&(Rule::UnusedKey, 90, "resolved")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_that_ends_under_load_fires_what_each_window_has_reached_and_nothing_else() {
    let ground = ground().await;
    ground.make(limited("one", 60)).await;
    let other = ground.node().await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..240 {
        let room = if number % 2 == 0 { ground.room.clone() } else { other.clone() };
        let clock = ground.clock.clone();
        tasks.spawn(async move {
            // The month ends in the middle of it, and once more a month later.
            match number {
                80 => clock.set(Millis(NOW.0 + 1)),
                160 => clock.set(Millis(NOW.0 + 1 + 28 * 86_400_000)),
                _ => {}
            }
            let service = room.credentials(Actor::library());
            service.get_credential("one", None).await.is_ok_and(|read| read.is_some())
        });
    }
    tasks.join_all().await;
    let counters = ground.database.query_text("SELECT window_start_ms, settled FROM counters").await;
    let mut expected = Vec::new();
    for row in counters {
        let number =
            |place: usize| row[place].as_deref().expect("a figure").parse::<i64>().expect("a number");
        let (window, used) = (number(0), number(1));
        assert!(used <= 60, "{used}");
        expected.extend(
            [80, 95, 100].into_iter().filter(|mark| used * 100 >= 60 * mark).map(|mark| (window, mark)),
        );
    }
    let mut found: Vec<(i64, i64)> = incidents(&ground.room)
        .await
        .iter()
        .map(|it| (it.incident.window_start.0, it.incident.mark))
        .collect();
    found.sort_unstable();
    expected.sort_unstable();
    assert!(!expected.is_empty());
    assert_eq!(found, expected);
    ground.assert_sound().await;
}
