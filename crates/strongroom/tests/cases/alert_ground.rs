//! What cases of alerts stand on: limits that run out, and webhooks that are told.

use strongroom::alert::{
    AlertOptions, ChannelKind, ChannelSettings, IncidentFilter, IncidentView, NewChannel, Rule,
};
use strongroom::{Actor, Millis, NewCredential, Secret, Strongroom};

use super::ground::{Ground, ground_with, new};
use super::receiver::Receiver;

/// 2026-01-15T12:00:00Z: the month does not end within a test.
pub(super) const NOON: Millis = Millis(1_768_478_400_000);

pub(super) fn limited(name: &str, limit: i64) -> NewCredential {
    NewCredential { rate_limit: Some(limit), ..new(name) }
}

pub(super) async fn read(room: &Strongroom, name: &str, times: usize) {
    let service = room.credentials(Actor::library());
    for _ in 0..times {
        service.get_credential(name, None).await.expect("an answer").expect("a credential");
    }
}

pub(super) async fn incidents(room: &Strongroom) -> Vec<IncidentView> {
    let filter = IncidentFilter { rule: Some(Rule::LimitThreshold), ..IncidentFilter::default() };
    room.alerts(Actor::library()).list(&filter, 1000).await.expect("a list")
}

/// Mark and state of each, the lowest mark first.
pub(super) async fn marks(room: &Strongroom) -> Vec<(i64, &'static str)> {
    let mut all: Vec<_> = incidents(room).await.iter().map(|it| (it.incident.mark, it.state)).collect();
    all.sort_unstable();
    all
}

pub(super) async fn told(ground: &Ground, channel: &str) -> Vec<String> {
    let sql = format!(
        "SELECT CAST(i.mark AS TEXT) || ' ' || d.notice FROM alert_deliveries d JOIN alert_incidents i \
         ON i.uid = d.incident_uid WHERE d.channel_uid = '{channel}' ORDER BY 1"
    );
    ground.database.query_text(&sql).await.into_iter().map(|row| row[0].clone().expect("a text")).collect()
}

/// A channel whose webhook is on this machine.
pub(super) async fn webhook(ground: &Ground) -> (String, Receiver) {
    let receiver = Receiver::start().await;
    let channel = add(ground, "hook", &receiver).await;
    (channel, receiver)
}

pub(super) async fn add(ground: &Ground, name: &str, receiver: &Receiver) -> String {
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

pub(super) fn with_loopback(options: &mut strongroom::Options) {
    options.alerts = AlertOptions {
        allowed: vec!["127.0.0.1".to_owned()],
        public_url: Some("https://strongroom.example".to_owned()),
    };
}

/// Past the wait for others to go out with.
pub(super) async fn send(ground: &Ground, room: &Strongroom) {
    room.fan_out_alerts().await.expect("a fan-out");
    // Messages to a channel are a second apart, and what was not taken is tried again after five.
    for pause in [31_000, 2000, 2000] {
        ground.clock.set(Millis(ground.room.now().await.expect("a time").0 + pause));
        room.deliver_alerts().await.expect("a turn");
    }
}

pub(super) async fn ground_with_hook() -> (Ground, Receiver) {
    let ground = ground_with(with_loopback).await;
    ground.clock.set(NOON);
    let receiver = Receiver::start().await;
    add(&ground, "hook", &receiver).await;
    send(&ground, &ground.room).await;
    assert_eq!(receiver.take().len(), 1, "that the channel was made");
    (ground, receiver)
}
