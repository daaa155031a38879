//! The weekly digest: once per week on however many servers, in whatever channel, with nothing of a caller's making in it.

use strongroom::alert::{
    ChannelKind, ChannelSettings, IncidentFilter, MailSettings, NewChannel, Route, Rule,
};
use strongroom::{Actor, Millis, NewCredential, Secret};

use super::alert_ground::{ground_with_hook, limited, read, send, with_loopback};
use super::ground::{Ground, new};
use super::receiver::MailServer;

const DAY: i64 = 86_400_000;
/// A Wednesday, 2026-01-07T12:00:00Z.
const WEDNESDAY: Millis = Millis(1_767_787_200_000);

async fn digests(ground: &Ground) -> usize {
    let filter = IncidentFilter { rule: Some(Rule::WeeklyDigest), ..IncidentFilter::default() };
    ground.room.alerts(Actor::library()).list(&filter, 100).await.expect("a list").len()
}

async fn route_to(ground: &Ground, channels: &[&str]) {
    let channels = channels.iter().map(ToString::to_string).collect();
    let route = Route { rule: Some(Rule::WeeklyDigest), channels, ..Route::default() };
    let all = Route { channels: vec!["hook".to_owned()], ..Route::default() };
    ground.room.alerts(Actor::library()).set_routes(&[all, route]).await.expect("routes");
}

/// What a credential cost on a day, as its calls would have left it.
async fn spent(ground: &Ground, uid: &str, day: i64, dollars: i64) {
    let dims = format!("dims-{uid}");
    ground
        .database
        .execute(&format!(
            "INSERT INTO usage_dims VALUES ('{dims}', 'main', 'call', 'chat.completions', 'token:x', 0, '', '', '{uid}', '', \
             'openai', 'm', 'database', '') ON CONFLICT DO NOTHING"
        ))
        .await;
    ground
        .database
        .execute(&format!(
            "INSERT INTO usage_days VALUES ({day}, 'main', '{dims}', 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, {}, 0, 0, 0, 0, 0, 0, 0)",
            dollars * 1_000_000_000
        ))
        .await;
}

#[tokio::test]
async fn a_week_is_told_once_to_the_channels_of_its_route() {
    let (ground, receiver) = ground_with_hook().await;
    ground.clock.set(WEDNESDAY);
    let made = ground.make(new("one")).await;
    let monday = WEDNESDAY.0 - WEDNESDAY.0.rem_euclid(DAY) - 2 * DAY;
    spent(&ground, &made.uid.to_string(), monday, 12).await;
    spent(&ground, &made.uid.to_string(), monday - 7 * DAY, 4).await;
    // The installation began under the clock of the ground, which stands later.
    ground
        .database
        .execute(&format!("UPDATE encryption_keys SET created_at_ms = {}", monday - 3 * DAY))
        .await;
    let work = ground.room.alert_work();
    assert!(!work.write_digest().await.unwrap(), "nobody is to be told");
    route_to(&ground, &["hook"]).await;
    let other = ground.node_with(with_loopback).await;
    let other_work = other.alert_work();
    ground.clock.set(Millis(WEDNESDAY.0 + 5 * DAY));
    let (first, second) = tokio::join!(work.write_digest(), other_work.write_digest());
    assert!(first.unwrap() != second.unwrap(), "one of them");
    assert!(!work.write_digest().await.unwrap());
    send(&ground, &ground.room).await;
    other.fan_out_alerts().await.unwrap();
    let told = receiver.take();
    assert_eq!(told.len(), 1, "{told:?}");
    let body = &told[0].body;
    assert_eq!(body["type"], "digest.weekly.firing");
    assert_eq!(body["text"], "the week from 2026-01-05 to 2026-01-11: $12.00 spent in 3 calls");
    let facts = &body["data"]["facts"];
    assert_eq!(facts["spent"], "$12.00, 200 % more than in the week before ($4.00)");
    assert_eq!((&facts["spent most"], &facts["moved most"]), (&"one $12.00".into(), &"one +$8.00".into()));
    // The clock goes a month forth, and back.
    ground.clock.set(Millis(WEDNESDAY.0 + 33 * DAY));
    assert!(work.write_digest().await.unwrap());
    ground.clock.set(Millis(WEDNESDAY.0 + 6 * DAY));
    assert!(!work.write_digest().await.unwrap());
    assert_eq!(digests(&ground).await, 2);
}

#[tokio::test]
async fn limits_keys_and_markup_in_names_stand_in_a_digest_as_text() {
    const EVIL: &str = "<script>alert(1)</script>";
    let (ground, _receiver) = ground_with_hook().await;
    ground.clock.set(WEDNESDAY);
    ground.database.execute("UPDATE encryption_keys SET created_at_ms = 0").await;
    let server = MailServer::start().await;
    let alerts = ground.room.alerts(Actor::library());
    let mail = NewChannel {
        name: "mail".to_owned(),
        kind: ChannelKind::Mail,
        address: Some(Secret::from(format!("smtp://127.0.0.1:{}", server.port))),
        secret: None,
        settings: ChannelSettings {
            mail: Some(MailSettings {
                from: "a@example.com".to_owned(),
                to: vec!["b@example.com".to_owned()],
            }),
        },
    };
    alerts.add_channel(mail).await.unwrap();
    send(&ground, &ground.room).await;
    server.take();
    ground.make(limited("used-up", 1)).await;
    read(&ground.room, "used-up", 1).await;
    let token = strongroom::token::TokenRequest {
        limits: vec![(strongroom::Unit::Requests, strongroom::Window::Day, 1)],
        ..strongroom::token::TokenRequest::new(EVIL, strongroom::Role::Reader)
    };
    let (_, named) = ground.room.tokens(Actor::library()).create(token).await.unwrap();
    let actor =
        Actor::new(strongroom_model::ActorKind::Token(named.token.id.clone()), strongroom::Role::Reader);
    ground.room.credentials(actor).get_credential("used-up", None).await.ok();
    ground.make(new("fresh")).await;
    let expires = NewCredential { expires_at: Some(Millis(WEDNESDAY.0 + 12 * DAY)), ..new("goes") };
    ground.make(expires).await;
    route_to(&ground, &["mail"]).await;
    ground.clock.set(Millis(WEDNESDAY.0 + 5 * DAY));
    ground.room.watch_credentials().await.unwrap();
    ground.room.alert_work().write_digest().await.unwrap();
    send(&ground, &ground.room).await;
    let got = server.take();
    let digest = got.iter().find(|mail| mail.contains("the week from 2026-01-05")).expect("a digest");
    for said in ["limits that were used up", "credential used-up", "goes on 2026-01-19", "text/html"] {
        assert!(digest.contains(said), "{said}: {digest}");
    }
    assert!(!digest.contains("key of"), "{digest}");
    let html = digest.split("text/html").nth(1).expect("a part of HTML");
    assert!(!html.contains("<script>"), "{html}");
}
