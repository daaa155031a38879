//! Versions: where they came from, what became of them, and values that are erased.

use strongroom_model::authority_mac::AuthorityMac;
use strongroom_model::credential::{Credential, Field, Minter, Staged};
use strongroom_model::fingerprint::SecretFingerprint;
use strongroom_model::version::{Ending, Erasure, Origin};
use strongroom_model::{Millis, Uid};
use strongroom_store::value::{self, SealedValue};
use strongroom_store::version::Provenance;
use strongroom_store::{StoreError, credential, drain, reminder, version};

use super::ground::{NOW, deleted_mac, ground, provider, row, uid};

fn later(milliseconds: i64) -> Millis {
    Millis(NOW.0 + milliseconds)
}

fn sealed(version: Uid, field: Field, keys: &(String, String)) -> SealedValue {
    SealedValue {
        version,
        field,
        key_id: keys.0.clone(),
        text: format!("sealed {}", field.as_str()),
        fingerprint: SecretFingerprint { key_id: keys.1.clone(), value: "print".to_owned() },
    }
}

#[tokio::test]
async fn a_version_remembers_what_became_of_it() {
    let ground = ground().await;
    ground.put(row(1, "one", &provider("openai"))).await;
    ground.put(row(2, "two", &provider("openai"))).await;
    let mut tx = ground.write().await;
    let staged = Provenance { created_by: "token:a", origin: Origin::Staged, copied_from: None };
    assert_eq!(version::insert_from(&mut tx, uid(1), uid(201), staged, later(1)).await.unwrap(), 2);
    let copied = Provenance { created_by: "token:b", origin: Origin::RolledBack, copied_from: Some(1) };
    assert_eq!(version::insert_from(&mut tx, uid(1), uid(202), copied, later(2)).await.unwrap(), 3);
    version::replace(&mut tx, uid(101), later(2)).await.unwrap();
    version::probed(&mut tx, uid(201), "ok", later(3)).await.unwrap();
    tx.commit().await.unwrap();

    let all = version::list(&mut ground.read().await, uid(1)).await.unwrap();
    assert_eq!(all.iter().map(|it| it.number).collect::<Vec<_>>(), [3, 2, 1], "the newest first");
    let [third, second, first] = all.try_into().expect("three versions");
    assert_eq!(
        (first.origin, first.activated_at, first.replaced_at),
        (Origin::New, Some(NOW), Some(later(2)))
    );
    assert_eq!(
        (second.origin, second.activated_at, second.created_by.as_str()),
        (Origin::Staged, None, "token:a")
    );
    assert_eq!(second.probed, Some(("ok".to_owned(), later(3))));
    assert_eq!(
        (third.origin, third.copied_from, third.activated_at),
        (Origin::RolledBack, Some(1), Some(later(2)))
    );

    let mut tx = ground.write().await;
    version::activate(&mut tx, uid(201), later(4)).await.unwrap();
    version::end(&mut tx, uid(202), Ending::Refused, "three calls", later(5)).await.unwrap();
    tx.commit().await.unwrap();
    let mut session = ground.read().await;
    let second = version::get(&mut session, uid(1), 2).await.unwrap().unwrap();
    assert_eq!((second.uid, second.activated_at), (uid(201), Some(later(4))));
    let third = version::get(&mut session, uid(1), 3).await.unwrap().unwrap();
    assert_eq!(third.ended, Some((Ending::Refused, later(5), "three calls".to_owned())));
    assert!(version::get(&mut session, uid(1), 4).await.unwrap().is_none());
    assert!(version::get(&mut session, uid(2), 2).await.unwrap().is_none(), "another credential's");
}

#[tokio::test]
async fn all_versions_are_read_in_pieces_with_what_they_hold_and_with_their_macs() {
    let ground = ground().await;
    ground.put(row(1, "one", &provider("openai"))).await;
    ground.put(row(2, "two", &provider("openai"))).await;
    let keys = ground.put_keys().await;
    let mut tx = ground.write().await;
    version::insert(&mut tx, uid(1), uid(201), "token:a", later(1)).await.unwrap();
    for (version, field) in [(101, Field::ApiKey), (201, Field::ApiSecret), (201, Field::ApiKey)] {
        value::put(&mut tx, &sealed(uid(version), field, &keys)).await.unwrap();
    }
    let mac = AuthorityMac { key_id: "key".to_owned(), mac: "mac".to_owned() };
    version::sign(&mut tx, uid(201), &mac).await.unwrap();
    tx.commit().await.unwrap();

    let mut session = ground.read().await;
    let (mut all, mut held, mut after) = (Vec::new(), Vec::new(), String::new());
    loop {
        let piece = version::list_all(&mut session, &after, 2).await.unwrap();
        let Some((_, last)) = piece.last() else { break };
        let last = last.uid;
        held.extend(value::fingerprints_between(&mut session, &after, last).await.unwrap());
        after = last.to_string();
        all.extend(piece.into_iter().map(|(credential, it)| (credential, it.uid, it.number, it.mac.mac)));
    }
    let none = String::new;
    let expected = [
        (uid(1), uid(101), 1, none()),
        (uid(2), uid(102), 1, none()),
        (uid(1), uid(201), 2, "mac".to_owned()),
    ];
    assert_eq!(all, expected);
    let held: Vec<_> = held.into_iter().map(|(version, field, _)| (version, field)).collect();
    let expected = [(uid(101), Field::ApiKey), (uid(201), Field::ApiKey), (uid(201), Field::ApiSecret)];
    assert_eq!(held, expected);
    let (credential, found) = version::get_by_uid(&mut session, uid(201)).await.unwrap().unwrap();
    assert_eq!((credential, found.mac), (uid(1), mac));
    assert!(version::get_by_uid(&mut session, uid(9)).await.unwrap().is_none());
    assert_eq!(
        version::incomplete(&mut session).await.unwrap(),
        ["one"],
        "nobody has said that the first is followed"
    );
    drop(session);
    let mut tx = ground.write().await;
    version::say_what_is_followed(&mut tx).await.unwrap();
    version::follow(&mut tx, uid(101)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(version::incomplete(&mut ground.read().await).await.unwrap(), [""; 0]);
    let gone = format!(
        "DELETE FROM credential_values WHERE version_uid = '{0}'; DELETE FROM credential_versions WHERE uid = '{0}'",
        uid(101)
    );
    ground.database.execute(&gone).await;
    assert_eq!(version::incomplete(&mut ground.read().await).await.unwrap(), ["one"]);
}

#[tokio::test]
async fn erased_values_are_gone_and_their_fingerprints_stay() {
    let ground = ground().await;
    let keys = ground.put_keys().await;
    ground.put(row(1, "one", &provider("openai"))).await;
    let mut tx = ground.write().await;
    version::insert(&mut tx, uid(1), uid(201), "system", NOW).await.unwrap();
    for (version, field) in
        [(uid(101), Field::ApiKey), (uid(101), Field::ApiSecret), (uid(201), Field::ApiKey)]
    {
        value::put(&mut tx, &sealed(version, field, &keys)).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut tx = ground.write().await;
    assert!(version::erase(&mut tx, uid(101), Erasure::Destroyed, later(1)).await.unwrap());
    assert!(!version::erase(&mut tx, uid(101), Erasure::Pruned, later(2)).await.unwrap(), "gone already");
    tx.commit().await.unwrap();

    let mut session = ground.read().await;
    let first = version::get(&mut session, uid(1), 1).await.unwrap().unwrap();
    assert_eq!(first.erased, Some((Erasure::Destroyed, later(1))));
    assert_eq!(value::list_of_version(&mut session, uid(101)).await.unwrap(), []);
    assert_eq!(value::list_of_credential(&mut session, uid(1)).await.unwrap().len(), 1);
    let print = SecretFingerprint { key_id: keys.1.clone(), value: "print".to_owned() };
    assert_eq!(value::holders(&mut session, &print).await.unwrap().len(), 3);
    let prints = value::fingerprints(&mut session, uid(101)).await.unwrap();
    let fields: Vec<_> = prints.iter().map(|(field, _)| *field).collect();
    assert_eq!(fields, [Field::ApiKey, Field::ApiSecret]);
    assert_eq!(prints[0].1, print);
    drop(session);
    let left = "SELECT count(*) FROM credential_values WHERE version_uid LIKE '6565%' AND (value <> '' OR key_id IS NOT NULL)";
    assert_eq!(ground.database.query_text(left).await[0][0].as_deref(), Some("0"));
}

#[tokio::test]
async fn a_staged_version_and_an_expiry_are_read_back_and_changed() {
    let ground = ground().await;
    let openai = provider("openai");
    let mut new = row(1, "one", &openai);
    (new.expires_at, new.rotate_after_days) = (Some(later(9)), Some(90));
    let id = ground.put(new).await;
    let found = ground.get(id).await;
    assert_eq!((found.expires_at, found.rotate_after_days, found.staged), (Some(later(9)), Some(90), None));
    assert_eq!(found.version_since, NOW);
    let mut tx = ground.write().await;
    let staged = Provenance { created_by: "token:a", origin: Origin::Staged, copied_from: None };
    version::insert_from(&mut tx, uid(1), uid(201), staged, later(1)).await.unwrap();
    let staged = Some(Staged { version: uid(201), number: 2, percent: 10 });
    let wanted = Credential { staged, expires_at: None, rotate_after_days: Some(7), ..found };
    assert!(credential::update(&mut tx, &wanted, NOW).await.unwrap());
    tx.commit().await.unwrap();
    let found = ground.get(id).await;
    assert_eq!((found.staged, found.expires_at, found.rotate_after_days), (staged, None, Some(7)));
    assert_eq!((found.revision, found.version_number), (2, 1));
}

#[tokio::test]
async fn deleted_credentials_are_listed_taken_back_and_purged() {
    let ground = ground().await;
    let openai = provider("openai");
    let one = ground.put(row(1, "one", &openai)).await;
    let two = ground.put(row(2, "two", &openai)).await;
    ground.put(row(3, "three", &openai)).await;
    let mut tx = ground.write().await;
    for (id, at) in [(one, later(10)), (two, later(20))] {
        assert!(credential::delete(&mut tx, id, 1, &deleted_mac(), at).await.unwrap());
    }
    tx.commit().await.unwrap();
    let names = async |before, after| -> Vec<String> {
        let mut session = ground.read().await;
        let found = credential::deleted::list(&mut session, before, after, 10, NOW).await.unwrap();
        found.into_iter().map(|it| it.name).collect()
    };
    assert_eq!(names(Millis(i64::MAX), 0).await, ["one", "two"]);
    assert_eq!(names(Millis(i64::MAX), one.0).await, ["two"]);
    assert_eq!(names(later(20), 0).await, ["one"]);
    let found = credential::deleted::get(&mut ground.read().await, one, NOW).await.unwrap().unwrap();
    assert_eq!((found.deleted_at, found.revision, found.mac.clone()), (Some(later(10)), 2, deleted_mac()));

    ground.put(row(4, "one", &openai)).await;
    let mac = found.mac;
    let mut tx = ground.write().await;
    let taken = credential::deleted::undelete(&mut tx, one, 2, &mac, NOW).await;
    assert!(matches!(taken, Err(StoreError::Taken(_))), "{taken:?}");
    drop(tx);
    let mut tx = ground.write().await;
    assert!(!credential::deleted::undelete(&mut tx, two, 1, &mac, NOW).await.unwrap(), "another revision");
    assert!(credential::deleted::undelete(&mut tx, two, 2, &mac, NOW).await.unwrap());
    assert!(!credential::deleted::undelete(&mut tx, two, 3, &mac, NOW).await.unwrap(), "not deleted");
    assert!(!credential::deleted::purge(&mut tx, two, 3, NOW).await.unwrap(), "not deleted");
    assert!(!credential::deleted::purge(&mut tx, one, 1, NOW).await.unwrap(), "another revision");
    assert!(credential::deleted::purge(&mut tx, one, 2, NOW).await.unwrap());
    assert!(!credential::deleted::purge(&mut tx, one, 3, NOW).await.unwrap(), "purged already");
    assert!(!credential::deleted::undelete(&mut tx, one, 3, &mac, NOW).await.unwrap(), "purged");
    tx.commit().await.unwrap();
    assert_eq!(ground.get(two).await.deleted_at, None);
    assert_eq!(names(Millis(i64::MAX), 0).await, Vec::<String>::new());
    assert!(credential::deleted::get(&mut ground.read().await, one, NOW).await.unwrap().is_none());
}

#[tokio::test]
async fn people_are_reminded_once_of_what_is_due() {
    let ground = ground().await;
    let openai = provider("openai");
    let (mut expiring, mut old, mut young) =
        (row(1, "expiring", &openai), row(2, "old", &openai), row(3, "young", &openai));
    expiring.expires_at = Some(later(1000));
    (old.rotate_after_days, young.rotate_after_days) = (Some(1), Some(2));
    let (expiring, old) = (ground.put(expiring).await, ground.put(old).await);
    ground.put(young).await;
    ground.put(row(4, "plain", &openai)).await;
    let a_day = 86_400_000;
    for (before, now, due) in [
        (later(1000), NOW, vec![]),
        (later(1001), NOW, vec![expiring.0]),
        (later(1001), later(a_day), vec![expiring.0, old.0]),
        (NOW, later(a_day - 1), vec![]),
    ] {
        assert_eq!(reminder::list_due(&mut ground.read().await, before, now).await.unwrap(), due);
    }
    let mut tx = ground.write().await;
    assert!(reminder::note(&mut tx, uid(1), "expired", later(1000), NOW).await.unwrap());
    assert!(
        !reminder::note(&mut tx, uid(1), "expired", later(1000), later(5)).await.unwrap(),
        "said already"
    );
    assert!(reminder::note(&mut tx, uid(1), "expired", later(2000), NOW).await.unwrap(), "another instant");
    assert!(reminder::note(&mut tx, uid(1), "rotation_due", later(1000), NOW).await.unwrap());
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_replaced_version_is_retired_when_no_server_is_busy_with_it() {
    let ground = ground().await;
    ground.put(row(1, "one", &provider("openai"))).await;
    let mut tx = ground.write().await;
    version::insert(&mut tx, uid(1), uid(201), "system", NOW).await.unwrap();
    version::replace(&mut tx, uid(101), NOW).await.unwrap();
    drain::keep(&mut tx, uid(101), uid(50), later(100)).await.unwrap();
    drain::keep(&mut tx, uid(101), uid(51), later(50)).await.unwrap();
    drain::keep(&mut tx, uid(101), uid(51), later(120)).await.unwrap();
    tx.commit().await.unwrap();
    let drained =
        async |before, now| drain::list_drained(&mut ground.read().await, before, now).await.unwrap();
    assert_eq!(drained(NOW, later(500)).await, [], "not replaced before");
    assert_eq!(drained(later(1), later(119)).await, [], "one is busy");
    let found = drained(later(1), later(120)).await;
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].version_uid.clone(), found[0].number, found[0].name.as_str()),
        (uid(101).to_string(), 1, "one")
    );
    let mut tx = ground.write().await;
    assert!(drain::retire(&mut tx, uid(101), later(130)).await.unwrap());
    assert!(!drain::retire(&mut tx, uid(101), later(131)).await.unwrap(), "another was first");
    tx.commit().await.unwrap();
    assert_eq!(drained(later(1), later(500)).await, []);
    let first = version::get(&mut ground.read().await, uid(1), 1).await.unwrap().unwrap();
    assert_eq!(first.retired_at, Some(later(130)));
    let left = ground.database.query_text("SELECT count(*) FROM version_drains").await;
    assert_eq!(left[0][0].as_deref(), Some("0"));
    let mut tx = ground.write().await;
    let nowhere = drain::keep(&mut tx, uid(99), uid(50), NOW).await;
    assert!(matches!(nowhere, Err(StoreError::Dangling(_))), "{nowhere:?}");
}

#[tokio::test]
async fn a_key_that_the_provider_made_can_be_revoked_when_no_version_needs_it() {
    let ground = ground().await;
    let openai = provider("openai");
    ground.put(row(2, "minter", &openai)).await;
    let id = ground.put(row(1, "one", &openai)).await;
    let mut tx = ground.write().await;
    version::insert(&mut tx, uid(1), uid(201), "system", NOW).await.unwrap();
    version::set_provider_key(&mut tx, uid(101), "key_1").await.unwrap();
    version::replace(&mut tx, uid(101), NOW).await.unwrap();
    tx.commit().await.unwrap();
    let revocable = async |before| version::list_revocable(&mut ground.read().await, before).await.unwrap();
    let mut tx = ground.write().await;
    drain::retire(&mut tx, uid(101), later(10)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(revocable(later(11)).await, [], "there is nothing to revoke it with");
    let found = ground.get(id).await;
    let minter = ground.get(strongroom_model::CredentialId(1)).await;
    let minter = Minter { credential: minter.uid, id: minter.id, project: Some("proj".to_owned()) };
    let mut tx = ground.write().await;
    let wanted = Credential { minter: Some(minter.clone()), version: uid(201), ..found };
    assert!(credential::update(&mut tx, &wanted, NOW).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(ground.get(id).await.minter, Some(minter));
    assert_eq!(revocable(later(10)).await, []);
    // The same key by hand, in another credential: it would be gone there too.
    let keys = ground.put_keys().await;
    ground.put(row(3, "by hand", &openai)).await;
    let mut tx = ground.write().await;
    for version in [101, 103] {
        value::put(&mut tx, &sealed(uid(version), Field::ApiKey, &keys)).await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(revocable(later(11)).await, []);
    let mut tx = ground.write().await;
    assert!(version::erase(&mut tx, uid(103), Erasure::Destroyed, NOW).await.unwrap());
    tx.commit().await.unwrap();
    let found = revocable(later(11)).await;
    assert_eq!((found.len(), found[0].provider_key.as_str(), found[0].credential_id), (1, "key_1", id.0));
    let mut tx = ground.write().await;
    version::set_provider_key(&mut tx, uid(201), "key_1").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(revocable(later(11)).await, [], "the version in use has the same key");
    let mut tx = ground.write().await;
    version::set_provider_key(&mut tx, uid(201), "key_2").await.unwrap();
    assert!(version::revoked(&mut tx, uid(101), later(12)).await.unwrap());
    assert!(!version::revoked(&mut tx, uid(101), later(13)).await.unwrap(), "known already");
    tx.commit().await.unwrap();
    assert_eq!(revocable(later(20)).await, []);
    let first = version::get(&mut ground.read().await, uid(1), 1).await.unwrap().unwrap();
    assert_eq!((first.provider_key.as_deref(), first.revoked_at), (Some("key_1"), Some(later(12))));
}

#[tokio::test]
async fn versions_from_before_know_when_they_were_in_use() {
    let database = strongroom_testkit::TestDatabase::new(super::BACKEND).await;
    let migrations = match super::BACKEND {
        strongroom_testkit::Backend::Sqlite => [
            include_str!("../../migrations/sqlite/0001_ground.sql"),
            include_str!("../../migrations/sqlite/0002_admission.sql"),
            include_str!("../../migrations/sqlite/0004_versions.sql"),
        ],
        strongroom_testkit::Backend::Postgres => [
            include_str!("../../migrations/postgres/0001_ground.sql"),
            include_str!("../../migrations/postgres/0002_admission.sql"),
            include_str!("../../migrations/postgres/0004_versions.sql"),
        ],
    };
    for before in &migrations[..2] {
        database.execute(before).await;
    }
    database
        .execute(
            "INSERT INTO api_credentials (uid, name, provider, priority, is_active, is_global, revision, version_uid, \
             mac_key_id, mac, created_at_ms, updated_at_ms) \
             VALUES ('c', 'one', 'openai', 1, true, true, 1, 'v2', 'k', 'm', 5, 5)",
        )
        .await;
    for (uid, number, at) in [("v1", 1, 5), ("v2", 2, 9)] {
        let values = format!("('{uid}', 'c', {number}, 'system', {at})");
        let columns = "(uid, credential_uid, number, created_by, created_at_ms)";
        database.execute(&format!("INSERT INTO credential_versions {columns} VALUES {values}")).await;
    }
    database.execute(migrations[2]).await;
    let sql = "SELECT CAST(activated_at_ms AS TEXT), CAST(replaced_at_ms AS TEXT), CAST(retired_at_ms AS TEXT), origin \
               FROM credential_versions ORDER BY number";
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        database.query_text(sql).await,
        [vec![text("5"), text("9"), text("9"), text("new")], vec![text("9"), None, None, text("new")],]
    );
}

#[tokio::test]
async fn who_else_has_the_key_of_a_version_is_told_while_it_may_serve() {
    let ground = ground().await;
    let openai = provider("openai");
    let id = ground.put(row(1, "one", &openai)).await;
    ground.put(row(2, "two", &openai)).await;
    let keys = ground.put_keys().await;
    let mut tx = ground.write().await;
    version::insert(&mut tx, uid(1), uid(201), "system", NOW).await.unwrap();
    version::insert(&mut tx, uid(1), uid(202), "system", NOW).await.unwrap();
    for (version, print) in [(101, "print"), (201, "another"), (202, "print"), (102, "print")] {
        let mut value = sealed(uid(version), Field::ApiKey, &keys);
        value.fingerprint.value = print.to_owned();
        value::put(&mut tx, &value).await.unwrap();
    }
    drain::retire(&mut tx, uid(101), NOW).await.unwrap();
    tx.commit().await.unwrap();
    let told = async || {
        let same = value::same_keys(&mut ground.read().await, uid(1)).await.unwrap();
        same.into_iter().map(|it| (it.of_version, it.name, it.number, it.is_deleted)).collect::<Vec<_>>()
    };
    let row = |of: u8, name: &str, number: i64, is_deleted: bool| {
        (uid(of).to_string(), name.to_owned(), number, is_deleted)
    };
    // The first one is retired, which is why nobody names it.
    assert_eq!(
        told().await,
        [row(101, "one", 3, false), row(101, "two", 1, false), row(202, "two", 1, false)]
    );
    let mut tx = ground.write().await;
    drain::retire(&mut tx, uid(202), NOW).await.unwrap();
    tx.commit().await.unwrap();
    let delete = format!("UPDATE api_credentials SET deleted_at_ms = 1 WHERE uid = '{}'", uid(2));
    ground.database.execute(&delete).await;
    assert_eq!(told().await, [row(101, "two", 1, true), row(202, "two", 1, true)]);
    let mut tx = ground.write().await;
    assert!(version::erase(&mut tx, uid(102), Erasure::Purged, NOW).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!((told().await, id), (vec![], strongroom_model::CredentialId(1)));
}
