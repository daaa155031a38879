//! Delivery of alerts: each message once, whatever a channel answers and whichever server dies.

use std::time::Duration;

use serde_json::Value;
use strongroom::alert::{
    ChannelKind, ChannelSettings, MailSettings, NewChannel, NewSilence, Rule, SilenceMatcher,
};
use strongroom::{Actor, Millis, ProblemKind, Secret};
use strongroom_testkit::Backend;

use super::alert_ground::{
    NOON, add, ground_with_hook, incidents, limited, marks, read, send, with_loopback,
};
use super::ground::ground_with;
use super::receiver::{MailServer, Receiver};

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
async fn a_message_that_waits_to_be_tried_again_or_a_clock_that_was_ahead_holds_no_other_up() {
    let (ground, receiver) = ground_with_hook().await;
    ground.make(limited("one", 10)).await;
    read(&ground.room, "one", 9).await;
    receiver.answer(500);
    // Until it is tried again half an hour later.
    for _ in 0..3 {
        send(&ground, &ground.room).await;
        ground.clock.set(Millis(ground.room.now().await.unwrap().0 + 360_000));
    }
    receiver.answer(200);
    receiver.take();
    ground.make(limited("two", 10)).await;
    read(&ground.room, "two", 9).await;
    send(&ground, &ground.room).await;
    assert_eq!(receiver.take().len(), 1);
    // A month forth, and back.
    let now = ground.room.now().await.unwrap();
    ground.clock.set(Millis(now.0 + 31 * 86_400_000));
    ground.room.watch_limits().await.unwrap();
    send(&ground, &ground.room).await;
    assert!(!receiver.take().is_empty(), "their windows have ended");
    ground.clock.set(now);
    ground.make(limited("three", 10)).await;
    read(&ground.room, "three", 9).await;
    send(&ground, &ground.room).await;
    let told = receiver.take();
    assert!(told.iter().any(|got| got.body.to_string().contains("three")), "{told:?}");
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
async fn thousands_of_incidents_are_a_few_messages() {
    // On PostgreSQL as many as the suite has time for.
    let many: i64 = if super::BACKEND == Backend::Postgres { 2_000 } else { 10_000 };
    let (ground, receiver) = ground_with_hook().await;
    // As a day of many limits that all run out: written by hand, for only their number matters here.
    let row = |number: i64| {
        format!(
            "('{number:032x}', 'main', 'limit_threshold', 'counter', '{number:032x}', 80, 0, 0, 'warn', 'requests', 'day', \
             8, 8, 8, {}, 0)",
            NOON.0
        )
    };
    for chunk in 0..many / 500 {
        let rows: Vec<String> = (chunk * 500..(chunk + 1) * 500).map(row).collect();
        let sql = format!(
            "INSERT INTO alert_incidents (uid, region, rule, subject_kind, subject_id, mark, window_start_ms, episode, level, \
             unit, window_kind, value, threshold, peak, fired_at_ms, reminders) VALUES {}",
            rows.join(", ")
        );
        ground.database.execute(&sql).await;
    }
    assert_eq!(ground.room.fan_out_alerts().await.unwrap(), usize::try_from(many).unwrap());
    for _ in 0..3 {
        ground.clock.set(Millis(ground.room.now().await.unwrap().0 + 31_000));
        ground.room.deliver_alerts().await.unwrap();
    }
    let got = receiver.take();
    assert!(got.len() <= 3, "{}", got.len());
    let count: i64 = got.iter().map(|got| got.body["data"]["count"].as_i64().unwrap()).sum();
    assert_eq!(count, many);
    assert!(got[0].body["data"]["incidents"].as_array().unwrap().len() <= 10);
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
