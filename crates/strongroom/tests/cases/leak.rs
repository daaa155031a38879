//! Leaks: keys of ours are known without opening anything, and a frozen one is served by nobody.

use strongroom::call::{CallTarget, NewCall};
use strongroom::leak::{Found, LeakedKey};
use strongroom::token::TokenRequest;
use strongroom::{
    Actor, CredentialId, CredentialPatch, Environment, NewCredential, ProblemKind, Role, Secret,
};
use strongroom_model::usage::CallBound;

use super::ground::{Ground, NOW, ground, ground_with, new, provider};

async fn check(ground: &Ground, keys: &[&str]) -> Vec<Vec<Found>> {
    let keys: Vec<_> = keys.iter().map(|key| Secret::from(*key)).collect();
    ground.room.leaks(Actor::library()).check(&keys).await.expect("an answer").keys
}

async fn id_of(ground: &Ground, name: &str) -> CredentialId {
    ground
        .value(&format!("SELECT id FROM api_credentials WHERE name = '{name}'"))
        .await
        .parse()
        .map(CredentialId)
        .expect("a number")
}

fn key(found: &Found) -> &LeakedKey {
    match found {
        Found::Credential(key) => key,
        Found::Token(token) => panic!("a token: {token:?}"),
    }
}

#[tokio::test]
async fn a_key_of_ours_is_found_with_who_could_have_had_it() {
    let ground = ground().await;
    let user = strongroom::user::NewUser { name: "ada".into(), role: Role::Reader, id: None };
    let ada = ground.room.users(Actor::library()).create(user).await.unwrap();
    let user = strongroom::user::NewUser { name: "bob".into(), role: Role::Reader, id: None };
    ground.room.users(Actor::library()).create(user).await.unwrap();
    ground.make(NewCredential { is_global: false, user: Some(ada.id), ..new("hers") }).await;
    let one = ground.make(new("one")).await;
    let patch = CredentialPatch { api_key: Some("second key".into()), ..CredentialPatch::default() };
    ground.service().update(one.id, patch, None).await.unwrap();
    let tokens = ground.room.tokens(Actor::library());
    let (reader, _) = tokens.create(TokenRequest::new("reader", Role::Reader)).await.unwrap();
    let (_, _) = tokens.create(TokenRequest::new("auditor", Role::Auditor)).await.unwrap();
    let (gone, _) = tokens.create(TokenRequest::new("gone", Role::Reader)).await.unwrap();
    tokens.revoke(&gone.id).await.unwrap();
    ground.service().get_credential("one", None).await.unwrap().unwrap();

    let found =
        check(&ground, &["key of one", "second key", "key of hers", "nobody's", reader.text.expose()]).await;
    let counts: Vec<_> = found.iter().map(Vec::len).collect();
    assert_eq!(counts, [1, 1, 1, 0, 1]);
    let old = key(&found[0][0]);
    assert_eq!((old.name.as_str(), old.version, old.is_current, old.is_served), ("one", 1, false, false));
    assert_eq!(old.last_used, None, "the use was of the second version");
    let now = key(&found[1][0]);
    assert_eq!((now.version, now.is_current, now.is_served, now.last_used), (2, true, true, Some(NOW)));
    let names: Vec<_> = now.access.tokens.iter().map(|token| token.name.as_str()).collect();
    assert_eq!(names, ["reader"]);
    assert_eq!(now.access.users.len(), 2);
    let hers = key(&found[2][0]);
    assert_eq!((hers.owner, hers.access.tokens.len()), (Some(ada.id), 0));
    let users: Vec<_> = hers.access.users.iter().map(|user| user.name.as_str()).collect();
    assert_eq!(users, ["ada"]);
    assert!(matches!(&found[4][0], Found::Token(token) if token.name == "reader"));

    let entries = ground.entries("leak.check").await;
    let detail = &entries[0].entry.detail;
    assert!(detail.contains("\"one\"") && detail.contains("\"keys\":5"), "{detail}");
    assert!(!detail.contains("second key") && !detail.contains(reader.text.expose()), "{detail}");
    let none = ground.room.leaks(Actor::library()).check(&[]).await.unwrap_err();
    assert_eq!(none.field.as_deref(), Some("keys"));
    ground.assert_sound().await;
}

fn chat() -> NewCall {
    let bound = CallBound::of(Some(1), Some(1));
    let target = CallTarget { provider: provider("openai"), model: Some("gpt-4o-mini".to_owned()), bound };
    NewCall { operation: "chat.completions", targets: vec![target] }
}

async fn is_served(ground: &Ground) -> [bool; 3] {
    let service = ground.service();
    let by_name = service.get_credential("one", None).await.expect("an answer").is_some();
    let by_provider = service.get_credential_by_provider("openai", None).await.expect("an answer").is_some();
    let call = ground.room.calls(Actor::library()).begin(chat()).await;
    [by_name, by_provider, call.is_ok()]
}

#[tokio::test]
async fn a_frozen_credential_is_served_by_nobody_nor_its_key_from_the_environment() {
    let environment = Environment::of(vec![("OPENAI_API_KEY".to_owned(), Secret::from("key of one"))]);
    let ground = ground_with(|options| options.environment = environment).await;
    let one = ground.make(new("one")).await;
    assert_eq!(is_served(&ground).await, [true; 3]);
    let leaks = ground.room.leaks(Actor::library());
    let frozen = leaks.freeze(one.id).await.unwrap();
    assert_eq!((frozen.frozen_at, frozen.is_active), (Some(NOW), true));
    assert_eq!(is_served(&ground).await, [false; 3]);
    // Deleted, the credential leaves no row of its provider; its key is still not used from elsewhere.
    ground.service().delete(one.id, None).await.unwrap();
    assert_eq!(is_served(&ground).await, [false; 3]);
    assert_eq!(leaks.freeze(one.id).await.unwrap_err().kind, ProblemKind::NotFound);
    ground.assert_sound().await;
}

#[tokio::test]
async fn who_thaws_a_credential_in_the_database_gets_nothing_from_it() {
    let ground = ground().await;
    let one = ground.make(new("one")).await;
    let leaks = ground.room.leaks(Actor::library());
    leaks.freeze(one.id).await.unwrap();
    ground.edit("UPDATE api_credentials SET frozen_at_ms = NULL").await;
    let refused = ground.service().get_credential("one", None).await.unwrap_err();
    assert_eq!(refused.kind, ProblemKind::Integrity);
    ground.edit(&format!("UPDATE api_credentials SET frozen_at_ms = {}", NOW.0)).await;
    let thawed = leaks.unfreeze(one.id).await.unwrap();
    assert_eq!(thawed.frozen_at, None);
    assert_eq!(is_served(&ground).await, [true; 3]);
    assert_eq!(ground.entries("credential.freeze").await.len(), 1);
    assert_eq!(ground.entries("credential.unfreeze").await.len(), 1);
}

#[tokio::test]
async fn a_response_freezes_or_goes_on_with_a_new_key_and_tells_how_far_it_reaches() {
    let ground = ground().await;
    ground.make(new("one")).await;
    let mut caller = Actor::library();
    caller.remote_address = Some("192.0.2.7".to_owned());
    ground.room.credentials(caller).get_credential("one", None).await.unwrap().unwrap();
    let leaks = ground.room.leaks(Actor::library());
    let radius = leaks.respond("one", None, None).await.unwrap();
    assert!(radius.credential.frozen_at.is_some());
    assert_eq!((radius.addresses.len(), radius.addresses[0].address.as_str()), (1, "192.0.2.7"));
    assert_eq!((radius.spent.len(), radius.spent[0].requests), (1, 1));
    assert_eq!(radius.since, NOW);

    let again = leaks.respond("one", Some("key of one".into()), None).await.unwrap_err();
    assert_eq!(again.field.as_deref(), Some("apiKey"));
    let radius = leaks.respond("one", Some("fresh key".into()), None).await.unwrap();
    assert_eq!((radius.credential.frozen_at, radius.credential.version_number), (None, 2));
    let read = ground.service().get_credential("one", None).await.unwrap().unwrap();
    assert_eq!(read.api_key.expose(), "fresh key");
    let entries = ground.entries("leak.respond").await;
    assert_eq!(entries.len(), 2);
    assert!(entries[1].entry.detail.contains("\"isFrozen\":[true,false]"), "{}", entries[1].entry.detail);
    assert_eq!(leaks.respond("two", None, None).await.unwrap_err().kind, ProblemKind::NotFound);
    ground.assert_sound().await;
}

#[tokio::test]
async fn what_serves_nobody_says_why_to_whoever_sees_it_and_is_not_tested_as_valid() {
    let ground = ground().await;
    let one = ground.make(new("one")).await;
    let user = strongroom::user::NewUser { name: "ada".into(), role: Role::Reader, id: None };
    let ada = ground.room.users(Actor::library()).create(user).await.unwrap();
    let user = strongroom::user::NewUser { name: "bob".into(), role: Role::Reader, id: None };
    let bob = ground.room.users(Actor::library()).create(user).await.unwrap();
    let service = ground.service();
    let said = async |says: &str| {
        let by_name = service.absence_of("one", None).await.unwrap();
        let by_provider = service.absence_at("openai", None).await.unwrap();
        let called = ground.room.calls(Actor::library()).begin(chat()).await.expect_err("nobody serves");
        let tested = [service.test(one.id, false).await, service.test(one.id, true).await];
        let tested = tested.map(|it| it.expect_err("it serves nobody"));
        for problem in [&by_name, &by_provider, &called].into_iter().chain(&tested) {
            assert_eq!(problem.kind, ProblemKind::NotFound);
            assert!(problem.message.contains(&format!("credential \"one\" is {says}")), "{problem}");
        }
    };
    let set = async |patch: CredentialPatch| service.update(one.id, patch, None).await.unwrap();
    set(CredentialPatch { is_active: Some(false), ..CredentialPatch::default() }).await;
    said("inactive").await;
    ground.room.leaks(Actor::library()).freeze(one.id).await.unwrap();
    said("frozen since").await;
    set(CredentialPatch { is_active: Some(true), ..CredentialPatch::default() }).await;
    said("frozen since").await;
    // Who would not see it learns nothing, nor does who asks for another.
    set(CredentialPatch { is_global: Some(false), user: Some(Some(ada.id)), ..CredentialPatch::default() })
        .await;
    for (name, user) in [("one", Some(bob.id)), ("one", None), ("two", Some(ada.id))] {
        assert_eq!(service.absence_of(name, user).await.unwrap().message, "Credential not found");
    }
    assert_eq!(service.absence_at("openai", Some(bob.id)).await.unwrap().message, "Credential not found");
    assert!(service.absence_of("one", Some(ada.id)).await.unwrap().message.contains("frozen"));
    assert!(service.absence_at("openai", Some(ada.id)).await.unwrap().message.contains("frozen"));

    ground.room.leaks(Actor::library()).unfreeze(one.id).await.unwrap();
    service.test(one.id, false).await.unwrap();
    let at = NOW.plus_seconds(60);
    set(CredentialPatch { expires_at: Some(Some(at)), ..CredentialPatch::default() }).await;
    ground.clock.set(at);
    for live in [false, true] {
        let problem = service.test(one.id, live).await.unwrap_err();
        assert_eq!(problem.kind, ProblemKind::Unprocessable);
        assert!(problem.message.contains("has expired"), "{problem}");
    }
}

#[tokio::test]
async fn a_key_that_was_hidden_in_the_database_is_told_of() {
    let ground = ground().await;
    let changed = async || {
        let keys = [Secret::from("key of one")];
        let checked = ground.room.leaks(Actor::library()).check(&keys).await.unwrap();
        checked.changed.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    for name in ["one", "two", "three", "four", "five", "six"] {
        ground.make(new(name)).await;
        let patch = CredentialPatch {
            api_key: Some(format!("new key of {name}").into()),
            ..CredentialPatch::default()
        };
        let id = id_of(&ground, name).await;
        ground.service().update(id, patch, None).await.unwrap();
    }
    assert_eq!(changed().await, [""; 0]);
    let of = |name: &str, number: i64| {
        format!(
            "(SELECT v.uid FROM credential_versions v JOIN api_credentials c ON c.uid = v.credential_uid \
             WHERE c.name = '{name}' AND v.number = {number})"
        )
    };
    let edits = [
        format!("UPDATE credential_values SET fingerprint = 'x' WHERE version_uid = {}", of("one", 1)),
        format!("DELETE FROM credential_values WHERE version_uid = {}", of("two", 1)),
        format!("UPDATE credential_versions SET created_by = 'somebody' WHERE uid = {}", of("three", 2)),
        format!("DELETE FROM credential_values WHERE version_uid = {}", of("four", 1)),
        format!("DELETE FROM credential_versions WHERE uid = {}", of("four", 1)),
        // The last one, which is not in use: staged, and taken back.
        format!("DELETE FROM credential_values WHERE version_uid = {}", of("five", 3)),
        format!("DELETE FROM credential_versions WHERE uid = {}", of("five", 3)),
    ];
    let five = id_of(&ground, "five").await;
    ground.service().stage(five, "third key of five".into(), None, None).await.unwrap();
    ground.service().abort(five, None).await.unwrap();
    // All of a deleted one.
    ground.service().delete(id_of(&ground, "six").await, None).await.unwrap();
    let all = "(SELECT uid FROM credential_versions WHERE credential_uid = (SELECT uid FROM api_credentials WHERE name = 'six'))";
    ground.database.execute(&format!("DELETE FROM credential_values WHERE version_uid IN {all}")).await;
    ground.database.execute(&format!("DELETE FROM version_drains WHERE version_uid IN {all}")).await;
    ground.database.execute(&format!("DELETE FROM credential_versions WHERE uid IN {all}")).await;
    for edit in &edits {
        assert_eq!(ground.database.execute(edit).await, 1, "{edit}");
    }
    let mut told = changed().await;
    told.sort();
    assert_eq!(
        told,
        [
            "a version of credential \"five\" was removed",
            "a version of credential \"four\" was removed",
            "a version of credential \"six\" was removed",
            "version 1 of credential \"one\" was changed",
            "version 1 of credential \"two\" was changed",
            "version 2 of credential \"three\" was changed",
        ]
    );
    // A new key takes the place of the old one all the same, and purging goes on.
    let id = id_of(&ground, "three").await;
    let patch = CredentialPatch { api_key: Some("third key".into()), ..CredentialPatch::default() };
    ground.service().update(id, patch, None).await.unwrap();
    ground.service().delete(id, None).await.unwrap();
    ground.service().purge(id, None).await.unwrap();
    assert_eq!(changed().await.len(), 6, "what was changed is not signed along with a change");
}

#[tokio::test]
async fn what_was_forged_is_not_signed_by_taking_the_trail_away_for_a_moment() {
    let ground = ground().await;
    ground.make(new("one")).await;
    ground.room.close().await.unwrap();
    for edit in [
        "CREATE TABLE kept AS SELECT * FROM audit_logs WHERE action = 'installation.create'",
        "DELETE FROM audit_logs WHERE action = 'installation.create'",
        "DELETE FROM strongroom_meta WHERE key = 'version_macs'",
        "UPDATE credential_values SET fingerprint = 'x'",
    ] {
        ground.database.execute(edit).await;
    }
    ground.node().await.close().await.unwrap();
    ground.database.execute("INSERT INTO audit_logs SELECT * FROM kept; DROP TABLE kept").await;
    let node = ground.node().await;
    let checked = node.leaks(Actor::library()).check(&[Secret::from("key of one")]).await.unwrap();
    assert_eq!(checked.changed.len(), 1, "{checked:?}");
    assert_eq!(node.audit().verify(&[]).await.unwrap().faults, []);
}
