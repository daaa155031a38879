//! Rotation by itself, with a provider that makes keys.

use strongroom::alert::{IncidentFilter, Rule};
use strongroom::{Actor, Credential, CredentialPatch, EndpointGuard, NewCredential, ProblemKind};
use strongroom_testkit::fake_minter::{FakeMinter, MINTING_KEY};

use super::ground::{Ground, NOW, ground_with, new, provider};

const DAY: i64 = 86_400;

struct House {
    ground: Ground,
    fake: FakeMinter,
    with: Credential,
    made: Credential,
}

/// A credential, and the one whose key mints keys for it.
async fn house(name: &str, project: Option<&str>) -> House {
    let fake = FakeMinter::start().await.expect("a fake");
    let ground = ground_with(|options| options.guard = EndpointGuard::new(true)).await;
    let at = |it: NewCredential| NewCredential {
        provider: provider(name),
        endpoint: Some(fake.endpoint(name)),
        ..it
    };
    let minting = NewCredential { api_key: Some(MINTING_KEY.into()), is_active: false, ..new("minter") };
    let with = ground.make(at(minting)).await;
    let made = ground.make(at(new("one"))).await;
    let patch = CredentialPatch {
        minter: Some(Some((with.id, project.map(str::to_owned)))),
        rotate_after_days: Some(Some(30)),
        ..CredentialPatch::default()
    };
    let made = ground.service().update(made.id, patch, None).await.expect("a change");
    House { ground, fake, with, made }
}

async fn key(ground: &Ground) -> String {
    let found = ground.service().get_credential("one", None).await.expect("an answer").expect("a credential");
    found.api_key.expose().to_owned()
}

async fn states(house: &House) -> Vec<&'static str> {
    let (found, versions) = house.ground.service().versions(house.made.id).await.expect("an answer");
    versions.iter().map(|it| it.state(found.version, None)).collect()
}

#[tokio::test]
async fn a_key_is_made_by_the_provider_and_the_one_before_is_revoked_a_day_after_it_is_retired() {
    for (name, project) in [("openrouter", None), ("openai", Some("proj_1"))] {
        let house = house(name, project).await;
        let (service, clock) = (house.ground.service(), &house.ground.clock);
        let rotated = service.rotate(house.made.id, Some(house.made.revision)).await.unwrap();
        assert_eq!((rotated.version_number, rotated.staged), (2, None), "{name}");
        assert_eq!(house.fake.good(), [key(&house.ground).await]);
        let first = key(&house.ground).await;
        service.rotate(house.made.id, None).await.unwrap();
        let second = key(&house.ground).await;
        assert_eq!(house.fake.good(), [first.clone(), second.clone()]);
        assert_eq!(service.revoke_retired().await.unwrap(), 0, "calls may use it still");
        clock.set(NOW.plus_seconds(60));
        assert_eq!(house.ground.room.drain_versions().await.unwrap(), 2);
        assert_eq!(service.revoke_retired().await.unwrap(), 0, "it can be rolled back to for a day");
        clock.set(NOW.plus_seconds(60 + DAY + 1));
        assert_eq!(service.revoke_retired().await.unwrap(), 1);
        assert_eq!(house.fake.good(), [second.as_str()], "{name}");
        assert_eq!(states(&house).await, ["current", "revoked", "retired"], "the first was made by hand");
        let dead = service.roll_back(house.made.id, 2, None).await.unwrap_err();
        assert!(dead.kind == ProblemKind::Conflict && dead.message.contains("revoked"), "{dead}");
        assert_eq!(service.revoke_retired().await.unwrap(), 0);
        assert_eq!(house.ground.entries("credential.rotate").await.len(), 2);
        assert_eq!(house.ground.entries("credential.revoke").await.len(), 1);
        for entry in house.ground.entries("credential.").await {
            assert!(
                !entry.entry.detail.contains("minted") && !entry.entry.detail.contains("admin"),
                "{entry:?}"
            );
        }
        house.ground.assert_sound().await;
    }
}

#[tokio::test]
async fn a_key_that_is_brought_back_is_not_revoked() {
    let house = house("openrouter", None).await;
    let service = house.ground.service();
    service.rotate(house.made.id, None).await.unwrap();
    let first = key(&house.ground).await;
    service.rotate(house.made.id, None).await.unwrap();
    service.roll_back(house.made.id, 2, None).await.unwrap();
    house.ground.clock.set(NOW.plus_seconds(60));
    house.ground.room.drain_versions().await.unwrap();
    house.ground.clock.set(NOW.plus_seconds(60 + DAY + 1));
    assert_eq!(service.revoke_retired().await.unwrap(), 1, "the second one only");
    assert_eq!(house.fake.good(), [first]);
    assert_eq!(states(&house).await, ["current", "revoked", "retired", "retired"]);
}

#[tokio::test]
async fn what_is_due_is_rotated_by_itself_once() {
    let house = house("openrouter", None).await;
    let service = house.ground.service();
    assert_eq!(service.rotate_due().await.unwrap(), 0);
    house.ground.clock.set(NOW.plus_seconds(30 * DAY));
    assert_eq!(service.rotate_due().await.unwrap(), 1);
    assert_eq!(service.rotate_due().await.unwrap(), 0, "the days start over");
    assert_eq!(house.fake.good(), [key(&house.ground).await]);
    assert_eq!(service.require(house.made.id).await.unwrap().version_number, 2);
}

#[tokio::test]
async fn what_somebody_has_staged_is_not_promoted_by_itself() {
    let house = house("openrouter", None).await;
    let service = house.ground.service();
    service.stage(house.made.id, "by hand".into(), None, None).await.unwrap();
    house.ground.clock.set(NOW.plus_seconds(30 * DAY));
    assert_eq!(service.rotate_due().await.unwrap(), 0);
    let found = service.require(house.made.id).await.unwrap();
    assert_eq!((found.version_number, found.staged.map(|staged| staged.number)), (1, Some(2)));
    assert_eq!(house.fake.good().len(), 0);
    service.abort(house.made.id, None).await.unwrap();
    assert_eq!(service.rotate_due().await.unwrap(), 1);
}

#[tokio::test]
async fn a_provider_that_refuses_leaves_everything_as_it_is_and_is_asked_again_an_hour_later() {
    let house = house("openrouter", None).await;
    let service = house.ground.service();
    let wrong = CredentialPatch { api_key: Some("sk-wrong".into()), ..CredentialPatch::default() };
    service.update(house.with.id, wrong, None).await.unwrap();
    let refused = service.rotate(house.made.id, None).await.unwrap_err();
    assert!(refused.kind == ProblemKind::BadGateway && refused.message.contains("HTTP 401"), "{refused}");
    let found = service.require(house.made.id).await.unwrap();
    assert_eq!((found.version_number, found.staged), (1, None));
    house.ground.clock.set(NOW.plus_seconds(30 * DAY));
    let alerts = async || {
        let filter = IncidentFilter { rule: Some(Rule::RotationFailed), ..IncidentFilter::default() };
        let all = house.ground.room.alerts(Actor::library()).list(&filter, 10).await.unwrap();
        all.into_iter().map(|it| it.state).collect::<Vec<_>>()
    };
    assert_eq!(alerts().await, [""; 0], "somebody asked for that one, and was told");
    assert_eq!(service.rotate_due().await.unwrap(), 0);
    house.ground.room.watch_limits().await.unwrap();
    assert_eq!(alerts().await, ["firing"]);
    let right = CredentialPatch { api_key: Some(MINTING_KEY.into()), ..CredentialPatch::default() };
    service.update(house.with.id, right, None).await.unwrap();
    assert_eq!(service.rotate_due().await.unwrap(), 0, "it was tried within this hour");
    house.ground.clock.set(NOW.plus_seconds(30 * DAY + 3600));
    assert_eq!(service.rotate_due().await.unwrap(), 1);
    assert_eq!(alerts().await, ["resolved"]);
}

#[tokio::test]
async fn what_cannot_mint_is_refused_by_name() {
    let house = house("openrouter", None).await;
    let service = house.ground.service();
    let other = house.ground.make(new("other")).await;
    let gemini = house.ground.make(NewCredential { provider: provider("gemini"), ..new("g1") }).await;
    let second = house.ground.make(NewCredential { provider: provider("gemini"), ..new("g2") }).await;
    let set = async |of: &Credential, with: &Credential, project: Option<&str>| {
        let minter = Some(Some((with.id, project.map(str::to_owned))));
        let patch = CredentialPatch { minter, ..CredentialPatch::default() };
        service.update(of.id, patch, None).await.expect_err("a refusal").field.expect("a field")
    };
    assert_eq!(
        set(&house.made, &other, None).await,
        strongroom_model::Field::Ours("rotateWith"),
        "another provider"
    );
    assert_eq!(
        set(&house.made, &house.made, None).await,
        strongroom_model::Field::Ours("rotateWith"),
        "itself"
    );
    assert_eq!(
        set(&gemini, &second, None).await,
        strongroom_model::Field::Ours("rotateWith"),
        "no API for it"
    );
    assert_eq!(
        set(&house.made, &house.with, Some("proj")).await,
        strongroom_model::Field::Ours("rotateWith.project")
    );
    let by_hand = service.rotate(other.id, None).await.unwrap_err();
    assert!(by_hand.kind == ProblemKind::Conflict && by_hand.message.contains("by hand"), "{by_hand}");
    let moved = format!("UPDATE api_credentials SET minter_uid = '{}' WHERE name = 'one'", other.uid);
    house.ground.edit(&moved).await;
    let tampered = service.rotate(house.made.id, None).await.unwrap_err();
    assert_eq!(tampered.kind, ProblemKind::Integrity);
    assert_eq!(house.fake.good().len(), 0);
}

/// Each edit of the database that would have a key revoked that is not to be, or hides that one is needed.
#[tokio::test]
async fn no_key_is_revoked_by_what_somebody_wrote_into_the_database() {
    let retired =
        "WHERE number = 2 AND credential_uid = (SELECT uid FROM api_credentials WHERE name = 'one')";
    let other = "(SELECT version_uid FROM api_credentials WHERE name = 'other')";
    for (how, edits) in [
        (
            "somebody else's key",
            vec![format!("UPDATE credential_versions SET provider_key = 'key-of-others' {retired}")],
        ),
        ("retired earlier", vec![format!("UPDATE credential_versions SET retired_at_ms = 1 {retired}")]),
        (
            "not needed by another credential",
            vec![format!("UPDATE credential_values SET fingerprint = 'x' WHERE version_uid = {other}")],
        ),
        ("no fingerprint at all", vec![format!("DELETE FROM credential_values WHERE version_uid = {other}")]),
        (
            "without a MAC",
            vec![format!(
                "UPDATE credential_versions SET mac = '', mac_key_id = '', provider_key = 'key-of-others' {retired}"
            )],
        ),
        (
            "without a MAC, and as if there had never been any",
            vec![
                format!(
                    "UPDATE credential_versions SET mac = '', mac_key_id = '', provider_key = 'key-of-others' {retired}"
                ),
                "DELETE FROM strongroom_meta WHERE key = 'version_macs'".to_owned(),
            ],
        ),
    ] {
        let house = house("openrouter", None).await;
        let service = house.ground.service();
        house.ground.make(new("other")).await;
        service.rotate(house.made.id, None).await.unwrap();
        service.rotate(house.made.id, None).await.unwrap();
        house.ground.clock.set(NOW.plus_seconds(60));
        house.ground.room.drain_versions().await.unwrap();
        house.ground.clock.set(NOW.plus_seconds(60 + DAY + 1));
        let good = house.fake.good();
        assert_eq!(good.len(), 2);
        for edit in &edits {
            assert_eq!(house.ground.database.execute(edit).await, 1, "{how}: {edit}");
        }
        // One that opens the database again signs nothing of it.
        let opened = house.ground.node().await;
        let actor = strongroom::Actor::library();
        for service in [service, opened.credentials(actor)] {
            let refused = service.revoke_retired().await.unwrap_err();
            assert_eq!(refused.kind, ProblemKind::Integrity, "{how}");
            assert!(refused.message.contains("no key is revoked"), "{how}: {refused}");
        }
        assert_eq!(house.fake.good(), good, "{how}");
        opened.close().await.unwrap();
    }
}
