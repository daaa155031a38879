//! Events: told once, listed, and never firing; and what lasts until somebody mends it.

use strongroom::alert::{IncidentFilter, IncidentView, NewSilence, Rule, SilenceMatcher};
use strongroom::token::TokenRequest;
use strongroom::{Actor, Millis, Role};

use super::alert_ground::{add, ground_with_hook, limited, read, send, with_loopback};
use super::ground::Ground;
use super::receiver::{Got, Receiver};

async fn of(ground: &Ground, rule: Rule, firing_only: bool) -> Vec<IncidentView> {
    let filter = IncidentFilter { rule: Some(rule), firing_only, ..IncidentFilter::default() };
    ground.room.alerts(Actor::library()).list(&filter, 100).await.expect("a list")
}

async fn firing(ground: &Ground) -> Vec<Rule> {
    let filter = IncidentFilter { firing_only: true, ..IncidentFilter::default() };
    let all = ground.room.alerts(Actor::library()).list(&filter, 100).await.expect("a list");
    all.into_iter().map(|it| it.incident.rule).collect()
}

fn types(got: &[Got]) -> Vec<&str> {
    got.iter().map(|got| got.body["type"].as_str().expect("a type")).collect()
}

async fn make_admin(ground: &Ground, name: &str) {
    let request = TokenRequest::new(name, Role::Admin);
    ground.room.tokens(Actor::library()).create(request).await.expect("a token");
}

#[tokio::test]
async fn authority_that_somebody_gets_is_told_once_listed_and_never_fires() {
    let (ground, receiver) = ground_with_hook().await;
    make_admin(&ground, "root").await;
    send(&ground, &ground.room).await;
    let told = receiver.take();
    assert_eq!(types(&told), ["authority.changed.firing"]);
    assert_eq!(told[0].body["data"]["subject"]["name"], "root");
    assert_eq!(of(&ground, Rule::AuthorityChanged, false).await.len(), 2, "with the channel of before");
    assert_eq!(firing(&ground).await, []);
    assert_eq!(ground.room.alert_work().counts().await.unwrap(), [], "nor in metrics");
    for _ in 0..3 {
        ground.clock.set(Millis(ground.room.now().await.unwrap().0 + 30 * 3_600_000));
        ground.room.watch_limits().await.unwrap();
        send(&ground, &ground.room).await;
    }
    assert_eq!(types(&receiver.take()), [""; 0], "neither reminded of nor told as over");
    // One with less authority is none.
    ground.room.tokens(Actor::library()).create(TokenRequest::new("ci", Role::Gateway)).await.unwrap();
    assert_eq!(of(&ground, Rule::AuthorityChanged, false).await.len(), 2);
}

#[tokio::test]
async fn an_event_that_is_silenced_is_listed_and_not_told_later() {
    let (ground, receiver) = ground_with_hook().await;
    let matcher = SilenceMatcher { rule: Some(Rule::AuthorityChanged), ..SilenceMatcher::default() };
    let silence = NewSilence { matcher, for_ms: 3_600_000, reason: "we add people".to_owned() };
    ground.room.alerts(Actor::library()).silence(silence).await.unwrap();
    make_admin(&ground, "root").await;
    send(&ground, &ground.room).await;
    ground.clock.set(Millis(ground.room.now().await.unwrap().0 + 2 * 3_600_000));
    ground.room.watch_limits().await.unwrap();
    send(&ground, &ground.room).await;
    assert_eq!(types(&receiver.take()), [""; 0]);
    assert!(of(&ground, Rule::AuthorityChanged, false).await.iter().any(|it| it.name == "root"));
    make_admin(&ground, "second").await;
    send(&ground, &ground.room).await;
    assert_eq!(types(&receiver.take()), ["authority.changed.firing"], "the silence is over");
}

#[tokio::test]
async fn a_server_that_is_gone_with_what_it_held_is_an_event() {
    let (ground, receiver) = ground_with_hook().await;
    let made = ground.make(limited("one", 1000)).await;
    read(&ground.room, "one", 1).await;
    let gone = "00000000000000000000000000000abc";
    ground.database.execute(&format!("INSERT INTO nodes VALUES ('{gone}', 0, 1, 0)")).await;
    let key = format!(
        "SELECT subject_uid, unit, window_kind, window_start_ms, region FROM counters WHERE subject_uid = '{}'",
        made.uid
    );
    ground
        .database
        .execute(&format!(
            "INSERT INTO node_holds (node_uid, subject_uid, unit, window_kind, window_start_ms, region, held, leased) \
             SELECT '{gone}', c.subject_uid, c.unit, c.window_kind, c.window_start_ms, c.region, 5, 0 FROM ({key}) c"
        ))
        .await;
    ground.database.execute("UPDATE counters SET held = held + 5").await;
    assert_eq!(ground.room.recover_holds().await.unwrap(), 1);
    assert_eq!(ground.room.recover_holds().await.unwrap(), 0);
    send(&ground, &ground.room).await;
    assert_eq!(types(&receiver.take()), ["node.lost.firing"]);
    let listed = of(&ground, Rule::NodeLost, false).await;
    assert_eq!((listed.len(), listed[0].name.as_str()), (1, gone));
    assert_eq!(firing(&ground).await, []);
    ground.assert_sound().await;
}

#[tokio::test]
async fn a_channel_that_is_turned_off_fires_until_it_is_turned_on_again() {
    let (ground, receiver) = ground_with_hook().await;
    let backup = Receiver::start().await;
    add(&ground, "backup", &backup).await;
    send(&ground, &ground.room).await;
    receiver.take();
    backup.take();
    receiver.answer(410);
    make_admin(&ground, "root").await;
    send(&ground, &ground.room).await;
    send(&ground, &ground.room).await;
    assert_eq!(types(&backup.take()), ["authority.changed.firing", "delivery.dead.firing"]);
    assert_eq!(firing(&ground).await, [Rule::DeliveryDead]);
    receiver.answer(200);
    ground.room.alerts(Actor::library()).set_channel_enabled("hook", true).await.unwrap();
    send(&ground, &ground.room).await;
    assert_eq!(firing(&ground).await, []);
    let mut told = backup.take();
    told.sort_by_key(|got| got.body["type"].to_string());
    assert_eq!(types(&told), ["authority.changed.firing", "delivery.dead.resolved"]);
    let other = ground.node_with(with_loopback).await;
    assert_eq!(other.fan_out_alerts().await.unwrap(), 0);
}
