//! Versions: every new key is one, old ones can be brought back, compared, destroyed, and go when enough are kept.

use strongroom::credential::Difference;
use strongroom::usage::Dim;
use strongroom::{Actor, Credential, CredentialPatch, Millis, NewCredential, ProblemKind};
use strongroom_model::version::{Erasure, Origin, Version};

use super::ground::{Ground, NOW, ground, ground_with, new};

async fn give(ground: &Ground, made: &Credential, key: &str) -> Credential {
    let patch = CredentialPatch { api_key: Some(key.into()), ..CredentialPatch::default() };
    ground.service().update(made.id, patch, None).await.expect("a new version")
}

async fn key(ground: &Ground) -> String {
    let found = ground.service().get_credential("one", None).await.expect("an answer").expect("a credential");
    found.api_key.expose().to_owned()
}

/// All versions, the newest first, as their numbers and states.
async fn states(ground: &Ground, made: &Credential) -> Vec<(i64, &'static str)> {
    let (found, versions) = ground.service().versions(made.id).await.expect("an answer");
    let staged = found.staged.map(|staged| staged.version);
    versions.iter().map(|it: &Version| (it.number, it.state(found.version, staged))).collect()
}

#[tokio::test]
async fn rolling_back_makes_a_new_version_of_the_old_values_and_the_old_one_stays() {
    let ground = ground().await;
    let service = ground.service();
    let made = ground.make(NewCredential { api_secret: Some("second".into()), ..new("one") }).await;
    give(&ground, &made, "key 2").await;
    assert_eq!(states(&ground, &made).await, [(2, "current"), (1, "draining")]);

    let back = service.roll_back(made.id, 1, None).await.unwrap();
    assert_eq!((back.version_number, back.revision), (3, 3));
    assert_eq!(key(&ground).await, "key of one");
    assert_eq!(states(&ground, &made).await, [(3, "current"), (2, "draining"), (1, "draining")]);
    let (_, versions) = service.versions(made.id).await.unwrap();
    assert_eq!((versions[0].origin, versions[0].copied_from), (Origin::RolledBack, Some(1)));
    assert_eq!(versions[0].created_by, "library");
    let sealed = "SELECT count(DISTINCT value), count(*) FROM credential_values";
    let counts = ground.database.query_text(sealed).await;
    assert_eq!(counts[0][0], counts[0][1], "each is sealed by itself");

    let found = service.compare_versions(made.id, 1, 3).await.unwrap();
    assert!(found.fields.iter().all(|(_, difference)| *difference == Difference::Same), "{found:?}");
    assert_eq!(found.fields.len(), 2);
    let found = service.compare_versions(made.id, 2, 3).await.unwrap();
    let differences: Vec<_> = found.fields.iter().map(|(_, difference)| difference.as_str()).collect();
    assert_eq!(differences, ["changed", "same"]);
    let without = CredentialPatch { api_secret: Some(None), ..CredentialPatch::default() };
    service.update(made.id, without, None).await.unwrap();
    let found = service.compare_versions(made.id, 3, 4).await.unwrap();
    assert_eq!(found.fields[1].1, Difference::Removed);
    let found = service.compare_versions(made.id, 4, 3).await.unwrap();
    assert_eq!(found.fields[1].1, Difference::Added);

    let entries = ground.entries("credential.rollback").await;
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].entry.detail, r#"{"to":1,"from":2,"version":3}"#);
    ground.assert_sound().await;
}

#[tokio::test]
async fn what_cannot_be_rolled_back_to_is_named() {
    let ground = ground().await;
    let service = ground.service();
    let made = ground.make(new("one")).await;
    give(&ground, &made, "key 2").await;
    give(&ground, &made, "key 3").await;
    for (to, kind, says) in [
        (3, ProblemKind::Conflict, "in use"),
        (4, ProblemKind::NotFound, "no version 4"),
        (0, ProblemKind::NotFound, "no version 0"),
    ] {
        let problem = service.roll_back(made.id, to, None).await.unwrap_err();
        assert!(problem.kind == kind && problem.message.contains(says), "{problem}");
    }
    let passed = service.roll_back(made.id, 1, Some(1)).await.unwrap_err();
    assert_eq!(passed.kind, ProblemKind::PreconditionFailed);
    service.destroy_version(made.id, 1, Some(3)).await.unwrap();
    let gone = service.roll_back(made.id, 1, None).await.unwrap_err();
    assert!(gone.kind == ProblemKind::Conflict && gone.message.contains("destroyed"), "{gone}");
    assert_eq!(key(&ground).await, "key 3");
    assert_eq!(ground.entries("credential.rollback").await.len(), 0);
}

#[tokio::test]
async fn a_destroyed_version_has_no_values_any_more_and_is_still_known() {
    let ground = ground().await;
    let service = ground.service();
    let made = ground.make(new("one")).await;
    give(&ground, &made, "key 2").await;
    let current = service.destroy_version(made.id, 2, None).await.unwrap_err();
    assert!(current.kind == ProblemKind::Conflict && current.message.contains("in use"), "{current}");
    service.destroy_version(made.id, 1, None).await.unwrap();
    let again = service.destroy_version(made.id, 1, None).await.unwrap_err();
    assert_eq!(again.kind, ProblemKind::Conflict);
    let left = ground.value("SELECT value FROM credential_values WHERE kind = 'erased'").await;
    assert_eq!(left, "");
    assert_eq!(states(&ground, &made).await, [(2, "current"), (1, "destroyed")]);
    let (_, versions) = service.versions(made.id).await.unwrap();
    assert_eq!(versions[1].erased, Some((Erasure::Destroyed, NOW)));
    // The fingerprint tells still that it was another key.
    let found = service.compare_versions(made.id, 1, 2).await.unwrap();
    assert_eq!(found.fields[0].1, Difference::Changed);
    assert_eq!(ground.entries("credential.destroy").await.len(), 1);
    // Resealing for another endpoint does not stumble over what is gone.
    let moved = CredentialPatch {
        endpoint: Some(Some("https://llm.example.com/v1".into())),
        ..CredentialPatch::default()
    };
    service.update(made.id, moved, None).await.unwrap();
    assert_eq!(key(&ground).await, "key 2");
    ground.assert_sound().await;
}

#[tokio::test]
async fn no_more_versions_than_are_kept_have_their_values() {
    let ground = ground_with(|options| options.versions_kept = 3).await;
    let service = ground.service();
    let made = ground.make(new("one")).await;
    for number in 2..=4 {
        give(&ground, &made, &format!("key {number}")).await;
    }
    assert_eq!(
        states(&ground, &made).await,
        [(4, "current"), (3, "draining"), (2, "draining"), (1, "pruned")]
    );
    service.roll_back(made.id, 2, None).await.unwrap();
    assert_eq!(key(&ground).await, "key 2");
    assert_eq!(states(&ground, &made).await[3..], [(2, "pruned"), (1, "pruned")]);
    service.stage(made.id, "key 6".into(), None, None).await.unwrap();
    assert_eq!(
        states(&ground, &made).await[..3],
        [(6, "staged"), (5, "current"), (4, "draining")],
        "the staged one is one of them"
    );
    let values = "SELECT count(*) FROM credential_values WHERE kind = 'sealed'";
    assert_eq!(ground.value(values).await, "3");
    let updates = ground.entries("credential.update").await;
    assert!(updates[2].entry.detail.contains(r#""pruned":[1]"#), "{}", updates[2].entry.detail);
    ground.assert_sound().await;
}

#[tokio::test]
async fn with_one_version_kept_only_the_one_in_use_has_its_values() {
    let ground = ground_with(|options| options.versions_kept = 1).await;
    let made = ground.make(new("one")).await;
    give(&ground, &made, "key 2").await;
    assert_eq!(states(&ground, &made).await, [(2, "current"), (1, "pruned")]);
    assert_eq!(key(&ground).await, "key 2");
}

#[tokio::test]
async fn uses_are_counted_per_version() {
    let ground = ground().await;
    let made = ground.make(new("one")).await;
    key(&ground).await;
    give(&ground, &made, "key 2").await;
    key(&ground).await;
    key(&ground).await;
    let usage = ground.room.usage(Actor::library());
    let sums = usage.sums(Dim::Version, Millis(0), Millis(i64::MAX)).await.unwrap();
    let counted: Vec<_> = sums.iter().map(|it| (it.group_key.as_str(), it.figures.requests)).collect();
    assert_eq!(counted, [("one v1", 1), ("one v2", 2)]);
}

#[tokio::test]
async fn a_replaced_version_is_retired_once_no_server_is_busy_with_it() {
    let ground = ground().await;
    let made = ground.make(new("one")).await;
    give(&ground, &made, "key 2").await;
    assert_eq!(ground.room.drain_versions().await.unwrap(), 0, "others may not have looked yet");
    ground.clock.set(NOW.plus_seconds(31));
    assert_eq!(ground.room.drain_versions().await.unwrap(), 1);
    assert_eq!(states(&ground, &made).await, [(2, "current"), (1, "retired")]);
    assert_eq!(ground.room.drain_versions().await.unwrap(), 0);
    let entries = ground.entries("credential.retire").await;
    assert_eq!((entries.len(), entries[0].entry.detail.as_str()), (1, r#"{"version":1}"#));
    assert_eq!(entries[0].entry.target.name.as_deref(), Some("one"));
}

#[tokio::test]
async fn a_retired_key_that_another_version_has_is_not_to_be_revoked() {
    let ground = ground().await;
    let service = ground.service();
    let made = ground.make(new("one")).await;
    give(&ground, &made, "key 2").await;
    service.roll_back(made.id, 1, None).await.unwrap();
    ground.clock.set(NOW.plus_seconds(31));
    assert_eq!(ground.room.drain_versions().await.unwrap(), 2);
    let same = async || {
        let (found, versions) = service.versions(made.id).await.unwrap();
        let number = |uid: &str| versions.iter().find(|it| it.uid.to_string() == uid).unwrap().number;
        let same = service.same_keys(&found).await.unwrap();
        same.into_iter().map(|it| (number(&it.of_version), it.name, it.number)).collect::<Vec<_>>()
    };
    assert_eq!(same().await, [(1, "one".to_owned(), 3)]);
    ground.make(NewCredential { api_key: Some("key 2".into()), ..new("two") }).await;
    assert_eq!(same().await, [(1, "one".to_owned(), 3), (2, "two".to_owned(), 1)]);
    give(&ground, &made, "key 4").await;
    assert_eq!(same().await[0], (1, "one".to_owned(), 3), "calls with it may be under way");
    ground.clock.set(NOW.plus_seconds(62));
    assert_eq!(ground.room.drain_versions().await.unwrap(), 1);
    assert_eq!(same().await, [(2, "two".to_owned(), 1)]);
}
