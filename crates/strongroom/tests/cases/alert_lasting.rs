//! What is wrong until it is mended: told once, over by itself or by a person, and told once more when it comes back.

use strongroom::alert::{IncidentFilter, Level, Route, Rule};
use strongroom::token::TokenRequest;
use strongroom::{Actor, CredentialPatch, Millis, NewCredential, Role, Secret};
use strongroom_model::ActorKind;

use super::alert_ground::{NOON, ground_with_hook, send};
use super::ground::{Ground, ground, new};

const SECOND: i64 = 1000;
const DAY: i64 = 86_400 * SECOND;

impl Ground {
    async fn pass(&self, milliseconds: i64) {
        let now = self.room.now().await.expect("an instant");
        self.clock.set(Millis(now.0 + milliseconds));
    }
}

/// Line, level, state and subject of the alerts of a rule, the oldest first.
async fn of(ground: &Ground, rule: Rule) -> Vec<(i64, Level, &'static str, String)> {
    let filter = IncidentFilter { rule: Some(rule), ..IncidentFilter::default() };
    let mut all = ground.room.alerts(Actor::library()).list(&filter, 100).await.expect("a list");
    all.sort_by_key(|it| (it.incident.fired_at, it.incident.mark, it.incident.episode));
    all.into_iter().map(|it| (it.incident.mark, it.incident.level, it.state, it.name)).collect()
}

async fn says(ground: &Ground, rule: Rule) -> Vec<String> {
    let filter = IncidentFilter { rule: Some(rule), ..IncidentFilter::default() };
    let all = ground.room.alerts(Actor::library()).list(&filter, 100).await.expect("a list");
    all.into_iter().map(|it| it.says).collect()
}

#[tokio::test]
async fn a_key_that_was_found_elsewhere_fires_until_it_is_replaced_or_frozen() {
    let ground = ground().await;
    let made = ground.make(new("one")).await;
    let leaks = ground.room.leaks(Actor::library());
    leaks.check(&[Secret::from("sk-of-somebody-else")]).await.unwrap();
    assert_eq!(of(&ground, Rule::Leak).await, []);
    for _ in 0..2 {
        leaks.check(&[Secret::from("key of one")]).await.unwrap();
        ground.node().await.watch_limits().await.unwrap();
    }
    assert_eq!(of(&ground, Rule::Leak).await, [(1, Level::Critical, "firing", "one".to_owned())]);
    assert!(says(&ground, Rule::Leak).await[0].contains("was found where it should not be"));
    let patch = CredentialPatch { api_key: Some("a new key".into()), ..CredentialPatch::default() };
    ground.service().update(made.id, patch, None).await.unwrap();
    ground.room.watch_limits().await.unwrap();
    assert_eq!(of(&ground, Rule::Leak).await[0].2, "resolved");
    // The old one opens nothing any more; the new one does.
    leaks.check(&[Secret::from("key of one")]).await.unwrap();
    assert_eq!(of(&ground, Rule::Leak).await.len(), 1);
    leaks.check(&[Secret::from("a new key")]).await.unwrap();
    assert_eq!(of(&ground, Rule::Leak).await[1].2, "firing");
    leaks.freeze(made.id).await.unwrap();
    ground.room.watch_limits().await.unwrap();
    assert_eq!(of(&ground, Rule::Leak).await[1].2, "resolved");
    // It is used again as it is, and found again.
    leaks.unfreeze(made.id).await.unwrap();
    leaks.check(&[Secret::from("a new key")]).await.unwrap();
    let states: Vec<_> = of(&ground, Rule::Leak).await.into_iter().map(|it| it.2).collect();
    assert_eq!(states, ["resolved", "resolved", "firing"]);
    let used_again = of(&ground, Rule::AuthorityChanged).await;
    assert_eq!(used_again.len(), 1, "that a freeze was lifted is told: {used_again:?}");
    assert_eq!(
        says(&ground, Rule::AuthorityChanged).await,
        ["credential \"one\" was frozen and is used again"]
    );
    ground.assert_sound().await;
}

#[tokio::test]
async fn a_revoked_token_that_somebody_shows_is_told_of_and_a_token_that_was_found() {
    let ground = ground().await;
    ground.clock.set(NOON);
    let tokens = ground.room.tokens(Actor::library());
    let (new, named) = tokens.create(TokenRequest::new("ci", Role::Gateway)).await.unwrap();
    let leaks = ground.room.leaks(Actor::library());
    leaks.check(std::slice::from_ref(&new.text)).await.unwrap();
    assert_eq!(of(&ground, Rule::Leak).await, [(1, Level::Critical, "firing", "ci".to_owned())]);
    tokens.revoke(&named.token.id).await.unwrap();
    ground.room.watch_limits().await.unwrap();
    assert_eq!(of(&ground, Rule::Leak).await[0].2, "resolved");
    let show = async |text: &Secret| {
        ground.room.authenticate(text).await.unwrap_err();
        ground.room.note_refusals().await.unwrap()
    };
    assert_eq!(show(&new.text).await, 0, "programs have ten minutes to hear of it");
    ground.pass(601 * SECOND).await;
    let (other, _) = tokens.create(TokenRequest::new("other", Role::Gateway)).await.unwrap();
    let mixed = format!("sr_{}_{}", new.id, other.text.expose().rsplit('_').next().unwrap());
    assert_eq!(
        show(&Secret::from(mixed.as_str())).await,
        0,
        "who knows its public id alone has nothing of it"
    );
    assert_eq!(show(&new.text).await, 1);
    assert_eq!(show(&new.text).await, 1);
    let found = of(&ground, Rule::Leak).await;
    assert_eq!(found[1..], [(2, Level::Critical, "firing", "ci".to_owned())], "once");
    assert!(says(&ground, Rule::Leak).await[0].contains("was shown by somebody after it was revoked"));
    ground.room.watch_limits().await.unwrap();
    assert_eq!(of(&ground, Rule::Leak).await[1].2, "firing", "somebody has to look");
    let filter = IncidentFilter { firing_only: true, ..IncidentFilter::default() };
    let alerts = ground.room.alerts(Actor::library());
    let open = alerts.list(&filter, 10).await.unwrap();
    alerts.resolve(open[0].incident.uid).await.unwrap();
    show(&new.text).await;
    assert_eq!(of(&ground, Rule::Leak).await[2].2, "firing", "and once more when it happens once more");
}

#[tokio::test]
async fn a_trail_that_does_not_verify_is_told_to_every_channel_and_over_when_it_does() {
    let (ground, receiver) = ground_with_hook().await;
    ground.make(new("one")).await;
    // A route that sends everything elsewhere.
    ground.room.alerts(Actor::library()).set_routes(&[Route::default()]).await.unwrap();
    let work = ground.room.alert_work();
    assert_eq!(work.verify_audit().await.unwrap().faults, []);
    assert_eq!(of(&ground, Rule::AuditBroken).await, []);
    let actor = ground.value("SELECT actor FROM audit_logs WHERE seq = 2").await;
    ground.database.execute("UPDATE audit_logs SET actor = 'user:9' WHERE seq = 2").await;
    for _ in 0..2 {
        assert_eq!(work.verify_audit().await.unwrap().faults.len(), 1);
    }
    send(&ground, &ground.room).await;
    let told = receiver.take();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].body["type"], "audit.broken.firing");
    assert!(says(&ground, Rule::AuditBroken).await[0].ends_with("the first fault is at entry 2"));
    ground.database.execute(&format!("UPDATE audit_logs SET actor = '{actor}' WHERE seq = 2")).await;
    work.verify_audit().await.unwrap();
    assert_eq!(of(&ground, Rule::AuditBroken).await[0].2, "resolved");
}

#[tokio::test]
async fn what_is_not_what_we_wrote_is_told_of_once_until_somebody_ends_it() {
    let ground = ground().await;
    ground.make(new("one")).await;
    let now = ground.room.now().await.unwrap();
    let work = ground.room.alert_work();
    work.watch_node(now).await.unwrap();
    assert_eq!(of(&ground, Rule::Integrity).await, []);
    ground.edit("UPDATE api_credentials SET endpoint = 'https://evil.example'").await;
    for _ in 0..3 {
        ground.service().get_credential("one", None).await.unwrap_err();
        work.watch_node(now).await.unwrap();
    }
    let found = of(&ground, Rule::Integrity).await;
    assert_eq!((found.len(), found[0].1, found[0].2), (1, Level::Critical, "firing"));
}

#[tokio::test]
async fn a_clock_that_goes_wrong_is_told_of_and_over_when_it_is_right() {
    let ground = ground().await;
    let now = ground.room.now().await.unwrap();
    let other = ground.node().await;
    let watch = async |seconds: i64| {
        ground.room.alert_work().watch_node(Millis(now.0 + seconds * SECOND)).await.unwrap();
        other.alert_work().watch_node(now).await.unwrap();
        of(&ground, Rule::ClockSkew).await.into_iter().map(|it| it.2).collect::<Vec<_>>()
    };
    assert_eq!(watch(29).await, [""; 0]);
    assert_eq!(watch(-31).await, ["firing"]);
    assert_eq!(watch(20).await, ["firing"], "it is not right yet");
    assert_eq!(
        watch(14).await,
        ["resolved"],
        "and the other server, whose clock is right, ended nothing before"
    );
    assert_eq!(watch(40).await, ["resolved", "firing"]);
    let told = says(&ground, Rule::ClockSkew).await;
    assert!(told.iter().any(|it| it.contains("is 40 s away from that of the database")), "{told:?}");
}

#[tokio::test]
async fn a_backup_that_nobody_has_proven_for_a_week_is_told_of_until_one_is() {
    let ground = ground().await;
    let start = ground.room.now().await.unwrap();
    let work = ground.room.alert_work();
    let watch = async || {
        ground.room.watch_credentials().await.unwrap();
        of(&ground, Rule::BackupOld).await.into_iter().map(|it| it.2).collect::<Vec<_>>()
    };
    ground.pass(6 * DAY).await;
    assert_eq!(watch().await, [""; 0]);
    ground.pass(DAY).await;
    assert_eq!(watch().await, ["firing"]);
    let actor = Actor::library();
    work.note_proven_backup(&actor, start).await.unwrap();
    assert_eq!(watch().await, ["firing"], "that an old one opens says nothing of the last week");
    let ahead = Millis(ground.room.now().await.unwrap().0 + DAY);
    assert_eq!(work.note_proven_backup(&actor, ahead).await.unwrap_err().field.as_deref(), Some("madeAt"));
    work.note_proven_backup(&actor, ground.room.now().await.unwrap()).await.unwrap();
    assert_eq!(watch().await, ["resolved"]);
    assert_eq!(ground.entries("backup.proven").await.len(), 2);
    ground.pass(8 * DAY).await;
    assert_eq!(watch().await, ["resolved", "firing"]);
}

#[tokio::test]
async fn keys_shown_in_new_places_or_many_at_once_are_told_of() {
    let ground = ground().await;
    ground.clock.set(NOON);
    let made = ground.make(new("one")).await;
    let user = strongroom::user::NewUser { name: "ada".to_owned(), role: Role::Reader, id: None };
    let user = ground.room.users(Actor::library()).create(user).await.unwrap();
    let show = async |address: &str, agent: &str| {
        let mut actor = Actor::new(ActorKind::User(user.id), Role::Reader);
        actor.remote_address = Some(address.to_owned());
        let why = strongroom::credential::RevealReason {
            reason: "to enter it into the printer".to_owned(),
            ticket: None,
            agent: Some(agent.to_owned()),
        };
        ground.room.credentials(actor).reveal(made.id, &why).await.unwrap();
        of(&ground, Rule::RevealNewAddress).await.into_iter().map(|it| it.0).collect::<Vec<_>>()
    };
    assert_eq!(show("203.0.113.9", "a browser").await, [1], "the first place is new");
    assert_eq!(show("203.0.113.77", "a browser").await, [1], "the same network");
    assert_eq!(show("198.51.100.1", "a browser").await, [1, 1]);
    assert_eq!(show("203.0.113.9", "another browser").await, [1, 1, 2]);
    assert_eq!(show("203.0.113.9", "a browser").await, [1, 1, 2]);
    assert_eq!(show("203.0.113.9", "a browser").await, [1, 1, 2, 3], "the sixth within ten minutes");
    assert_eq!(show("203.0.113.9", "a browser").await, [1, 1, 2, 3]);
    ground.pass(89 * DAY).await;
    assert_eq!(show("203.0.113.9", "a browser").await, [1, 1, 2, 3]);
    ground.pass(91 * DAY).await;
    assert_eq!(show("203.0.113.9", "a browser").await, [1, 1, 2, 3, 1]);
    let told = says(&ground, Rule::RevealNewAddress).await;
    assert_eq!(told[0], "user \"ada\" was shown a key in a network that is new for them");
    let kept = ground.database.query_text("SELECT value FROM reveal_places").await;
    assert!(kept.iter().flatten().flatten().all(|value| !value.contains("browser")), "{kept:?}");
    let filter = IncidentFilter { firing_only: true, ..IncidentFilter::default() };
    assert!(ground.room.alerts(Actor::library()).list(&filter, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_provider_that_most_servers_find_down_is_told_of_and_one_server_alone_is_not_believed() {
    let ground = ground().await;
    ground.clock.set(NOON);
    let made = ground.make(NewCredential { ..new("one") }).await;
    let (_second, _third) = (ground.node().await, ground.node().await);
    let note = async |node: &str| {
        let sql = format!(
            "INSERT INTO credential_health (credential_uid, node_uid, region, version_uid, state, since_ms, until_ms, times) \
             VALUES ('{}', '{node}', 'main', '{}', 'provider_down', 0, 0, 1)",
            made.uid, made.version
        );
        ground.database.execute(&sql).await;
        ground.room.watch_limits().await.unwrap();
        of(&ground, Rule::CredentialUnhealthy).await
    };
    assert_eq!(note("a").await, [], "it may be cut off itself");
    assert_eq!(note("b").await, [(3, Level::High, "firing", "one".to_owned())]);
    assert_eq!(
        says(&ground, Rule::CredentialUnhealthy).await,
        ["the provider of credential \"one\" does not answer"]
    );
    ground.database.execute("DELETE FROM credential_health WHERE node_uid = 'a'").await;
    ground.room.watch_limits().await.unwrap();
    assert_eq!(of(&ground, Rule::CredentialUnhealthy).await[0].2, "resolved");
}

#[tokio::test]
async fn no_message_of_any_of_these_holds_a_secret() {
    let (ground, receiver) = ground_with_hook().await;
    let planted = NewCredential {
        api_secret: Some("sk-planted-second".into()),
        rate_limit: Some(2),
        ..NewCredential::new("one", super::ground::provider("openai"), "sk-planted-first")
    };
    let made = ground.make(planted).await;
    let tokens = ground.room.tokens(Actor::library());
    let (token, _) = tokens.create(TokenRequest::new("root", Role::Admin)).await.unwrap();
    super::alert_ground::read(&ground.room, "one", 2).await;
    let leaks = ground.room.leaks(Actor::library());
    leaks.check(&[Secret::from("sk-planted-first"), token.text.clone()]).await.unwrap();
    leaks.freeze(made.id).await.unwrap();
    leaks.unfreeze(made.id).await.unwrap();
    ground.room.alerts(Actor::library()).rotate_channel_secret("hook").await.unwrap();
    for _ in 0..4 {
        send(&ground, &ground.room).await;
        ground.room.watch_limits().await.unwrap();
    }
    let got = receiver.take();
    let types: std::collections::BTreeSet<String> =
        got.iter().map(|got| got.body["type"].as_str().unwrap_or_default().to_owned()).collect();
    for wanted in ["credential.leak.firing", "limit.threshold.firing", "authority.changed.firing"] {
        assert!(types.contains(wanted), "{types:?}");
    }
    for got in &got {
        let text = got.body.to_string();
        for secret in ["sk-planted", token.text.expose(), "secret-path", receiver.secret()] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}
