//! Alerts: thresholds that fire once, and are told once, whoever sees them and whatever fails.

use std::time::Duration;

use serde_json::Value;
use strongroom::alert::{
    AlertOptions, ChannelKind, ChannelSettings, IncidentFilter, IncidentView, Level, MailSettings,
    NewChannel, NewSilence, Rule, RuleScope, SilenceMatcher, Thresholds,
};
use strongroom::limit::Bound;
use strongroom::{
    Actor, CredentialPatch, Millis, NewCredential, ProblemKind, Secret, Strongroom, Unit, Window,
};

use super::ground::{Ground, NOW, ground, ground_with, new};
use super::receiver::{MailServer, Receiver};

/// 2026-01-15T12:00:00Z: the month does not end within a test.
const NOON: Millis = Millis(1_768_478_400_000);

fn limited(name: &str, limit: i64) -> NewCredential {
    NewCredential { rate_limit: Some(limit), ..new(name) }
}

async fn read(room: &Strongroom, name: &str, times: usize) {
    let service = room.credentials(Actor::library());
    for _ in 0..times {
        service.get_credential(name, None).await.expect("an answer").expect("a credential");
    }
}

async fn incidents(room: &Strongroom) -> Vec<IncidentView> {
    let filter = IncidentFilter { rule: Some(Rule::LimitThreshold), ..IncidentFilter::default() };
    room.alerts(Actor::library()).list(&filter, 1000).await.expect("a list")
}

/// Mark and state of each, the lowest mark first.
async fn marks(room: &Strongroom) -> Vec<(i64, &'static str)> {
    let mut all: Vec<_> = incidents(room).await.iter().map(|it| (it.incident.mark, it.state)).collect();
    all.sort_unstable();
    all
}

async fn told(ground: &Ground, channel: &str) -> Vec<String> {
    let sql = format!(
        "SELECT CAST(i.mark AS TEXT) || ' ' || d.notice FROM alert_deliveries d JOIN alert_incidents i \
         ON i.uid = d.incident_uid WHERE d.channel_uid = '{channel}' ORDER BY 1"
    );
    ground.database.query_text(&sql).await.into_iter().map(|row| row[0].clone().expect("a text")).collect()
}

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

/// A channel whose webhook is on this machine.
async fn webhook(ground: &Ground) -> (String, Receiver) {
    let receiver = Receiver::start().await;
    let channel = add(ground, "hook", &receiver).await;
    (channel, receiver)
}

async fn add(ground: &Ground, name: &str, receiver: &Receiver) -> String {
    let new = NewChannel {
        name: name.to_owned(),
        kind: ChannelKind::Webhook,
        address: Some(Secret::from(receiver.url())),
        secret: Some(Secret::from(receiver.secret())),
        settings: ChannelSettings::default(),
    };
    let (made, secret) = ground.room.alerts(Actor::library()).add_channel(new).await.expect("a channel");
    assert!(secret.is_none(), "one that was given is not shown");
    made.uid.to_string()
}

fn with_loopback(options: &mut strongroom::Options) {
    options.alerts = AlertOptions {
        allowed: vec!["127.0.0.1".to_owned()],
        public_url: Some("https://strongroom.example".to_owned()),
    };
}

/// Past the wait for others to go out with.
async fn send(ground: &Ground, room: &Strongroom) {
    room.fan_out_alerts().await.expect("a fan-out");
    // Messages to a channel are a second apart, and what was not taken is tried again after five.
    for pause in [31_000, 2000, 2000] {
        ground.clock.set(Millis(ground.room.now().await.expect("a time").0 + pause));
        room.deliver_alerts().await.expect("a turn");
    }
}

async fn ground_with_hook() -> (Ground, Receiver) {
    let ground = ground_with(with_loopback).await;
    ground.clock.set(NOON);
    let receiver = Receiver::start().await;
    add(&ground, "hook", &receiver).await;
    send(&ground, &ground.room).await;
    assert_eq!(receiver.take().len(), 1, "that the channel was made");
    (ground, receiver)
}

#[tokio::test]
async fn a_webhook_is_told_once_signed_and_without_a_secret() {
    let (ground, receiver) = ground_with_hook().await;
    ground.make(limited("one", 10)).await;
    read(&ground.room, "one", 9).await;
    send(&ground, &ground.room).await;
    let got = receiver.take();
    assert_eq!(got.len(), 1);
    assert!(got[0].is_signed, "{got:?}");
    let body: &Value = &got[0].body;
    assert_eq!(body["type"], "limit.threshold.firing");
    assert_eq!(body["data"]["subject"]["name"], "one");
    assert_eq!((&body["data"]["value"], &body["data"]["threshold"]), (&8.into(), &8.into()));
    let id = body["data"]["incident"].as_str().unwrap();
    assert_eq!(body["data"]["url"], format!("https://strongroom.example/api/admin/alerts/{id}"));
    assert!(!body.to_string().contains("key of one"));
    send(&ground, &ground.room).await;
    assert!(receiver.take().is_empty(), "once");
    // It is over with the window, and the channel that was told is told so.
    ground.clock.set(Millis(NOON.0 + 31 * 86_400_000));
    ground.room.watch_limits().await.unwrap();
    send(&ground, &ground.room).await;
    let over = receiver.take();
    assert_eq!(over.len(), 1);
    assert_eq!(over[0].body["type"], "limit.threshold.resolved");
    assert_eq!(over[0].body["data"]["cause"], "its window has ended");
    assert!(over[0].body["text"].as_str().unwrap().starts_with("over after 30 d"), "{}", over[0].body);
}

#[tokio::test]
async fn a_message_that_was_sent_by_a_server_that_died_is_sent_once_more_under_the_same_identity() {
    let (ground, receiver) = ground_with_hook().await;
    ground.make(limited("one", 10)).await;
    read(&ground.room, "one", 9).await;
    ground.room.fan_out_alerts().await.unwrap();
    ground.clock.set(Millis(ground.room.now().await.unwrap().0 + 31_000));
    // The server dies between the answer of the channel and the note of it.
    receiver.hold();
    let dying = ground.node_with(with_loopback).await;
    let mut task = tokio::task::JoinSet::new();
    task.spawn(async move { dying.deliver_alerts().await.map(drop) });
    let first = receiver.next().await;
    task.shutdown().await;
    receiver.answer(200);
    ground.room.deliver_alerts().await.unwrap();
    assert!(receiver.take().is_empty(), "it is claimed");
    ground.clock.set(Millis(ground.room.now().await.unwrap().0 + 91_000));
    // It may have died before the line in the log as well.
    assert!(ground.room.deliver_alerts().await.unwrap() >= 1);
    let second = receiver.take();
    assert_eq!(second.len(), 1);
    assert_eq!(second[0].id, first.id);
    assert_eq!(second[0].body["data"], first.body["data"]);
    assert_eq!(ground.room.deliver_alerts().await.unwrap(), 0);
}

#[tokio::test]
async fn two_servers_that_send_at_once_send_each_message_once() {
    let (ground, receiver) = ground_with_hook().await;
    let other = ground.node_with(with_loopback).await;
    for name in ["one", "two", "three", "four"] {
        ground.make(limited(name, 10)).await;
        read(&ground.room, name, 10).await;
    }
    ground.room.fan_out_alerts().await.unwrap();
    for _ in 0..20 {
        ground.clock.set(Millis(ground.room.now().await.unwrap().0 + 31_000));
        let (one, two) = tokio::join!(ground.room.deliver_alerts(), other.deliver_alerts());
        one.unwrap();
        two.unwrap();
    }
    let mut ids: Vec<String> = receiver.take().into_iter().map(|got| got.id).collect();
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count, "no message twice");
    assert_eq!(
        ground.value("SELECT COUNT(*) FROM alert_deliveries WHERE delivered_at_ms IS NULL").await,
        "0"
    );
}

#[tokio::test]
async fn what_a_channel_does_not_take_is_tried_again_given_up_listed_and_told_to_another() {
    let (ground, receiver) = ground_with_hook().await;
    let backup = Receiver::start().await;
    add(&ground, "backup", &backup).await;
    send(&ground, &ground.room).await;
    receiver.take();
    backup.take();
    ground.make(limited("one", 10)).await;
    read(&ground.room, "one", 9).await;
    receiver.answer(500);
    send(&ground, &ground.room).await;
    assert_eq!((receiver.take().len(), backup.take().len()), (1, 1));
    let alerts = ground.room.alerts(Actor::library());
    for attempt in 2..=10 {
        ground.clock.set(Millis(ground.room.now().await.unwrap().0 + 27 * 3_600_000));
        ground.room.deliver_alerts().await.unwrap();
        assert_eq!(receiver.take().len(), 1, "attempt {attempt}");
    }
    ground.clock.set(Millis(ground.room.now().await.unwrap().0 + 30 * 86_400_000));
    ground.room.deliver_alerts().await.unwrap();
    assert!(receiver.take().is_empty(), "it is given up");
    let dead = alerts.deliveries(true, 10).await.unwrap();
    assert_eq!(dead.len(), 1);
    assert_eq!((dead[0].attempts, dead[0].last_error.as_deref()), (10, Some("HTTP 500: no")));
    receiver.answer(200);
    alerts.retry(dead[0].uid.parse().unwrap()).await.unwrap();
    ground.room.deliver_alerts().await.unwrap();
    assert_eq!(receiver.take().len(), 1);
    // One that says that it is gone is not called again, and others hear of that.
    receiver.answer(410);
    ground.room.watch_limits().await.unwrap();
    send(&ground, &ground.room).await;
    send(&ground, &ground.room).await;
    let channels = alerts.channels().await.unwrap();
    let hook = channels.iter().find(|channel| channel.name == "hook").unwrap();
    assert!(hook.disabled.as_ref().is_some_and(|(_, reason)| reason.starts_with("HTTP 410")), "{hook:?}");
    let heard = backup.take();
    let types: Vec<_> = heard.iter().map(|got| got.body["type"].as_str().unwrap()).collect();
    assert!(types.contains(&"delivery.dead.firing"), "{types:?}");
}

#[tokio::test]
async fn a_silence_masks_and_does_not_forget() {
    let (ground, receiver) = ground_with_hook().await;
    let alerts = ground.room.alerts(Actor::library());
    let matcher = SilenceMatcher { rule: Some(Rule::LimitThreshold), ..SilenceMatcher::default() };
    let silence = NewSilence { matcher, for_ms: 3_600_000, reason: "load test".to_owned() };
    alerts.silence(silence).await.unwrap();
    ground.make(limited("one", 10)).await;
    read(&ground.room, "one", 9).await;
    send(&ground, &ground.room).await;
    assert!(receiver.take().is_empty());
    assert_eq!(marks(&ground.room).await, [(80, "silenced")]);
    assert_eq!(ground.room.watch_limits().await.unwrap(), 0);
    ground.clock.set(Millis(ground.room.now().await.unwrap().0 + 3_600_000));
    assert_eq!(ground.room.watch_limits().await.unwrap(), 1);
    send(&ground, &ground.room).await;
    let told = receiver.take();
    assert_eq!(told.len(), 1, "still fires");
    assert_eq!(told[0].body["type"], "limit.threshold.firing");
    assert_eq!(marks(&ground.room).await, [(80, "firing")]);
}

#[tokio::test]
async fn what_nobody_acknowledges_is_told_once_more() {
    let (ground, receiver) = ground_with_hook().await;
    ground.make(limited("one", 10)).await;
    read(&ground.room, "one", 10).await;
    send(&ground, &ground.room).await;
    receiver.take();
    let alerts = ground.room.alerts(Actor::library());
    ground.clock.set(Millis(ground.room.now().await.unwrap().0 + 4 * 3_600_000));
    ground.room.watch_limits().await.unwrap();
    send(&ground, &ground.room).await;
    let reminded = receiver.take();
    assert_eq!(reminded.len(), 1, "of what is critical");
    assert_eq!(reminded[0].body["type"], "limit.threshold.reminder");
    assert!(reminded[0].body["text"].as_str().unwrap().starts_with("still, for 4 h"), "{}", reminded[0].body);
    for one in incidents(&ground.room).await {
        let after = alerts.acknowledge(one.incident.uid, Some("I know")).await.unwrap();
        assert_eq!((after.state, after.incident.note.as_deref()), ("acknowledged", Some("I know")));
    }
    ground.clock.set(Millis(ground.room.now().await.unwrap().0 + 5 * 3_600_000));
    ground.room.watch_limits().await.unwrap();
    send(&ground, &ground.room).await;
    assert!(receiver.take().is_empty());
    assert_eq!(ground.entries("alert.acknowledge").await.len(), 3);
}

#[tokio::test]
async fn ten_thousand_incidents_are_a_few_messages() {
    let (ground, receiver) = ground_with_hook().await;
    // As a day of many limits that all run out: written by hand, for only their number matters here.
    let row = |number: i64| {
        format!(
            "('{number:032x}', 'main', 'limit_threshold', 'counter', '{number:032x}', 80, 0, 0, 'warn', 'requests', 'day', \
             8, 8, 8, {}, 0)",
            NOON.0
        )
    };
    for chunk in 0..20 {
        let rows: Vec<String> = (chunk * 500..(chunk + 1) * 500).map(row).collect();
        let sql = format!(
            "INSERT INTO alert_incidents (uid, region, rule, subject_kind, subject_id, mark, window_start_ms, episode, level, \
             unit, window_kind, value, threshold, peak, fired_at_ms, reminders) VALUES {}",
            rows.join(", ")
        );
        ground.database.execute(&sql).await;
    }
    assert_eq!(ground.room.fan_out_alerts().await.unwrap(), 10_000);
    for _ in 0..3 {
        ground.clock.set(Millis(ground.room.now().await.unwrap().0 + 31_000));
        ground.room.deliver_alerts().await.unwrap();
    }
    let got = receiver.take();
    assert!(got.len() <= 3, "{}", got.len());
    let count: i64 = got.iter().map(|got| got.body["data"]["count"].as_i64().unwrap()).sum();
    assert_eq!(count, 10_000);
    assert!(got[0].body["data"]["incidents"].as_array().unwrap().len() <= 10);
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
        let mut all: Vec<_> = all.iter().map(|it| (it.incident.rule, it.incident.mark, it.state)).collect();
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

#[tokio::test]
async fn addresses_are_sealed_checked_and_resealed_with_a_new_data_key() {
    let (ground, receiver) = ground_with_hook().await;
    let alerts = ground.room.alerts(Actor::library());
    let stored =
        ground.database.query_text("SELECT value, shown FROM alert_channel_values, alert_channels").await;
    for row in &stored {
        let text = format!("{row:?}");
        assert!(!text.contains(&receiver.url()) && !text.contains(receiver.secret()), "{text}");
    }
    for bad in ["http://10.0.0.1/hook", "https://169.254.169.254/", "https://localhost/x", "no URL"] {
        let new = NewChannel {
            name: "bad".to_owned(),
            kind: ChannelKind::Slack,
            address: Some(Secret::from(bad)),
            secret: None,
            settings: ChannelSettings::default(),
        };
        let problem = alerts.add_channel(new).await.unwrap_err();
        assert_eq!(problem.field.as_deref(), Some("address"), "{problem:?}");
    }
    ground.room.keys().rotate(&Actor::library()).await.unwrap();
    let old = "SELECT COUNT(*) FROM alert_channel_values WHERE key_id NOT IN \
               (SELECT id FROM encryption_keys WHERE is_current AND purpose = 'data')";
    for _ in 0..600 {
        if ground.value(old).await == "0" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(ground.value(old).await, "0");
    let tested = alerts.test_channel("hook").await.unwrap();
    assert!(tested.is_taken, "{tested:?}");
    assert_eq!(receiver.take().len(), 1);
    assert_eq!(ground.room.prove().await.unwrap().faults, Vec::<String>::new());
    // A row that was changed sends nothing anywhere.
    ground.database.execute("UPDATE alert_channels SET settings = '{\"mail\":null}'").await;
    assert_eq!(alerts.test_channel("hook").await.unwrap_err().kind, ProblemKind::Integrity);
    assert_eq!(ground.room.prove().await.unwrap().faults.len(), 1);
}

#[tokio::test]
async fn mail_goes_to_every_address_in_the_clear_only_to_a_host_that_is_listed() {
    let ground = ground_with(with_loopback).await;
    let server = MailServer::start().await;
    let mail = |name: &str, host: &str| NewChannel {
        name: name.to_owned(),
        kind: ChannelKind::Mail,
        address: Some(Secret::from(format!("smtp://{host}:{}", server.port))),
        secret: None,
        settings: ChannelSettings {
            mail: Some(MailSettings {
                from: "alerts@example.com".to_owned(),
                to: vec!["ops@example.com".to_owned(), "more@example.com".to_owned()],
            }),
        },
    };
    let alerts = ground.room.alerts(Actor::library());
    let refused = alerts.add_channel(mail("home", "localhost")).await.unwrap_err();
    assert_eq!(refused.field.as_deref(), Some("address"));
    alerts.add_channel(mail("mail", "127.0.0.1")).await.unwrap();
    let tested = alerts.test_channel("mail").await.unwrap();
    assert!(tested.is_taken && tested.answer.contains("taken as 42"), "{tested:?}");
    server.take();
    ground.make(limited("one", 10)).await;
    read(&ground.room, "one", 10).await;
    send(&ground, &ground.room).await;
    let got = server.take();
    let critical = got.iter().find(|mail| mail.contains("has used up")).expect("a mail");
    for line in [
        "RCPT TO:<ops@example.com>",
        "RCPT TO:<more@example.com>",
        "From: alerts@example.com",
        "Content-Type: text/html",
        "95 %",
    ] {
        assert!(critical.contains(line), "{line}: {critical}");
    }
    let uid = ground
        .value("SELECT message_uid FROM alert_deliveries WHERE level = 'critical' AND channel_uid <> 'log'")
        .await;
    assert!(critical.contains(&format!("Message-ID: <{uid}@example.com>")), "{critical}");
    assert!(!critical.contains("key of one"));
}
