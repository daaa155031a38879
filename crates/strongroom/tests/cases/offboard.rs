//! Keys that stood elsewhere: still used or not, as their provider tells or as we know it.

use strongroom::credential::{ImportOptions, ImportRow, Offboarding, Standing};
use strongroom::{Actor, CredentialPatch, EndpointGuard, Millis, NewCredential, ProblemKind};
use strongroom_testkit::fake_minter::{FakeMinter, KeyUse, MINTING_KEY};

use super::ground::{Ground, NOW, ground, ground_with, new, provider};

const HOUR: i64 = 3600;

async fn private_ground() -> Ground {
    ground_with(|options| options.guard = EndpointGuard::new(true)).await
}

async fn replace(ground: &Ground, name: &str, key: &str) {
    let found = ground.service().list_credentials().await.expect("an answer");
    let id = found.iter().find(|it| it.name == name).expect("an answer").id;
    let patch = CredentialPatch { api_key: Some(key.into()), ..CredentialPatch::default() };
    ground.service().update(id, patch, None).await.expect("an answer");
}

async fn told(ground: &Ground, names: &[&str]) -> Vec<Offboarding> {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    ground.service().offboard(&names, 24).await.expect("an answer")
}

fn brief(told: &[Offboarding]) -> Vec<(&str, i64, &str)> {
    told.iter().map(|it| (it.credential.name.as_str(), it.version.number, it.standing.as_str())).collect()
}

#[tokio::test]
async fn what_no_provider_tells_is_known_from_our_own_uses() {
    let ground = ground().await;
    let row = ImportRow {
        provider: "anthropic".into(),
        api_key: Some("old key".into()),
        ..super::import::row(1, "from-file")
    };
    let options = ImportOptions { source: "env".into(), dry_run: false, skip_known_secrets: true };
    ground.service().import(vec![row], &options).await.unwrap();
    ground.make(NewCredential { provider: provider("groq"), ..new("by-hand") }).await;
    // In use from the file only: it is told of, and not to be revoked.
    assert_eq!(brief(&told(&ground, &[]).await), [("from-file", 1, "serving")]);
    ground.service().get_credential("from-file", None).await.unwrap().unwrap();
    replace(&ground, "from-file", "new key").await;
    let found = told(&ground, &[]).await;
    assert_eq!(brief(&found), [("from-file", 1, "in_use"), ("from-file", 2, "serving")]);
    assert_eq!(
        (found[0].by_provider, found[0].used_here, found[0].idle_since),
        (false, Some(NOW), Some(NOW))
    );
    ground.clock.set(NOW.plus_seconds(24 * HOUR));
    let found = told(&ground, &[]).await;
    assert_eq!((found[0].standing, found[0].idle_since), (Standing::Idle, Some(NOW)));
    // Named, any credential is told of; what has the old key again is not to be revoked.
    assert_eq!(brief(&told(&ground, &["by-hand"]).await), [("by-hand", 1, "serving")]);
    let id = found[0].credential.id;
    ground.service().roll_back(id, 1, None).await.unwrap();
    assert_eq!(
        brief(&told(&ground, &["from-file"]).await),
        [("from-file", 2, "in_use"), ("from-file", 3, "serving")]
    );
    ground.service().destroy_version(id, 2, None).await.unwrap();
    assert_eq!(brief(&told(&ground, &[]).await), [("from-file", 3, "serving")]);
    // Frozen, it serves nobody.
    ground.room.leaks(Actor::library()).freeze(id).await.unwrap();
    assert_eq!(brief(&told(&ground, &[]).await), [("from-file", 3, "in_use")]);

    let entries = ground.entries("credential.offboard").await;
    assert_eq!(entries.len(), 7);
    assert!(entries[0].entry.detail.contains("\"from-file\""), "{}", entries[0].entry.detail);
    assert!(
        entries.iter().all(|it| !it.entry.detail.contains("key\"") && !it.entry.detail.contains("old key"))
    );
    let missing = ground.service().offboard(&["nobody".to_owned()], 24).await.unwrap_err();
    assert_eq!(missing.kind, ProblemKind::NotFound);
    let odd = ground.service().offboard(&[], 0).await.unwrap_err();
    assert_eq!(odd.field.as_deref(), Some("idleHours"));
    ground.assert_sound().await;
}

#[tokio::test]
async fn openrouter_tells_whoever_shows_the_key() {
    let fake = FakeMinter::start().await.unwrap();
    let ground = private_ground().await;
    let at = |it: NewCredential| NewCredential {
        provider: provider("openrouter"),
        endpoint: Some(fake.endpoint("openrouter")),
        ..it
    };
    for (name, spent) in [("busy", [4.0, 3.0, 2.0, 1.0]), ("idle", [4.0, 3.0, 2.0, 0.0]), ("never", [0.0; 4])]
    {
        ground.make(at(new(name))).await;
        fake.accept(&format!("key of {name}"), KeyUse { spent, last_used_at: None });
        replace(&ground, name, &format!("new key of {name}")).await;
    }
    ground.make(at(new("revoked"))).await;
    replace(&ground, "revoked", "new key").await;
    let expected =
        [("busy", 1, "in_use"), ("idle", 1, "in_use"), ("never", 1, "in_use"), ("revoked", 1, "gone")];
    let found = told(&ground, &[]).await;
    assert_eq!(brief(&found), expected);
    let day = Millis(NOW.0 - NOW.0.rem_euclid(86_400_000));
    assert_eq!((found[0].used_elsewhere, found[0].idle_since), (Some(true), None));
    assert_eq!((found[1].idle_since, found[1].by_provider), (Some(day), true));
    assert_eq!((found[2].idle_since, found[2].used_elsewhere), (Some(NOW), Some(false)));
    // It was not used since the day began, and that is an hour ago.
    let hour = ground.service().offboard(&["idle".to_owned()], 1).await.unwrap();
    assert_eq!(hour[0].standing, Standing::Idle);
    drop(fake);
    let found = told(&ground, &["idle"]).await;
    assert_eq!(found[0].standing, Standing::Unknown);
    assert!(
        found[0].problem.as_deref().unwrap().contains("openrouter cannot be asked"),
        "{:?}",
        found[0].problem
    );
}

#[tokio::test]
async fn openai_tells_whoever_may_make_keys() {
    let fake = FakeMinter::start().await.unwrap();
    let ground = private_ground().await;
    let at = |it: NewCredential| NewCredential { endpoint: Some(fake.endpoint("openai")), ..it };
    let with = NewCredential { api_key: Some(MINTING_KEY.into()), is_active: false, ..new("admin") };
    let with = ground.make(at(with)).await;
    let old = "sk-proj-of-the-file-1234";
    let one = ground.make(at(NewCredential { api_key: Some(old.into()), ..new("one") })).await;
    let second = |hours: i64| NOW.0 / 1000 - hours * HOUR;
    fake.accept("sk-of-somebody-else-9999", KeyUse { last_used_at: Some(second(0)), ..KeyUse::default() });
    fake.accept(old, KeyUse { last_used_at: Some(second(30)), ..KeyUse::default() });
    // Without anybody who may ask, only our own uses are known.
    assert!(!told(&ground, &["one"]).await[0].by_provider);
    let patch = CredentialPatch {
        minter: Some(Some((with.id, Some("proj_1".to_owned())))),
        ..CredentialPatch::default()
    };
    ground.service().update(one.id, patch, None).await.unwrap();
    let found = told(&ground, &["one"]).await;
    assert_eq!(brief(&found), [("one", 1, "serving")]);
    assert_eq!((found[0].used_elsewhere, found[0].by_provider), (Some(true), true));
    replace(&ground, "one", "sk-proj-fresh-5678").await;
    let found = told(&ground, &[]).await;
    assert_eq!(brief(&found), [("one", 1, "idle")]);
    assert_eq!(found[0].last_used, Some(Millis(second(30) * 1000)));
    fake.accept(old, KeyUse { last_used_at: Some(second(1)), ..KeyUse::default() });
    assert_eq!(brief(&told(&ground, &[]).await), [("one", 1, "in_use")]);
    // The fresh key is no key of that project.
    let found = told(&ground, &["one"]).await;
    assert_eq!(found[1].standing, Standing::Serving);
    assert!(found[1].problem.as_deref().unwrap().contains("another project"), "{:?}", found[1].problem);
    let entries = ground.entries("credential.offboard").await;
    assert!(entries.last().unwrap().entry.detail.contains("\"with\":[\"admin\"]"));
    replace(&ground, "admin", "sk-admin-that-may-not").await;
    let found = ground.service().offboard(&["one".to_owned()], 24).await.unwrap();
    assert_eq!(found[0].standing, Standing::Unknown);
    assert!(found[0].problem.as_deref().unwrap().contains("HTTP 401"), "{:?}", found[0].problem);
    // A key that the provider made is known by its name there, and revoked by us.
    replace(&ground, "admin", MINTING_KEY).await;
    ground.service().rotate(one.id, None).await.unwrap();
    ground.service().rotate(one.id, None).await.unwrap();
    let found = told(&ground, &["one"]).await;
    let minted = found.iter().find(|it| it.version.number == 3).unwrap();
    assert_eq!(
        (minted.standing, minted.is_revoked_here, minted.used_elsewhere),
        (Standing::InUse, true, Some(false))
    );
}
